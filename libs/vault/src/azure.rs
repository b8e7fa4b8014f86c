//! Azure Key Vault as the keeper of the master key: it wraps and unwraps data keys, and the key never leaves it.
//!
//! Every data key that is sealed names the key version (`kid`) that wrapped it, and is unwrapped with exactly that one.
//! A `kid` comes out of stored data, so it is only believed if it belongs to a key that the configuration names: else
//! whoever can write to the bucket could have our token sent to a host of his own.
//!
//! Data keys pass through the buffers of the HTTP client, which are not cleared; what is kept here is.

mod identity;
mod key_url;
#[cfg(feature = "sim")]
pub mod sim;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use puente_ports::{
    Connection, ErrorTag, Outbound, OutboundRequest, OutboundResponse, ProviderError, ProviderErrorKind,
};
use puente_types::{Secret, Secrets};
use tokio::time::Instant;
use zeroize::Zeroizing;

pub use identity::{Credential, Identity, IdentityConfig};
pub use key_url::KeyUrl;

use identity::Tokens;
use wire::KeyAnswer;

/// What metrics and breakers know it by.
const PROVIDER: &str = "azure_key_vault";

/// Served by every vault, emulators included; newer ones change nothing for these calls.
const API_VERSION: &str = "7.4";

/// RSA-OAEP with SHA-256: what the vendor recommends.
const ALGORITHM: &str = "RSA-OAEP-256";

/// One call; the vault answers in milliseconds or is not well.
const DEADLINE: Duration = Duration::from_secs(5);

/// Waits before the next attempts. All calls here are safe to repeat; more patience would hold up a caller's own work.
const WAITS: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// A longer wait that the vault asks for is the caller's to decide on.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long the newest version of a key is taken for the newest: so soon does a rotation in the vault take hold.
const CURRENT_FOR: Duration = Duration::from_secs(600);

/// The vaults of an installation. Cloning is cheap.
#[derive(Clone)]
pub struct KeyVault(Arc<Inner>);

struct Inner {
    out: Arc<dyn Outbound>,
    tokens: Tokens,
    /// Names these calls for breaker, metrics and audit.
    label: Connection,
    current: Mutex<HashMap<KeyUrl, (Instant, KeyUrl)>>,
}

impl fmt::Debug for KeyVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyVault")
    }
}

/// A data key as the vault wrapped it.
#[derive(Debug)]
pub(crate) struct Wrapped {
    /// The key version that can unwrap it.
    pub(crate) kid: KeyUrl,
    /// Base64url without padding.
    pub(crate) value: String,
}

impl KeyVault {
    /// Vaults reached over `out`, as `identity`.
    ///
    /// # Errors
    /// When the label of these calls cannot be made, which is a mistake of this file.
    pub fn new(out: Arc<dyn Outbound>, identity: Identity) -> Result<Self, ProviderError> {
        let unlabelled = || ProviderError::configuration("label", "the label of calls to the vault");
        let label = Connection {
            id: "master-key".parse().map_err(|_| unlabelled())?,
            tenant: "installation".parse().map_err(|_| unlabelled())?,
            provider: PROVIDER.to_owned(),
            account: None,
            settings: serde_json::Map::new(),
            secrets: Secrets::default(),
        };
        Ok(Self(Arc::new(Inner {
            tokens: Tokens::new(identity),
            out,
            label,
            current: Mutex::default(),
        })))
    }

    /// Wraps a data key with the current version of `key`.
    pub(crate) async fn wrap(&self, key: &KeyUrl, data_key: &[u8; 32]) -> Result<Wrapped, ProviderError> {
        let version = self.current(key).await?;
        let body = wire::wrap_body(ALGORITHM, data_key)?;
        let answer = self
            .call("keys.wrap", Method::POST, &version, "/wrapkey", body)
            .await?;
        let answer = KeyAnswer::read(&answer)?;
        Ok(Wrapped {
            kid: answer.kid_of(key)?,
            value: answer.wrapped()?,
        })
    }

    /// Unwraps a data key with the very version that wrapped it.
    pub(crate) async fn unwrap(
        &self,
        kid: &KeyUrl,
        wrapped: &str,
    ) -> Result<Zeroizing<[u8; 32]>, ProviderError> {
        let body = wire::unwrap_body(ALGORITHM, wrapped)?;
        let answer = self
            .call("keys.unwrap", Method::POST, kid, "/unwrapkey", body)
            .await?;
        KeyAnswer::read(&answer)?.key()
    }

    /// The version of `key` that seals now: the one it names, or the newest in the vault.
    pub(crate) async fn current(&self, key: &KeyUrl) -> Result<KeyUrl, ProviderError> {
        if key.version().is_some() {
            return Ok(key.clone());
        }
        let known = self.newest(key);
        if let Some((at, version)) = &known
            && at.elapsed() < CURRENT_FOR
        {
            return Ok(version.clone());
        }
        let asked = self.call("keys.get", Method::GET, key, "", Bytes::new()).await;
        let version = match (asked, known) {
            (Ok(answer), _) => wire::newest_version(&answer, key)?,
            // The last one known still wraps.
            (Err(error), Some((_, version))) if error.tag() == ErrorTag::Temporary => version,
            (Err(error), _) => return Err(error),
        };
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.insert(key.clone(), (Instant::now(), version.clone()));
        Ok(version)
    }

    fn newest(&self, key: &KeyUrl) -> Option<(Instant, KeyUrl)> {
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.get(key).cloned()
    }

    /// Forgets which version is the newest: somebody says that there is a newer one.
    pub(crate) fn look_again(&self) {
        self.0
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Calls until it works, or an error that waiting does not heal, or patience ends.
    async fn call(
        &self,
        operation: &'static str,
        method: Method,
        key: &KeyUrl,
        action: &str,
        body: Bytes,
    ) -> Result<Bytes, ProviderError> {
        let url = format!("{}{action}?api-version={API_VERSION}", key.as_str());
        let mut waits = WAITS.iter();
        loop {
            let error = match self.with_token(operation, &method, key, &url, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let asked_for = match error.kind() {
                ProviderErrorKind::RateLimited { retry_after }
                | ProviderErrorKind::Unavailable { retry_after } => retry_after.unwrap_or_default(),
                _ => Duration::ZERO,
            };
            match (error.tag(), waits.next()) {
                (ErrorTag::Temporary, Some(wait)) if asked_for <= LONGEST_WAIT => {
                    tokio::time::sleep(asked_for.max(*wait)).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// One call with the token at hand, and a second one with a new token if that was refused.
    async fn with_token(
        &self,
        operation: &'static str,
        method: &Method,
        key: &KeyUrl,
        url: &str,
        body: Bytes,
    ) -> Result<Bytes, ProviderError> {
        let scope = key.scope();
        let mut refused: Option<Secret> = None;
        loop {
            let token = self
                .0
                .tokens
                .get(&*self.0.out, &self.0.label, &scope, refused.as_ref())
                .await?;
            let request = OutboundRequest {
                operation,
                method: method.clone(),
                url: url.to_owned(),
                headers: headers(&token)?,
                body: body.clone(),
            };
            let answer = self.0.out.send(&self.0.label, request, DEADLINE).await;
            let answer = answer.map_err(safe_to_repeat)?;
            if answer.status == StatusCode::UNAUTHORIZED && refused.is_none() {
                key.trusts(&answer.headers)?;
                refused = Some(token);
                continue;
            }
            return judged(answer);
        }
    }
}

fn headers(token: &Secret) -> Result<HeaderMap, ProviderError> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| ProviderError::malformed("the vault's token is no header value"))?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (ACCEPT, HeaderValue::from_static("application/json")),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ]))
}

fn judged(answer: OutboundResponse) -> Result<Bytes, ProviderError> {
    if answer.status.is_success() {
        Ok(answer.body)
    } else {
        Err(wire::refusal(&answer))
    }
}

/// Wrapping and unwrapping change nothing in the vault: what is in doubt is simply tried again.
fn safe_to_repeat(error: ProviderError) -> ProviderError {
    match error.kind() {
        ProviderErrorKind::OutcomeUnknown => ProviderError::new(
            ProviderErrorKind::Unavailable { retry_after: None },
            error.code(),
            error.detail(),
        ),
        _ => error,
    }
}
