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
use bytes::Bytes;
use http::{HeaderMap, Method};
use puente_ports::{
    CallCtx, Connection, HandshakeReply, InboundEvent, InboundWebhook, MEDIA_GONE, Manifest, MediaFile,
    MessageChannel, OutboundMessage, Provider, ProviderError, ProviderErrorKind, Recovery, Sent,
    TemplateInfo,
};
use puente_webhook_auth::{Encoding, HmacScheme, RawRequest, SignedPart, Verified, WebhookAuth, secret_eq};
use sha2::{Digest as _, Sha256};

use crate::kit::{Api, Place, asked, bearer, encode, gone, media, segment};

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

    async fn media(
        &self,
        ctx: CallCtx<'_>,
        file: &MediaFile,
        max_bytes: usize,
    ) -> Result<Bytes, ProviderError> {
        let (api, headers) = open(ctx)?;
        // A connection to a simulator or proxy has its files there as well.
        let own = ctx.connection.setting("base_url");
        let hosts = MANIFEST.urls.get("media").into_iter();
        let hosts: Vec<&str> = hosts.filter_map(|url| url.strip_prefix("https://")).collect();
        let known =
            |place: &Place| place.is_on(hosts.iter().copied()) || own.is_some_and(|own| place.is_at(own));
        if file.id.is_empty() {
            return media(&MANIFEST, ctx, &file.url, &headers, &known, max_bytes).await;
        }
        let id = segment(&file.id).ok_or_else(gone)?;
        let path = format!(
            "/{}/{id}?phone_number_id={}",
            api.path_setting("api_version")?,
            api.account()?
        );
        // A URL lives for five minutes; one that ended in between is asked for once more.
        let mut fetched = Err(gone());
        for _ in 0..2 {
            let answer = api
                .send::<()>("media.find", Method::GET, &path, headers.clone(), None)
                .await
                .map_err(asked)?;
            let (url, digest) = map::outbound::media_place(&MANIFEST, &answer, max_bytes)?;
            fetched = media(&MANIFEST, ctx, &url, &headers, &known, max_bytes).await;
            match &fetched {
                Err(error) if error.code() == MEDIA_GONE => {}
                Ok(bytes) => return whole(bytes, &digest).map(|()| bytes.clone()),
                Err(_) => break,
            }
        }
        fetched
    }
}

/// Holds a file against the digest that Meta declared, where it did.
fn whole(bytes: &Bytes, digest: &str) -> Result<(), ProviderError> {
    if digest.is_empty() || hex::encode(Sha256::digest(bytes)) == digest {
        return Ok(());
    }
    let kind = ProviderErrorKind::Unavailable { retry_after: None };
    Err(ProviderError::new(
        kind,
        "media_damaged",
        "the file is not what was declared",
    ))
}

/// The interface and the headers of every call.
fn open(ctx: CallCtx<'_>) -> Result<(Api<'_>, HeaderMap), ProviderError> {
    Ok((Api::new(&MANIFEST, ctx), bearer(&ctx, "access_token")?))
}
