//! Jelou, a WhatsApp bot platform: messages of a conversation that was handed to us, delivery events, and sending.
//!
//! Jelou documents three generations of webhooks. Two families are signed (external support panel, custom channel); the
//! others carry at most a credential of the endpoint, or the signature of a proxy under our control. So a connection
//! accepts any one of the schemes whose secret it holds. A custom channel tries once and never again.
//! Sending has neither an idempotency key nor a look-up: an unknown outcome is parked ([`Recovery::Unsure`]).

mod auth;
mod map;
#[cfg(feature = "sim")]
pub(crate) mod sim;
mod wire;

use std::sync::LazyLock;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use puente_ports::{
    CallCtx, Connection, Content, InboundEvent, InboundWebhook, Manifest, MediaFile, MessageChannel,
    OutboundMessage, Provider, ProviderError, ProviderErrorKind, Recovery, Sent, TemplateInfo,
};
use puente_webhook_auth::{Verified, WebhookAuth};

use crate::kit::{Api, Place, gone, header, media, setting};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("jelou", include_str!("provider.toml")));

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
    fn auth(&self, connection: &Connection) -> WebhookAuth {
        auth::schemes(&MANIFEST, connection)
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
        match &message.content {
            Content::Text { body } => {
                let body = map::outbound::text(&message.to, body)?;
                let path = path(&api, "message_path")?;
                let answer = api
                    .send("messages.send", Method::POST, &path, headers, Some(&body))
                    .await?;
                map::outbound::sent(&MANIFEST, &answer)
            }
            Content::Template {
                name,
                language,
                parameters,
            } => {
                let body = map::outbound::template(&message.to, name, language, parameters)?;
                let path = path(&api, "template_path")?;
                let answer = api
                    .send("templates.send", Method::POST, &path, headers, Some(&body))
                    .await?;
                map::outbound::template_sent(&MANIFEST, &answer)
            }
        }
    }

    async fn find(&self, _ctx: CallCtx<'_>, _reference: &str) -> Result<Option<Sent>, ProviderError> {
        Err(ProviderError::configuration(
            "find_unsupported",
            "Jelou cannot be asked for a message",
        ))
    }

    async fn templates(&self, ctx: CallCtx<'_>) -> Result<Vec<TemplateInfo>, ProviderError> {
        let (api, headers) = open(ctx)?;
        let path = path(&api, "template_list_path")?;
        let answer = api
            .send::<()>("templates.list", Method::GET, &path, headers, None)
            .await?;
        map::outbound::templates(&MANIFEST, &answer)
    }

    async fn media(
        &self,
        ctx: CallCtx<'_>,
        file: &MediaFile,
        max_bytes: usize,
    ) -> Result<Bytes, ProviderError> {
        if file.url.is_empty() {
            return Err(gone());
        }
        let hosts = setting(&MANIFEST, ctx.connection, "media_hosts").unwrap_or_default();
        let own = ctx.connection.setting("base_url");
        let known = |place: &Place| place.is_on(hosts.split(',')) || own.is_some_and(|own| place.is_at(own));
        // Files lie at a store whose links prove themselves: our key pair is Jelou's alone, and stays here.
        let fetched = media(&MANIFEST, ctx, &file.url, &HeaderMap::new(), &known, max_bytes).await;
        // Such a store answers 401 or 403 to a link that has ended, and a new one cannot be asked for.
        fetched.map_err(|error| match error.kind() {
            ProviderErrorKind::Auth => gone(),
            _ => error,
        })
    }
}

/// The interface and the headers of every call.
fn open(ctx: CallCtx<'_>) -> Result<(Api<'_>, HeaderMap), ProviderError> {
    let api = Api::new(&MANIFEST, ctx);
    let (id, secret) = (
        ctx.connection.require_secret("client_id")?,
        ctx.connection.require_secret("client_secret")?,
    );
    let pair = STANDARD.encode(format!("{}:{}", id.expose(), secret.expose()));
    let mut headers = header(AUTHORIZATION, &format!("Basic {pair}"))?;
    // Jelou does not promise to honour it; it lets both sides find a call again.
    let name = HeaderName::try_from(api.setting("request_id_header")?);
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(ctx.idempotency_key)) {
        headers.insert(name, value);
    }
    Ok((api, headers))
}

/// A path of the settings with the bot's id in it.
fn path(api: &Api<'_>, setting: &str) -> Result<String, ProviderError> {
    Ok(api.setting(setting)?.replace("{bot}", api.account()?))
}
