//! __Name__: signed webhooks with messages, and messages out.

mod map;
#[cfg(feature = "sim")]
pub(crate) mod sim;
mod wire;

use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use puente_ports::{
    CallCtx, Connection, InboundEvent, InboundWebhook, Manifest, MediaFile, MessageChannel, OutboundMessage,
    Provider, ProviderError, Recovery, Sent, TemplateInfo,
};
use puente_webhook_auth::{Encoding, HmacScheme, SignedPart, Verified, WebhookAuth};

use crate::kit::{Api, Place, bearer, gone, media, segment};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("__slug__", include_str!("provider.toml")));

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
            header: "X-Signature".into(),
            prefix: "sha256=".into(),
            encoding: Encoding::Hex,
            secret: "webhook_secret".into(),
            signed: SignedPart::Body,
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
        let api = Api::new(&MANIFEST, ctx);
        let path = format!("/accounts/{}/messages", api.account()?);
        let body = map::message(message)?;
        let headers = bearer(&ctx, "api_key")?;
        map::sent(
            &MANIFEST,
            &api.send("messages.send", Method::POST, &path, headers, Some(&body))
                .await?,
        )
    }

    async fn find(&self, _ctx: CallCtx<'_>, _reference: &str) -> Result<Option<Sent>, ProviderError> {
        Err(ProviderError::configuration(
            "find_unsupported",
            "__Name__ cannot be asked for a message",
        ))
    }

    async fn templates(&self, _ctx: CallCtx<'_>) -> Result<Vec<TemplateInfo>, ProviderError> {
        Ok(Vec::new())
    }

    // Take this away where people send no files: the trait's own answer says so.
    async fn media(
        &self,
        ctx: CallCtx<'_>,
        file: &MediaFile,
        max_bytes: usize,
    ) -> Result<Bytes, ProviderError> {
        let api = Api::new(&MANIFEST, ctx);
        let id = segment(&file.id).ok_or_else(gone)?;
        let base = api.base()?;
        let url = format!("{base}/accounts/{}/media/{id}", api.account()?);
        // Only the provider's own host is given the key, and that of every redirect is looked at.
        let own = |place: &Place| place.is_at(base);
        media(&MANIFEST, ctx, &url, &bearer(&ctx, "api_key")?, &own, max_bytes).await
    }
}
