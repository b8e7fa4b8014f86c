//! The client library's way out: through `libs/http` like every other outside call, with its deadline, breaker and audit.
//!
//! The library repeats what surely did not arrive; whether another outcome may be repeated it is told by the class of
//! the failure. Bodies are held in memory once, bounded by the client on both ways.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Uri};
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpService,
};
use puente_http::{Http, HttpConfig};
use puente_ports::{Connection, Outbound, OutboundRequest, ProviderError, ProviderErrorKind};
use puente_types::{ConnectionId, Secrets, TenantId};

use crate::{MAX_OBJECT_BYTES, OpenError};

/// One attempt: the largest object over a slow line.
const DEADLINE: Duration = Duration::from_secs(60);
/// What a list or an error page may add to an object.
const MAX_ANSWER: usize = MAX_OBJECT_BYTES + 64 * 1024;
/// Guards the store against a loop of ours, and is far below what it bears.
const READS_PER_SECOND: std::num::NonZeroU32 = std::num::NonZeroU32::MIN.saturating_add(999);

/// Sends the library's requests.
#[derive(Clone)]
pub(crate) struct Road {
    http: Arc<dyn Outbound>,
    provider: &'static str,
    id: ConnectionId,
    nobody: TenantId,
}

impl Road {
    /// A road to a store. Its address is the operator's choice, never a tenant's: so it may be private.
    pub(crate) fn new(provider: &'static str, plain_http: bool) -> Result<Self, OpenError> {
        let config = HttpConfig {
            longest_deadline: DEADLINE,
            max_response_bytes: MAX_ANSWER,
            allow_plain_http: plain_http,
            allow_private: true,
            reads_per_second: READS_PER_SECOND,
            read_burst: READS_PER_SECOND,
            ..HttpConfig::default()
        };
        let http = Http::new(config).map_err(|error| OpenError::Failed(error.into()))?;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| OpenError::Failed(error);
        Ok(Self {
            http: Arc::new(http),
            provider,
            id: "storage".parse().map_err(|error| failed(Box::new(error)))?,
            nobody: "installation".parse().map_err(|error| failed(Box::new(error)))?,
        })
    }

    /// For requests that the library does not make.
    pub(crate) fn client(&self) -> HttpClient {
        HttpClient::new(self.clone())
    }

    /// Whose object a request is about, for the audit: keys begin with their tenant.
    fn tenant(&self, uri: &Uri) -> TenantId {
        let after = uri.path().split_once("/t/").map(|(_, rest)| rest);
        let tenant = after.and_then(|rest| rest.split('/').next()?.parse().ok());
        tenant.unwrap_or_else(|| self.nobody.clone())
    }
}

impl fmt::Debug for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Road({})", self.provider)
    }
}

impl HttpConnector for Road {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.client())
    }
}

#[async_trait]
impl HttpService for Road {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let connection = Connection {
            id: self.id.clone(),
            tenant: self.tenant(&parts.uri),
            provider: self.provider.to_owned(),
            account: None,
            settings: serde_json::Map::new(),
            secrets: Secrets::default(),
        };
        let outbound = OutboundRequest {
            operation: operation(&parts.method),
            url: parts.uri.to_string(),
            method: parts.method,
            headers: parts.headers,
            body: whole(body).await?,
        };
        let answer = self.http.send(&connection, outbound, DEADLINE).await;
        let answer = answer.map_err(|error| HttpError::new(class(&error), error))?;
        let mut response = HttpResponse::new(answer.body.into());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

async fn whole(body: HttpRequestBody) -> Result<Bytes, HttpError> {
    Ok(body.collect().await?.to_bytes())
}

fn operation(method: &Method) -> &'static str {
    match *method {
        Method::GET => "storage.read",
        Method::HEAD => "storage.look",
        Method::PUT => "storage.write",
        Method::DELETE => "storage.delete",
        _ => "storage.manage",
    }
}

/// What the library may repeat at once. An open breaker says no: repeating would only wait for it.
fn class(error: &ProviderError) -> HttpErrorKind {
    match error.kind() {
        ProviderErrorKind::Unavailable { .. } if error.code() == "breaker_open" => HttpErrorKind::Unknown,
        ProviderErrorKind::Unavailable { .. } => HttpErrorKind::Connect,
        ProviderErrorKind::OutcomeUnknown => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    }
}
