//! How an account grants access: authorization code with PKCE, refresh, or the JWT grant where the connection holds the
//! app's RSA key.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};
use puente_ports::{
    CallCtx, Connection, Grant, GrantedAccount, OAuthProvider, OutboundRequest, OutboundResponse,
    ProviderError,
};
use puente_types::Secret;
use time::OffsetDateTime;

use super::{Adapter, MANIFEST, jwt, map};
use crate::kit::{ask_token, base, form, header, listed, nobody_consented};

/// Rights of a user who connects their own account; `extended` brings a new refresh token with every refresh.
const USER_SCOPE: &str = "signature extended";
/// Rights of a service that acts in a user's name.
const SERVICE_SCOPE: &str = "signature impersonation";
/// The secret that makes the JWT grant.
const PRIVATE_KEY: &str = "private_key";

#[async_trait]
impl OAuthProvider for Adapter {
    fn authorize_url(
        &self,
        connection: &Connection,
        redirect_uri: &str,
        state: &Secret,
        challenge: &str,
    ) -> Result<String, ProviderError> {
        let scope = if self.stands_alone(connection) {
            SERVICE_SCOPE
        } else {
            USER_SCOPE
        };
        Ok(format!(
            "{}/oauth/auth?{}",
            base(&MANIFEST, connection)?,
            form(&[
                ("response_type", "code"),
                ("scope", scope),
                (
                    "client_id",
                    connection.require_secret("integration_key")?.expose()
                ),
                ("redirect_uri", redirect_uri),
                ("state", state.expose()),
                ("code_challenge", challenge),
                ("code_challenge_method", "S256"),
            ])
        ))
    }

    fn stands_alone(&self, connection: &Connection) -> bool {
        connection.secrets.get(PRIVATE_KEY).is_some()
    }

    async fn exchange(
        &self,
        ctx: CallCtx<'_>,
        code: &Secret,
        verifier: &Secret,
        redirect_uri: &str,
    ) -> Result<Grant, ProviderError> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("code_verifier", verifier.expose()),
        ];
        if is_public(ctx.connection) {
            fields.push(("redirect_uri", redirect_uri));
        }
        token(ctx, "oauth.exchange", fields).await
    }

    async fn renew(
        &self,
        ctx: CallCtx<'_>,
        refresh: Option<&Secret>,
        now: OffsetDateTime,
    ) -> Result<Grant, ProviderError> {
        if let Some(refresh) = refresh {
            let fields = vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh.expose()),
            ];
            return token(ctx, "oauth.refresh", fields).await;
        }
        let connection = ctx.connection;
        let Some(key) = connection.secrets.get(PRIVATE_KEY) else {
            return Err(nobody_consented(connection));
        };
        let claims = jwt::Claims {
            integration_key: connection.require_secret("integration_key")?.expose(),
            user_id: connection.require("user_id")?,
            audience: audience(connection),
            scope: SERVICE_SCOPE,
        };
        let assertion = jwt::assertion(&claims, key, now)?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.expose()),
        ];
        let answer = post(ctx, "oauth.jwt", HeaderMap::new(), &fields).await?;
        map::grants::grant(&MANIFEST, &answer)
    }

    async fn account(&self, ctx: CallCtx<'_>, access: &Secret) -> Result<GrantedAccount, ProviderError> {
        let mut headers = header(AUTHORIZATION, &format!("Bearer {}", access.expose()))?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = OutboundRequest {
            operation: "oauth.userinfo",
            method: Method::GET,
            url: format!("{}/oauth/userinfo", base(&MANIFEST, ctx.connection)?),
            headers,
            body: Bytes::new(),
        };
        let answer = ctx.http.send(ctx.connection, request, ctx.deadline).await?;
        map::grants::account(&MANIFEST, &answer, ctx.connection.account.as_deref())
    }
}

/// Whether the app has no secret of its own.
fn is_public(connection: &Connection) -> bool {
    connection.secrets.get("secret_key").is_none()
}

/// Asks the token endpoint in the app's name: with its secret, or as a public client with its id alone.
async fn token<'a>(
    ctx: CallCtx<'a>,
    operation: &'static str,
    mut fields: Vec<(&'static str, &'a str)>,
) -> Result<Grant, ProviderError> {
    let id = ctx.connection.require_secret("integration_key")?;
    let headers = match ctx.connection.secrets.get("secret_key") {
        Some(secret) => {
            let pair = STANDARD.encode(format!("{}:{}", id.expose(), secret.expose()));
            header(AUTHORIZATION, &format!("Basic {pair}"))?
        }
        None => {
            fields.push(("client_id", id.expose()));
            HeaderMap::new()
        }
    };
    let answer = post(ctx, operation, headers, &fields).await?;
    map::grants::grant(&MANIFEST, &answer)
}

async fn post(
    ctx: CallCtx<'_>,
    operation: &'static str,
    headers: HeaderMap,
    fields: &[(&str, &str)],
) -> Result<OutboundResponse, ProviderError> {
    let url = format!("{}/oauth/token", base(&MANIFEST, ctx.connection)?);
    ask_token(ctx, operation, url, headers, fields).await
}

/// The OAuth host of the connection's environment, bare, as assertions name it: also where a proxy stands before it.
fn audience(connection: &Connection) -> &'static str {
    let url = listed(&MANIFEST, connection).unwrap_or_default();
    url.trim_start_matches("https://").trim_end_matches('/')
}
