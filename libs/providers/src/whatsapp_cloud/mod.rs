//! WhatsApp Business Cloud API (Meta Graph API): webhooks of messages, statuses and templates; text and templates out.
//!
//! Sending has no idempotency key and no look-up, so an unknown outcome is parked ([`Recovery::Unsure`]). Our reference
//! travels in `biz_opaque_callback_data` with the trace context behind a bar, and comes back in every status.
//! Requests carry no signed time: replays are caught by de-duplication alone, since Meta itself redelivers for days.

mod map;
#[cfg(feature = "sim")]
pub(crate) mod sim;
mod wire;

use std::sync::LazyLock;

use async_trait::async_trait;
use http::{HeaderMap, Method};
use puente_ports::{
    CallCtx, Connection, HandshakeReply, InboundEvent, InboundWebhook, Manifest, MessageChannel,
    OutboundMessage, Provider, ProviderError, Recovery, Sent, TemplateInfo,
};
use puente_webhook_auth::{Encoding, HmacScheme, RawRequest, SignedPart, Verified, WebhookAuth, secret_eq};

use crate::kit::{Api, bearer, encode};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("whatsapp_cloud", include_str!("provider.toml")));

/// No account has nearly this many pages of templates; more means that the cursor goes in circles.
const MAX_PAGES: usize = 50;

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

    fn message(&self) -> Option<&dyn MessageChannel> {
        Some(self)
    }
}

impl InboundWebhook for Adapter {
    fn auth(&self, _connection: &Connection) -> WebhookAuth {
        WebhookAuth::Hmac(HmacScheme {
            header: "X-Hub-Signature-256".into(),
            prefix: "sha256=".into(),
            encoding: Encoding::Hex,
            secret: "app_secret".into(),
            signed: SignedPart::Body,
        })
    }

    fn handshake(&self, connection: &Connection, request: &RawRequest) -> Option<HandshakeReply> {
        if request.method != Method::GET {
            return None;
        }
        let mode = request.query_value("hub.mode")?;
        let given = request.query_value("hub.verify_token").unwrap_or_default();
        let challenge = request.query_value("hub.challenge").unwrap_or_default();
        // Every accepted token is compared, so that the time taken does not tell which one fitted.
        let fits = connection
            .secrets
            .accepted("verify_token")
            .fold(false, |fits, token| fits | secret_eq(token, &given));
        let proper = (1..=256).contains(&challenge.len()) && challenge.bytes().all(|b| b.is_ascii_graphic());
        Some(if mode == "subscribe" && fits && proper {
            HandshakeReply::Accept(challenge)
        } else {
            HandshakeReply::Refuse
        })
    }

    fn translate(&self, request: &Verified) -> Result<Vec<InboundEvent>, ProviderError> {
        map::translate(&request.request().body)
    }
}

#[async_trait]
impl MessageChannel for Adapter {
    fn recovery(&self) -> Recovery {
        Recovery::Unsure
    }

    async fn send(&self, ctx: CallCtx<'_>, message: &OutboundMessage) -> Result<Sent, ProviderError> {
        let (api, headers) = open(ctx)?;
        let path = format!(
            "/{}/{}/messages",
            api.path_setting("api_version")?,
            api.account()?
        );
        let body = map::outbound::message(message, ctx.traceparent)?;
        let answer = api
            .send("messages.send", Method::POST, &path, headers, Some(&body))
            .await?;
        map::outbound::sent(&MANIFEST, &answer)
    }

    async fn find(&self, _ctx: CallCtx<'_>, _reference: &str) -> Result<Option<Sent>, ProviderError> {
        Err(ProviderError::configuration(
            "find_unsupported",
            "the Cloud API cannot be asked for a message",
        ))
    }

    async fn templates(&self, ctx: CallCtx<'_>) -> Result<Vec<TemplateInfo>, ProviderError> {
        let (api, headers) = open(ctx)?;
        let version = api.path_setting("api_version")?;
        let first = format!(
            "/{version}/{}/message_templates?fields=id,name,status,category,language,components,rejected_reason&limit=100",
            api.path_setting("waba_id")?
        );
        let (mut found, mut path) = (Vec::new(), first.clone());
        for _ in 0..MAX_PAGES {
            let answer = api
                .send::<()>("templates.list", Method::GET, &path, headers.clone(), None)
                .await?;
            let (page, after) = map::outbound::templates(&MANIFEST, &answer)?;
            found.extend(page);
            match after {
                Some(cursor) => path = format!("{first}&after={}", encode(&cursor)),
                None => return Ok(found),
            }
        }
        Err(ProviderError::malformed("the list of templates has no end"))
    }
}

/// The interface and the headers of every call.
fn open(ctx: CallCtx<'_>) -> Result<(Api<'_>, HeaderMap), ProviderError> {
    Ok((
        Api {
            manifest: &MANIFEST,
            ctx,
        },
        bearer(&ctx, "access_token")?,
    ))
}
