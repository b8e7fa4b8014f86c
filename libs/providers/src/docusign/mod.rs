//! DocuSign eSignature (REST v2.1) with Connect: envelopes out, their news in, and the account's grant by OAuth 2.0.
//!
//! DocuSign takes no idempotency key. Our reference travels as `transactionId`, by which an envelope is found again for
//! seven days; whether a second create with the same one is refused, its documentation does not say. So creating is
//! [`Recovery::Findable`]: look, then decide. Reference and trace context travel in custom fields as well, and come back
//! with every message of Connect.
//!
//! The hosts differ: OAuth has one per environment, and each account's REST interface lives where `/oauth/userinfo`
//! says. Callers hand token, account and that base URI over in the connection, and this module keeps none of them.

mod jwt;
mod map;
mod multipart;
mod oauth;
#[cfg(feature = "sim")]
pub mod sim;
mod wire;

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use puente_ports::{
    ACCESS_TOKEN, ACCOUNT_ID, BASE_URI, CallCtx, Connection, CreatedEnvelope, EnvelopePart, EnvelopeReport,
    InboundEvent, InboundWebhook, Manifest, NewEnvelope, OAuthProvider, OutboundRequest, OutboundResponse,
    Provider, ProviderError, Recovery, SignatureProvider,
};
use puente_webhook_auth::{Encoding, NumberedHmac, Verified, WebhookAuth};
use serde::Serialize;

use crate::kit::{asked, bearer, cut, encode, flat, segment};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("docusign", include_str!("provider.toml")));

/// DocuSign's rule: one status question per envelope in this time.
const POLL_INTERVAL: Duration = Duration::from_mins(15);

/// An account has at most so many active HMAC keys, and signs with each.
const MOST_KEYS: u16 = 100;

/// The adapter's type; stateless.
#[derive(Debug)]
pub struct Adapter;

impl Provider for Adapter {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn webhook(&self) -> Option<&dyn InboundWebhook> {
        Some(self)
    }

    fn signature(&self) -> Option<&dyn SignatureProvider> {
        Some(self)
    }

    fn oauth(&self) -> Option<&dyn OAuthProvider> {
        Some(self)
    }
}

impl InboundWebhook for Adapter {
    fn auth(&self, _connection: &Connection) -> WebhookAuth {
        WebhookAuth::NumberedHmac(NumberedHmac {
            header: "x-docusign-signature-".into(),
            most: MOST_KEYS,
            encoding: Encoding::Base64,
            secret: "hmac_key".into(),
        })
    }

    fn translate(&self, request: &Verified) -> Result<Vec<InboundEvent>, ProviderError> {
        map::translate(&request.request().body)
    }
}

#[async_trait]
impl SignatureProvider for Adapter {
    fn recovery(&self) -> Recovery {
        Recovery::Findable
    }

    fn poll_interval(&self) -> Duration {
        POLL_INTERVAL
    }

    async fn create(
        &self,
        ctx: CallCtx<'_>,
        envelope: &NewEnvelope,
    ) -> Result<CreatedEnvelope, ProviderError> {
        let rest = Rest::open(ctx)?;
        let (kind, body) = map::definition::definition(envelope, ctx.traceparent)?;
        let answer = rest
            .send("envelopes.create", Method::POST, "", &kind, body)
            .await?;
        map::answers::created(&MANIFEST, &answer)
    }

    async fn find(
        &self,
        ctx: CallCtx<'_>,
        reference: &str,
    ) -> Result<Option<CreatedEnvelope>, ProviderError> {
        let rest = Rest::open(ctx)?;
        let path = format!("?transaction_ids={}", encode(reference));
        let answer = rest.get("envelopes.find", &path).await.map_err(asked)?;
        map::answers::found(&MANIFEST, &answer, reference)
    }

    async fn status(&self, ctx: CallCtx<'_>, envelope_id: &str) -> Result<EnvelopeReport, ProviderError> {
        let rest = Rest::open(ctx)?;
        // One question for envelope and signers: DocuSign counts questions per envelope.
        let path = format!("/{}?include=recipients", id(envelope_id)?);
        let answer = rest.get("envelopes.status", &path).await.map_err(asked)?;
        map::answers::report(&MANIFEST, &answer)
    }

    async fn fetch(
        &self,
        ctx: CallCtx<'_>,
        envelope_id: &str,
        part: EnvelopePart,
        max_bytes: usize,
    ) -> Result<Bytes, ProviderError> {
        let rest = Rest::open(ctx)?;
        let envelope = id(envelope_id)?;
        let (operation, path) = match part {
            EnvelopePart::Signed => (
                "documents.combined",
                format!("/{envelope}/documents/combined?certificate=false"),
            ),
            EnvelopePart::Certificate => (
                "documents.certificate",
                format!("/{envelope}/documents/certificate"),
            ),
        };
        let answer = rest.get_pdf(operation, &path).await.map_err(asked)?;
        map::answers::document(&MANIFEST, answer, max_bytes)
    }

    async fn void(&self, ctx: CallCtx<'_>, envelope_id: &str, reason: &str) -> Result<(), ProviderError> {
        let rest = Rest::open(ctx)?;
        let reason = cut(&flat(reason), map::definition::MAX_VOID_REASON);
        let change = wire::Change {
            status: "voided",
            // DocuSign takes no void without a reason.
            voided_reason: if reason.is_empty() { "-" } else { &reason },
        };
        let path = format!("/{}", id(envelope_id)?);
        // Voiding twice is voiding once, so a lost answer is no doubt: the caller may simply call again.
        let answer = rest.put("envelopes.void", &path, &change).await.map_err(asked)?;
        let Err(error) = map::answers::done(&MANIFEST, &answer).map_err(asked) else {
            return Ok(());
        };
        if !map::refusals::is_about_state(&error) {
            return Err(error);
        }
        let report = self.status(ctx, envelope_id).await;
        let report = report.map_err(map::refusals::about_one)?;
        if map::refusals::has_ended(report.status) {
            Ok(())
        } else {
            Err(error)
        }
    }

    async fn resend(&self, ctx: CallCtx<'_>, envelope_id: &str) -> Result<(), ProviderError> {
        let rest = Rest::open(ctx)?;
        let path = format!("/{}?resend_envelope=true", id(envelope_id)?);
        let answer = rest.put("envelopes.resend", &path, &wire::Nothing {}).await?;
        map::answers::done(&MANIFEST, &answer)
    }
}

/// The envelopes of one account.
struct Rest<'a> {
    ctx: CallCtx<'a>,
    root: String,
    headers: HeaderMap,
}

impl<'a> Rest<'a> {
    fn open(ctx: CallCtx<'a>) -> Result<Self, ProviderError> {
        let headers = bearer(&ctx, ACCESS_TOKEN)?;
        let base = ctx.connection.require(BASE_URI)?.trim_end_matches('/');
        let account = ctx.connection.require(ACCOUNT_ID)?;
        let account = segment(account).ok_or_else(|| {
            ProviderError::configuration("account_missing", "the account's id is no path segment")
        })?;
        Ok(Self {
            ctx,
            root: format!("{base}/restapi/v2.1/accounts/{account}/envelopes"),
            headers,
        })
    }

    async fn get(&self, operation: &'static str, path: &str) -> Result<OutboundResponse, ProviderError> {
        self.call(
            operation,
            Method::GET,
            path,
            self.accepting("application/json"),
            Bytes::new(),
        )
        .await
    }

    async fn get_pdf(&self, operation: &'static str, path: &str) -> Result<OutboundResponse, ProviderError> {
        let headers = self.accepting("application/pdf, application/json");
        self.call(operation, Method::GET, path, headers, Bytes::new())
            .await
    }

    async fn put<T: Serialize + Sync>(
        &self,
        operation: &'static str,
        path: &str,
        body: &T,
    ) -> Result<OutboundResponse, ProviderError> {
        let body = serde_json::to_vec(body).map_err(|error| ProviderError::malformed(error.to_string()))?;
        self.send(
            operation,
            Method::PUT,
            path,
            "application/json",
            Bytes::from(body),
        )
        .await
    }

    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<OutboundResponse, ProviderError> {
        let mut headers = self.accepting("application/json");
        let kind =
            HeaderValue::from_str(kind).map_err(|error| ProviderError::malformed(error.to_string()))?;
        headers.insert(CONTENT_TYPE, kind);
        self.call(operation, method, path, headers, body).await
    }

    fn accepting(&self, kind: &'static str) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static(kind));
        headers
    }

    async fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<OutboundResponse, ProviderError> {
        let request = OutboundRequest {
            operation,
            method,
            url: format!("{}{path}", self.root),
            headers,
            body,
        };
        self.ctx
            .http
            .send(self.ctx.connection, request, self.ctx.deadline)
            .await
    }
}

/// An envelope's id, proper to stand in a path.
fn id(text: &str) -> Result<&str, ProviderError> {
    segment(text).ok_or_else(|| ProviderError::malformed("the envelope's id is no path segment"))
}
