//! Who we are to the vault: tokens by client secret, or by a workload's identity, from Microsoft Entra.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use puente_ports::{
    Connection, Outbound, OutboundRequest, OutboundResponse, ProviderError, ProviderErrorKind, retry_after,
};
use puente_types::Secret;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::safe_to_repeat;
use super::wire::word;

const DEADLINE: Duration = Duration::from_secs(5);

/// Tokens are replaced this long before their end.
const AHEAD: Duration = Duration::from_secs(300);

/// A projected token is a few kilobytes.
const MAX_ASSERTION_BYTES: u64 = 64 * 1024;

/// The clock of the cluster and of Entra differ, or the file was read while it was being replaced: worth one more try.
const ASSERTION_EXPIRED: &str = "AADSTS700024";

/// Microsoft's log-in loops or is overloaded.
const PASSING: [&str; 2] = ["temporarily_unavailable", "AADSTS50196"];

/// What proves who we are.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A secret of the application.
    ClientSecret(Secret),
    /// A token that the cluster writes into a file and replaces now and then; read with every request.
    FederatedTokenFile(PathBuf),
}

/// An application at Microsoft Entra.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The directory.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// What proves it.
    pub credential: Credential,
    /// `https://login.microsoftonline.com`, or that of another cloud.
    pub authority_host: String,
}

/// The identity as the configuration names it: the shared table `azure`. Which of the two proofs there is, decides.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// The directory.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// A secret of the application.
    pub client_secret: Option<Secret>,
    /// Where the cluster puts the workload's token.
    pub federated_token_file: String,
    /// Where tokens are asked for.
    pub authority_host: String,
}

impl IdentityConfig {
    /// The identity; `None` while something is missing.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let secret = self.client_secret.as_ref();
        let credential = match secret.filter(|secret| !secret.expose().trim().is_empty()) {
            Some(secret) => Credential::ClientSecret(secret.clone()),
            None if self.federated_token_file.is_empty() => return None,
            None => Credential::FederatedTokenFile(PathBuf::from(&self.federated_token_file)),
        };
        if [&self.tenant_id, &self.client_id, &self.authority_host]
            .iter()
            .any(|part| part.is_empty())
        {
            return None;
        }
        Some(Identity {
            tenant_id: self.tenant_id.clone(),
            client_id: self.client_id.clone(),
            credential,
            authority_host: self.authority_host.clone(),
        })
    }
}

/// Tokens by scope, each asked for by one caller at a time.
pub(super) struct Tokens {
    identity: Identity,
    held: Mutex<HashMap<String, Token>>,
}

#[derive(Clone)]
struct Token {
    access: Secret,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            held: Mutex::default(),
        }
    }

    /// A token for `scope` that is not the `refused` one.
    pub(super) async fn get(
        &self,
        out: &dyn Outbound,
        label: &Connection,
        scope: &str,
        refused: Option<&Secret>,
    ) -> Result<Secret, ProviderError> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.get(scope)
            && Instant::now() < token.renew_at
            && refused.is_none_or(|refused| refused.expose() != token.access.expose())
        {
            return Ok(token.access.clone());
        }
        let mut asked = self.ask(out, label, scope).await;
        if matches!(&asked, Err(error) if error.code() == ASSERTION_EXPIRED) {
            asked = self.ask(out, label, scope).await;
        }
        let token = asked?;
        held.insert(scope.to_owned(), token.clone());
        Ok(token.access)
    }

    async fn ask(&self, out: &dyn Outbound, label: &Connection, scope: &str) -> Result<Token, ProviderError> {
        let Identity {
            tenant_id,
            client_id,
            authority_host,
            ..
        } = &self.identity;
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client_id.clone()),
            ("scope", scope.to_owned()),
        ];
        match &self.identity.credential {
            Credential::ClientSecret(secret) => form.push(("client_secret", secret.expose().to_owned())),
            Credential::FederatedTokenFile(path) => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind.to_owned()));
                form.push(("client_assertion", read(path).await?));
            }
        }
        let request = OutboundRequest {
            operation: "token",
            method: Method::POST,
            url: format!(
                "{}/{tenant_id}/oauth2/v2.0/token",
                authority_host.trim_end_matches('/')
            ),
            headers: HeaderMap::from_iter([
                (
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                ),
                (ACCEPT, HeaderValue::from_static("application/json")),
            ]),
            body: encode(&form),
        };
        let asked_at = Instant::now();
        let answer = out.send(label, request, DEADLINE).await.map_err(safe_to_repeat)?;
        if !answer.status.is_success() {
            return Err(refusal(&answer));
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| ProviderError::malformed("the token's answer cannot be read"))?;
        // No grant is believed to last for more than a day.
        let life = Duration::from_secs(granted.expires_in.min(86_400));
        Ok(Token {
            access: Secret::new(granted.access_token),
            renew_at: asked_at + life.saturating_sub(AHEAD.min(life / 10)),
        })
    }
}

fn encode(form: &[(&str, String)]) -> Bytes {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    Bytes::from(body.finish())
}

async fn read(path: &std::path::Path) -> Result<String, ProviderError> {
    let unreadable = |why: String| {
        ProviderError::configuration(
            "federated_token_file",
            format!("the token file `{}` {why}", path.display()),
        )
    };
    let size = tokio::fs::metadata(path)
        .await
        .map_err(|error| unreadable(format!("cannot be read: {}", error.kind())))?
        .len();
    if size > MAX_ASSERTION_BYTES {
        return Err(unreadable("is too large for a token".to_owned()));
    }
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| unreadable(format!("cannot be read: {}", error.kind())))?;
    Ok(text.trim().to_owned())
}

/// What Entra's refusal means. Its description is left out but for its number.
fn refusal(answer: &OutboundResponse) -> ProviderError {
    let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
    let number = refused
        .error_description
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|part| part.starts_with("AADSTS"));
    let code = number
        .and_then(word)
        .or_else(|| word(&refused.error))
        .unwrap_or_else(|| answer.status.as_str().to_owned());
    let after = retry_after(&answer.headers, None);
    let passing = PASSING.contains(&code.as_str()) || PASSING.contains(&refused.error.as_str());
    let kind = match answer.status.as_u16() {
        429 => ProviderErrorKind::RateLimited { retry_after: after },
        500.. => ProviderErrorKind::Unavailable { retry_after: after },
        _ if passing => ProviderErrorKind::Unavailable { retry_after: after },
        _ => ProviderErrorKind::Configuration,
    };
    ProviderError::new(kind, code, "Microsoft Entra gives us no token for the vault")
}
