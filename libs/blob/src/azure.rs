//! Azure Blob Storage: what the client library leaves to us. Containers are made here, and looked at whether they are
//! private; links are signed with the account's key or, for an identity, with a key that the service issues.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use object_store::azure::{AzureAuthorizer, AzureCredentialProvider, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody, HttpResponse};
use puente_types::Clock;
use time::OffsetDateTime;
use url::Url;
use zeroize::Zeroizing;

use crate::cloud::{Client, Cloud, classed, retries};
use crate::link::Permission;
use crate::road::Road;
use crate::sas::{self, DelegationKey, Grant};
use crate::{BlobError, Container, Link, LinkClaims, Links, OpenError, StorageSettings, open};

/// How long a key for links is asked for: the service grants up to seven days.
const KEY_FOR: Duration = Duration::from_hours(24);
/// A key is asked for again when it has less left: far longer than a link lives.
const KEY_LEFT: Duration = Duration::from_hours(12);
/// After a refusal, in seconds: so that reads and writes do not wait for it each time.
const ASK_AGAIN: i64 = 60;
/// Links begin before now: the store's clock may be behind ours.
const SKEW: Duration = Duration::from_mins(5);

/// Clients of the containers, and the rest.
#[derive(Clone)]
pub(crate) struct Azure {
    pub(crate) cloud: Cloud,
    rest: Arc<Rest>,
}

struct Rest {
    account: String,
    endpoint: String,
    prefix: String,
    protocols: &'static str,
    signs: Signs,
    credentials: AzureCredentialProvider,
    client: HttpClient,
    clock: Arc<dyn Clock>,
}

/// Who signs links.
enum Signs {
    Account(Zeroizing<Vec<u8>>),
    Identity(Held),
    Gateway,
}

/// The key for links that the service issued last.
struct Held {
    key: ArcSwapOption<DelegationKey>,
    /// When it was asked for last, in Unix seconds.
    asked_at: AtomicI64,
}

impl Azure {
    pub(crate) fn open(settings: &StorageSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let account = account(&settings.account)?;
        let endpoint = endpoint(settings, &account)?;
        open::prefix(&settings.prefix)?;
        let managed = settings.account_key.is_none() && settings.identity_client.is_empty();
        // The address of the machine's own identity has no TLS; it never leaves the machine.
        let road = Road::new("azure_blob", settings.insecure_http || managed)?;
        let client = road.client();
        let mut clients = std::collections::BTreeMap::new();
        let mut credentials = None;
        for container in Container::ALL {
            let store = store(settings, &account, &endpoint, container, road.clone())?;
            credentials = Some(store.credentials().clone());
            clients.insert(container, Arc::new(store) as Arc<dyn Client>);
        }
        let signs = match (&settings.account_key, settings.links) {
            (_, Links::Gateway) => Signs::Gateway,
            (Some(key), Links::Store) => Signs::Account(decoded(key.expose())?),
            (None, Links::Store) => Signs::Identity(Held {
                key: ArcSwapOption::empty(),
                asked_at: AtomicI64::new(i64::MIN),
            }),
        };
        let rest = Rest {
            account,
            endpoint,
            prefix: settings.prefix.clone(),
            protocols: if settings.insecure_http {
                sas::HTTPS_AND_HTTP
            } else {
                sas::HTTPS
            },
            signs,
            credentials: credentials.ok_or(OpenError::Missing("account"))?,
            client,
            clock,
        };
        Ok(Self {
            cloud: Cloud(clients),
            rest: Arc::new(rest),
        })
    }

    /// Makes the containers, and fails if one may be read by anybody.
    pub(crate) async fn ensure(&self) -> Result<(), BlobError> {
        self.refresh().await;
        for container in Container::ALL {
            let url = format!(
                "{}/{}{container}?restype=container",
                self.rest.endpoint, self.rest.prefix
            );
            let made = self.rest.ask(Method::PUT, &url, String::new()).await?;
            // Where deployment makes them, the service may be allowed to use them only.
            let may_exist = [StatusCode::CREATED, StatusCode::CONFLICT, StatusCode::FORBIDDEN];
            if !may_exist.contains(&made.status()) {
                return Err(answered("container_not_made", &made));
            }
            let found = self.rest.ask(Method::HEAD, &url, String::new()).await?;
            match found.status() {
                status if status.is_success() => {}
                StatusCode::NOT_FOUND => return Err(answered("container_missing", &found)),
                _ => return Err(answered("storage_refused", &found)),
            }
            if found.headers().contains_key("x-ms-blob-public-access") {
                let why = format!("the container {container} can be read by anybody");
                return Err(BlobError::configuration("container_public", why));
            }
        }
        Ok(())
    }

    /// Sees to it that links of an identity can be signed for a while. Links have another way without it: so a failure is
    /// told to the log alone, and not tried again at once.
    pub(crate) async fn refresh(&self) {
        let Signs::Identity(held) = &self.rest.signs else {
            return;
        };
        let now = self.rest.clock.now();
        let lasts = held
            .key
            .load()
            .as_ref()
            .is_some_and(|key| key.ends > now + KEY_LEFT);
        let second = now.unix_timestamp();
        let asked = held.asked_at.load(Ordering::Relaxed);
        if lasts || second < asked.saturating_add(ASK_AGAIN) {
            return;
        }
        // Of several that come here at once, one asks.
        if held
            .asked_at
            .compare_exchange(asked, second, Ordering::Relaxed, Ordering::Relaxed)
            .is_err()
        {
            return;
        }
        match self.rest.delegation_key(now).await {
            Ok(key) => held.key.store(Some(Arc::new(key))),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the store issued no key for links; they go to the gateway");
            }
        }
    }

    /// The link that the store answers; `None` when we cannot sign for it now.
    pub(crate) fn link(&self, claims: &LinkClaims) -> Option<Link> {
        let LinkClaims { container, key, .. } = claims;
        let disposition = claims.disposition();
        let container_name = format!("{}{container}", self.rest.prefix);
        let mut grant = Grant {
            version: sas::VERSION,
            account: &self.rest.account,
            container: &container_name,
            blob: key.as_str(),
            permissions: "c",
            starts: Some(self.rest.clock.now() - SKEW),
            ends: Some(claims.expires_at),
            protocols: self.rest.protocols,
            ..Grant::default()
        };
        if claims.permission == Permission::Read {
            grant.permissions = "r";
            grant.disposition = &disposition;
            grant.media_type = claims.media_type.mime();
            grant.cache_control = "private, no-store";
        }
        let query = match &self.rest.signs {
            Signs::Account(secret) => grant.query(sas::Key::Account(secret)),
            Signs::Identity(held) => {
                let key = held.key.load_full().filter(|key| key.ends > claims.expires_at)?;
                grant.query(sas::Key::Delegation(&key))
            }
            Signs::Gateway => return None,
        };
        Some(Link {
            url: format!("{}/{container_name}/{key}?{query}", self.rest.endpoint),
            expires_at: claims.expires_at,
        })
    }
}

impl Rest {
    /// One signed request that the library has no method for.
    async fn ask(&self, method: Method, url: &str, body: String) -> Result<HttpResponse, BlobError> {
        let credential = self.credentials.get_credential().await.map_err(classed)?;
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header(http::header::CONTENT_LENGTH, body.len())
            .body(HttpRequestBody::from(body));
        let mut request: HttpRequest =
            request.map_err(|error| BlobError::configuration("storage_misused", error))?;
        AzureAuthorizer::new(&credential, &self.account)
            .try_authorize(&mut request)
            .map_err(classed)?;
        let answer = self.client.execute(request).await;
        answer.map_err(|error| BlobError::unavailable("storage_unavailable", error))
    }

    async fn delegation_key(&self, now: OffsetDateTime) -> Result<DelegationKey, BlobError> {
        let (starts, ends) = (
            sas::instant(Some(now - SKEW)),
            sas::instant(Some(now - SKEW + KEY_FOR)),
        );
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{starts}</Start><Expiry>{ends}</Expiry></KeyInfo>"
        );
        let url = format!("{}/?restype=service&comp=userdelegationkey", self.endpoint);
        let answer = self.ask(Method::POST, &url, body).await?;
        if !answer.status().is_success() {
            return Err(answered("link_key_refused", &answer));
        }
        let body = answer.into_body().bytes().await;
        let body = body.map_err(|error| BlobError::unavailable("storage_unavailable", error))?;
        let key = read_key(&String::from_utf8_lossy(&body));
        key.ok_or_else(|| BlobError::unavailable("link_key_unreadable", "the answer is no key"))
    }
}

fn answered(code: &'static str, answer: &HttpResponse) -> BlobError {
    let status = answer.status();
    let word = answer.headers().get("x-ms-error-code");
    let word = word.and_then(|word| word.to_str().ok()).unwrap_or_default();
    let why = format!("{status} {word}");
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        BlobError::unavailable(code, why)
    } else {
        BlobError::configuration(code, why)
    }
}

/// The issued key. Its fields are plain text in elements without attributes.
fn read_key(xml: &str) -> Option<DelegationKey> {
    let field = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(value.trim().to_owned())
    };
    Some(DelegationKey {
        object: field("SignedOid")?,
        directory: field("SignedTid")?,
        starts: sas::parse_instant(&field("SignedStart")?)?,
        ends: sas::parse_instant(&field("SignedExpiry")?)?,
        service: field("SignedService")?,
        version: field("SignedVersion")?,
        delegated: (String::new(), String::new()),
        value: Zeroizing::new(STANDARD.decode(Zeroizing::new(field("Value")?).as_bytes()).ok()?),
    })
}

fn store(
    settings: &StorageSettings,
    account: &str,
    endpoint: &str,
    container: Container,
    road: Road,
) -> Result<MicrosoftAzure, OpenError> {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(format!("{}{container}", settings.prefix))
        .with_endpoint(endpoint.to_owned())
        .with_allow_http(settings.insecure_http)
        .with_retry(retries())
        .with_http_connector(road);
    if let Some(key) = &settings.account_key {
        builder = builder.with_access_key(key.expose());
    } else {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        if let Some(client) = given(&settings.identity_client) {
            builder = builder.with_client_id(client);
        }
        if let Some(authority) = given(&settings.identity_authority) {
            builder = builder.with_authority_host(authority);
        }
        if let Some(directory) = given(&settings.identity_tenant) {
            builder = builder.with_tenant_id(directory);
        }
        if let Some(file) = given(&settings.identity_token_file) {
            builder = builder.with_federated_token_file(file);
        }
        if let Some(secret) = &settings.identity_secret {
            builder = builder.with_client_secret(secret.expose());
        }
    }
    builder.build().map_err(|error| OpenError::Failed(error.into()))
}

fn account(text: &str) -> Result<String, OpenError> {
    const KEY: &str = "account";
    if text.is_empty() {
        return Err(OpenError::Missing(KEY));
    }
    let fits =
        (3..=24).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let what = "must be 3 to 24 characters of a-z and 0-9";
    fits.then(|| text.to_owned())
        .ok_or(OpenError::Invalid { key: KEY, what })
}

fn endpoint(settings: &StorageSettings, account: &str) -> Result<String, OpenError> {
    if settings.endpoint.is_empty() {
        if settings.insecure_http {
            return Err(open::only_azurite());
        }
        return Ok(format!("https://{account}.blob.core.windows.net"));
    }
    let url: Url = open::azure_address(settings, account)?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn decoded(key: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let what = "must be base64";
    let bytes = STANDARD.decode(key).ok().filter(|bytes| !bytes.is_empty());
    bytes.map(Zeroizing::new).ok_or(OpenError::Invalid {
        key: "account_key",
        what,
    })
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Azure({})", self.rest.account)
    }
}
