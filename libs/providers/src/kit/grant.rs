//! Token endpoints (RFC 6749): asked and answering alike at every provider.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use puente_ports::{CallCtx, Connection, Grant, OutboundRequest, OutboundResponse, ProviderError};
use puente_types::Secret;

use crate::kit::{MAX_ID, Num, Text, cut, form, lenient_structs, read};

/// The access token's life where the answer tells none: short, so that a wrong guess costs one renewal.
const DEFAULT_LIFE_S: f64 = 3600.0;
/// No token is trusted longer, whatever the answer says.
const LONGEST_LIFE_S: f64 = 24.0 * 3600.0;

lenient_structs! {
    Token { access_token: Text, refresh_token: Text, expires_in: Option<Num>, scope: Text }
}

/// Asks the endpoint at `url` with these fields, and whatever headers tell who asks.
pub(crate) async fn ask_token(
    ctx: CallCtx<'_>,
    operation: &'static str,
    url: String,
    mut headers: HeaderMap,
    fields: &[(&str, &str)],
) -> Result<OutboundResponse, ProviderError> {
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let request = OutboundRequest {
        operation,
        method: Method::POST,
        url,
        headers,
        body: Bytes::from(form(fields)),
    };
    ctx.http.send(ctx.connection, request, ctx.deadline).await
}

/// There is nothing to renew a token with: a person has to consent first.
pub(crate) fn nobody_consented(connection: &Connection) -> ProviderError {
    ProviderError::configuration(
        "consent_required",
        format!(
            "nobody has connected an account to connection {} yet",
            connection.id
        ),
    )
}

/// What a good answer grants. One that brings no new refresh token leaves the old one as it is.
pub(crate) fn granted(response: &OutboundResponse) -> Result<Grant, ProviderError> {
    let token: Token = read(response, false)?;
    if token.access_token.is_empty() {
        return Err(ProviderError::malformed("the answer holds no access token"));
    }
    let life = token.expires_in.map_or(DEFAULT_LIFE_S, |seconds| seconds.0);
    Ok(Grant {
        access: Secret::new(token.access_token.0),
        refresh: Some(token.refresh_token.0)
            .filter(|text| !text.is_empty())
            .map(Secret::new),
        life: Duration::from_secs_f64(life.clamp(1.0, LONGEST_LIFE_S)),
        scope: cut(&token.scope, MAX_ID),
    })
}
