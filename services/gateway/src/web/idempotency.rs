//! A repeated write gets the answer of the first one, and has no second effect.
//!
//! The first request with an `Idempotency-Key` takes it; its answer is kept for a day. The same key with another request
//! is refused. A key whose request never came to an end (the process died) is free again after a minute; commands to
//! other services carry the key on, so that these have no second effect even then.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use puente_types::Clock as _;
use sha2::{Digest as _, Sha256};
use time::Duration;

use super::form_data;
use super::guard::Refusal;
use crate::domain::Principal;
use crate::state::App;

/// The header.
pub(crate) const HEADER: &str = "idempotency-key";
/// Characters of a key at most.
const LONGEST: usize = 200;
/// A request that has not ended after so long never will.
const DEAD_AFTER: Duration = Duration::minutes(1);
/// An answer to a write: one object.
const MAX_ANSWER: usize = 1024 * 1024;
/// Tells that an answer is the one of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of a request, for commands to other services.
#[derive(Debug, Clone)]
pub(crate) struct Key(pub(crate) String);

/// What is kept instead of an answer that holds a secret.
#[derive(Debug, Clone)]
pub(crate) struct KeepInstead(pub(crate) Bytes);

/// Runs the request unless it was run before.
pub(crate) async fn once(
    app: &App,
    principal: &Principal,
    mut request: Request,
    body: &Bytes,
    next: Next,
) -> Result<Response, Refusal> {
    let key = key(&request).ok_or(Refusal::KeyNeeded)?;
    let subject = principal.subject();
    let head = request.headers().clone();
    let meant = meant(&head, body.clone()).await;
    let hash = hash(principal, &request, &meant);
    match take(app, &subject, &key, &hash).await.map_err(away)? {
        Taken::Ours => {}
        Taken::Answered(response) => return Ok(response),
        Taken::Other => return Err(Refusal::KeyReused),
        Taken::Busy => return Err(Refusal::KeyBusy),
    }
    request.extensions_mut().insert(Key(carried(&subject, &key)));
    let response = next.run(request).await;
    keep(app, &subject, &key, response).await.map_err(away)
}

/// The key as it goes to other services, which take as many characters as we do.
fn carried(subject: &str, key: &str) -> String {
    let whole = format!("{subject}/{key}");
    if whole.len() <= LONGEST {
        whole
    } else {
        format!("{subject}/{}", hex::encode(Sha256::digest(key)))
    }
}

fn away(error: sqlx::Error) -> Refusal {
    tracing::error!(error = %error, "idempotency keys cannot be looked up");
    Refusal::Away
}

fn key(request: &Request) -> Option<String> {
    let text = request.headers().get(HEADER)?.to_str().ok()?.trim();
    let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// What a body says. A form with a file has another boundary each time it is sent: what counts is what it holds.
async fn meant(headers: &HeaderMap, body: Bytes) -> Bytes {
    let Ok(fields) = form_data::read(headers, body.clone()).await else {
        return body;
    };
    let mut hash = Sha256::new();
    for field in fields {
        for part in [field.name.as_bytes(), &field.bytes] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
    }
    Bytes::from(hash.finalize().to_vec())
}

fn hash(principal: &Principal, request: &Request, meant: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [
        request.method().as_str(),
        request.uri().path(),
        &principal.scope.to_string(),
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(meant);
    hash.finalize().to_vec()
}

enum Taken {
    Ours,
    Answered(Response),
    Other,
    Busy,
}

async fn take(app: &App, subject: &str, key: &str, hash: &[u8]) -> Result<Taken, sqlx::Error> {
    let now = app.clock.now();
    let ours = sqlx::query!(
        "INSERT INTO request_answers AS a (subject, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subject, key) DO UPDATE SET created_at = $4
         WHERE a.status IS NULL AND a.request_hash = $3 AND a.created_at < $5
         RETURNING 1 AS one",
        subject,
        key,
        hash,
        now,
        now - DEAD_AFTER,
    )
    .fetch_optional(&app.pool)
    .await?;
    if ours.is_some() {
        return Ok(Taken::Ours);
    }
    let found = sqlx::query!(
        "SELECT request_hash, status, body FROM request_answers WHERE subject = $1 AND key = $2",
        subject,
        key
    )
    .fetch_optional(&app.pool)
    .await?;
    let Some(row) = found else { return Ok(Taken::Busy) };
    if row.request_hash != hash {
        return Ok(Taken::Other);
    }
    let status = row
        .status
        .and_then(|status| u16::try_from(status).ok())
        .and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status else {
        return Ok(Taken::Busy);
    };
    let mut response = Response::new(Body::from(row.body.unwrap_or_default()));
    *response.status_mut() = status;
    let kind = if status.is_success() {
        "application/json"
    } else {
        "application/problem+json"
    };
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(Taken::Answered(response))
}

/// Keeps an answer that would be the same again; of any other the key is free again.
async fn keep(app: &App, subject: &str, key: &str, response: Response) -> Result<Response, sqlx::Error> {
    let response = super::trace::written(response);
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        sqlx::query!(
            "DELETE FROM request_answers WHERE subject = $1 AND key = $2 AND status IS NULL",
            subject,
            key
        )
        .execute(&app.pool)
        .await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    let kept = parts
        .extensions
        .get::<KeepInstead>()
        .map_or(&body, |instead| &instead.0);
    sqlx::query!(
        "UPDATE request_answers SET status = $3, body = $4 WHERE subject = $1 AND key = $2",
        subject,
        key,
        i16::try_from(status.as_u16()).unwrap_or_default(),
        &kept[..],
    )
    .execute(&app.pool)
    .await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}
