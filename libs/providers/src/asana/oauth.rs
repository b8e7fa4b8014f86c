//! How somebody grants access in their name: authorization code with PKCE, and renewal by a refresh token that stays.

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use puente_ports::{CallCtx, Connection, Grant, GrantedAccount, OAuthProvider, ProviderError};
use puente_types::Secret;
use time::OffsetDateTime;

use super::{Adapter, MANIFEST, TokenKind, map};
use crate::kit::{Api, ask_token, base, form, header, nobody_consented, setting};

#[async_trait]
impl OAuthProvider for Adapter {
    fn authorize_url(
        &self,
        connection: &Connection,
        redirect_uri: &str,
        state: &Secret,
        challenge: &str,
    ) -> Result<String, ProviderError> {
        if TokenKind::of(connection)? == TokenKind::Personal {
            return Err(ProviderError::configuration(
                "grant_not_needed",
                "the connection has a personal token; nobody has to consent",
            ));
        }
        Ok(format!(
            "{}/-/oauth_authorize?{}",
            base(&MANIFEST, connection)?,
            form(&[
                ("response_type", "code"),
                ("client_id", connection.require_secret("client_id")?.expose()),
                ("redirect_uri", redirect_uri),
                ("state", state.expose()),
                (
                    "scope",
                    setting(&MANIFEST, connection, "scope").unwrap_or_default()
                ),
                ("code_challenge", challenge),
                ("code_challenge_method", "S256"),
            ])
        ))
    }

    async fn exchange(
        &self,
        ctx: CallCtx<'_>,
        code: &Secret,
        verifier: &Secret,
        redirect_uri: &str,
    ) -> Result<Grant, ProviderError> {
        let fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("code_verifier", verifier.expose()),
            ("redirect_uri", redirect_uri),
        ];
        token(ctx, "oauth.exchange", fields).await
    }

    async fn renew(
        &self,
        ctx: CallCtx<'_>,
        refresh: Option<&Secret>,
        _now: OffsetDateTime,
    ) -> Result<Grant, ProviderError> {
        let Some(refresh) = refresh else {
            return Err(nobody_consented(ctx.connection));
        };
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
        ];
        if let Some(redirect_uri) = ctx.connection.setting("redirect_uri") {
            fields.push(("redirect_uri", redirect_uri));
        }
        token(ctx, "oauth.refresh", fields).await
    }

    async fn account(&self, ctx: CallCtx<'_>, access: &Secret) -> Result<GrantedAccount, ProviderError> {
        let headers = header(AUTHORIZATION, &format!("Bearer {}", access.expose()))?;
        let api = Api::new(&MANIFEST, ctx);
        let answer = api
            .send::<()>("users.me", Method::GET, "/api/1.0/users/me", headers, None)
            .await?;
        let workspace = ctx.connection.setting("workspace");
        map::grants::account(&MANIFEST, &answer, workspace, api.base()?)
    }
}

/// Asks the token endpoint in the app's name. Asana takes the app's credentials as fields.
async fn token<'a>(
    ctx: CallCtx<'a>,
    operation: &'static str,
    mut fields: Vec<(&'static str, &'a str)>,
) -> Result<Grant, ProviderError> {
    for name in ["client_id", "client_secret"] {
        fields.push((name, ctx.connection.require_secret(name)?.expose()));
    }
    let url = format!("{}/-/oauth_token", base(&MANIFEST, ctx.connection)?);
    let answer = ask_token(ctx, operation, url, HeaderMap::new(), &fields).await?;
    map::grants::grant(&MANIFEST, &answer)
}
