//! Azure AI Vision: text in pictures, by Image Analysis 4.0 (one call) or Read 3.2 (begun, then asked about).
//!
//! Reading changes nothing there, so a lost answer is no doubt: the picture is sent again, and billed again. The key, or
//! the Entra token, goes to the connection's endpoint and to no other host, whatever an answer says.
//! Microsoft ends Image Analysis 4.0 on 25 September 2028; which interface is used is a setting.

mod map;
#[cfg(feature = "sim")]
pub(crate) mod sim;
mod wire;

use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use puente_ports::{
    ACCESS_TOKEN, CallCtx, Connection, Manifest, OcrEngine, OcrLimits, OcrPicture, OcrProgress,
    OutboundRequest, OutboundResponse, Provider, ProviderError, ProviderErrorKind,
};

use crate::kit::{Place, asked, base, bearer, encode, header, segment, setting};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("azure_vision", include_str!("provider.toml")));

/// The header of the resource's key.
const KEY_HEADER: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");
/// What the place of the resource's name in the endpoint looks like.
const RESOURCE: &str = "{resource}";
/// Hosts of the vendor, which may be given the key.
const HOSTS: [&str; 2] = ["*.cognitiveservices.azure.com", "*.api.cognitive.microsoft.com"];

/// 4.0: 20 MB, 50 to 16,000 pixels.
const ANALYSIS_LIMITS: OcrLimits = OcrLimits {
    max_bytes: 20_971_520,
    min_side: 50,
    max_side: 16_000,
};
/// 3.2: under 500 MB, 50 to 10,000 pixels. Far less is sent than that.
const READ_LIMITS: OcrLimits = OcrLimits {
    max_bytes: 20_971_520,
    min_side: 50,
    max_side: 10_000,
};
/// 3.2 in the free tier: 4 MB. Holds for every interface and tier.
const FREE_LIMITS: OcrLimits = OcrLimits {
    max_bytes: 4_194_304,
    min_side: 50,
    max_side: 10_000,
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

/// Which interface a connection uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interface {
    Analysis,
    Read,
}

impl Interface {
    fn of(connection: &Connection) -> Result<Self, ProviderError> {
        match setting(&MANIFEST, connection, "interface") {
            Some("4.0") => Ok(Self::Analysis),
            Some("3.2") => Ok(Self::Read),
            _ => Err(ProviderError::configuration(
                "setting_invalid",
                "setting `interface` is 4.0 or 3.2",
            )),
        }
    }
}

#[async_trait]
impl OcrEngine for Adapter {
    fn limits(&self) -> OcrLimits {
        FREE_LIMITS
    }

    fn limits_of(&self, connection: &Connection) -> OcrLimits {
        let free = setting(&MANIFEST, connection, "tier") == Some("F0");
        match Interface::of(connection) {
            Ok(Interface::Analysis) => ANALYSIS_LIMITS,
            Ok(Interface::Read) if !free => READ_LIMITS,
            _ => FREE_LIMITS,
        }
    }

    async fn read(&self, ctx: CallCtx<'_>, picture: &OcrPicture) -> Result<OcrProgress, ProviderError> {
        let endpoint = Endpoint::open(ctx)?;
        let interface = Interface::of(ctx.connection)?;
        fits(self.limits_of(ctx.connection), picture)?;
        let model = segment(setting(&MANIFEST, ctx.connection, "model_version").unwrap_or_default());
        let model = model.ok_or_else(|| {
            ProviderError::configuration("setting_invalid", "setting `model_version` is `latest` or a date")
        })?;
        match interface {
            Interface::Analysis => {
                // Its reading finds the language by itself; the parameter is for captions, and takes few of them.
                let path = format!(
                    "/computervision/imageanalysis:analyze?api-version=2023-10-01&features=read&model-version={model}"
                );
                let answer = endpoint.post("pictures.analyze", &path, &picture.bytes).await?;
                map::analysis(&MANIFEST, &answer)
            }
            Interface::Read => {
                let language = match picture.language.as_str() {
                    "" => String::new(),
                    language => format!("&language={}", encode(language)),
                };
                let path = format!("/vision/v3.2/read/analyze?model-version={model}{language}");
                let answer = endpoint.post("pictures.read", &path, &picture.bytes).await?;
                map::begun(&MANIFEST, &answer)
            }
        }
    }

    async fn poll(&self, ctx: CallCtx<'_>, operation: &str) -> Result<OcrProgress, ProviderError> {
        let endpoint = Endpoint::open(ctx)?;
        let url = endpoint.operation(operation)?;
        let answer = endpoint
            .send("pictures.result", Method::GET, url, Bytes::new())
            .await?;
        map::operation(&MANIFEST, &answer, operation)
    }
}

/// Refuses a picture that Azure would refuse, before it is sent.
fn fits(limits: OcrLimits, picture: &OcrPicture) -> Result<(), ProviderError> {
    let (short, long) = (
        picture.width.min(picture.height),
        picture.width.max(picture.height),
    );
    let why = if picture.bytes.is_empty() || picture.bytes.len() > limits.max_bytes {
        "the picture is empty or has too many bytes"
    } else if short < limits.min_side || long > limits.max_side {
        "the picture has too few or too many pixels"
    } else {
        return Ok(());
    };
    Err(ProviderError::new(
        ProviderErrorKind::Rejected,
        "picture_unfit",
        why,
    ))
}

/// One connection's resource.
struct Endpoint<'a> {
    ctx: CallCtx<'a>,
    base: String,
    headers: HeaderMap,
}

impl<'a> Endpoint<'a> {
    fn open(ctx: CallCtx<'a>) -> Result<Self, ProviderError> {
        let connection = ctx.connection;
        let headers = match setting(&MANIFEST, connection, "auth") {
            Some("key") => header(KEY_HEADER, connection.require_secret("key")?.expose())?,
            Some("entra") => bearer(&ctx, ACCESS_TOKEN)?,
            _ => {
                return Err(ProviderError::configuration(
                    "setting_invalid",
                    "setting `auth` is key or entra",
                ));
            }
        };
        let base = base(&MANIFEST, connection)?;
        let base = if base.contains(RESOURCE) {
            let account = connection.account.as_deref().unwrap_or_default();
            let resource = segment(account).filter(|name| !name.contains(['.', '_', '~']));
            let resource = resource.ok_or_else(|| {
                ProviderError::configuration("account_missing", "the connection names no resource")
            })?;
            base.replace(RESOURCE, resource)
        } else {
            base.to_owned()
        };
        Ok(Self { ctx, base, headers })
    }

    /// Where an operation is asked about: the URL as Azure gave it, if it is the endpoint's own or the vendor's. A gateway
    /// in between may have written another one, which is not called: then the operation's id is asked about here.
    fn operation(&self, given: &str) -> Result<String, ProviderError> {
        let place = Place::parse(given);
        let vendor = |place: &Place| {
            place.is_on(HOSTS) && Place::parse(&self.base).is_some_and(|base| base.is_on(HOSTS))
        };
        let own = |place: &Place| place.is_at(&self.base) || vendor(place);
        if place.as_ref().is_some_and(own) {
            return Ok(given.to_owned());
        }
        let id = place.as_ref().and_then(|place| segment(place.last_part()));
        let id = id.ok_or_else(|| ProviderError::malformed("the operation's URL names no operation"))?;
        Ok(format!("{}/vision/v3.2/read/analyzeResults/{id}", self.base))
    }

    async fn post(
        &self,
        operation: &'static str,
        path: &str,
        picture: &Bytes,
    ) -> Result<OutboundResponse, ProviderError> {
        let url = format!("{}{path}", self.base);
        self.send(operation, Method::POST, url, picture.clone()).await
    }

    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        url: String,
        body: Bytes,
    ) -> Result<OutboundResponse, ProviderError> {
        let mut headers = self.headers.clone();
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        }
        let request = OutboundRequest {
            operation,
            method,
            url,
            headers,
            body,
        };
        let CallCtx {
            http,
            connection,
            deadline,
            ..
        } = self.ctx;
        http.send(connection, request, deadline).await.map_err(asked)
    }
}
