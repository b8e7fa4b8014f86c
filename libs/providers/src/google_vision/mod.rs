//! Google Cloud Vision: text in pictures by `images:annotate`, one picture a call.
//!
//! Reading changes nothing there, so a lost answer is no doubt: the picture is sent again, and billed again. The key
//! goes in a header and not in the URL, which proxies and access logs write down.

mod map;
#[cfg(feature = "sim")]
pub(crate) mod sim;
mod wire;

use std::sync::LazyLock;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, Method};
use puente_ports::{
    ACCESS_TOKEN, CallCtx, Connection, Manifest, OcrEngine, OcrLimits, OcrPicture, OcrProgress, Provider,
    ProviderError, ProviderErrorKind,
};

use crate::kit::{Api, asked, bearer, header, setting};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("google_vision", include_str!("provider.toml")));

const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");

/// A request has up to 10 MB, in which the picture stands in base64. Google shrinks what has more than 75 million pixels
/// by itself.
const LIMITS: OcrLimits = OcrLimits {
    max_bytes: 7_000_000,
    min_side: 1,
    max_side: 8_600,
};

/// The adapter's type; stateless.
#[derive(Debug)]
pub struct Adapter;

impl Provider for Adapter {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn ocr(&self) -> Option<&dyn OcrEngine> {
        Some(self)
    }
}

#[async_trait]
impl OcrEngine for Adapter {
    fn limits(&self) -> OcrLimits {
        LIMITS
    }

    async fn read(&self, ctx: CallCtx<'_>, picture: &OcrPicture) -> Result<OcrProgress, ProviderError> {
        let headers = credentials(&ctx)?;
        let feature = feature(ctx.connection)?;
        let (short, long) = (
            picture.width.min(picture.height),
            picture.width.max(picture.height),
        );
        let fits = (1..=LIMITS.max_bytes).contains(&picture.bytes.len())
            && short >= LIMITS.min_side
            && long <= LIMITS.max_side;
        if !fits {
            let detail = "the picture is empty, or has too many bytes or pixels";
            return Err(ProviderError::new(
                ProviderErrorKind::Rejected,
                "picture_unfit",
                detail,
            ));
        }
        let api = Api::new(&MANIFEST, ctx);
        let model = setting(&MANIFEST, ctx.connection, "model");
        let body = map::request(picture, feature, model);
        let answer = api
            .send(
                "pictures.annotate",
                Method::POST,
                "/v1/images:annotate",
                headers,
                Some(&body),
            )
            .await
            .map_err(asked)?;
        map::answer(&MANIFEST, &answer)
    }

    async fn poll(&self, _ctx: CallCtx<'_>, _operation: &str) -> Result<OcrProgress, ProviderError> {
        Err(ProviderError::malformed(
            "Google answers at once: there is nothing to ask about",
        ))
    }
}

fn credentials(ctx: &CallCtx<'_>) -> Result<HeaderMap, ProviderError> {
    match setting(&MANIFEST, ctx.connection, "auth") {
        Some("key") => header(KEY_HEADER, ctx.connection.require_secret("api_key")?.expose()),
        Some("token") => bearer(ctx, ACCESS_TOKEN),
        _ => Err(ProviderError::configuration(
            "setting_invalid",
            "setting `auth` is key or token",
        )),
    }
}

fn feature(connection: &Connection) -> Result<&str, ProviderError> {
    match setting(&MANIFEST, connection, "feature") {
        Some(feature @ ("DOCUMENT_TEXT_DETECTION" | "TEXT_DETECTION")) => Ok(feature),
        _ => Err(ProviderError::configuration(
            "setting_invalid",
            "setting `feature` is DOCUMENT_TEXT_DETECTION or TEXT_DETECTION",
        )),
    }
}
