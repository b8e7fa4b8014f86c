//! How somebody grants access in their name: authorization code with PKCE, and renewal by a refresh token that stays.

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use puente_ports::{
    CallCtx, Connection, Grant, GrantedAccount, OAuthProvider, OutboundRequest, ProviderError,
};
use puente_types::Secret;
use time::OffsetDateTime;

use super::{Adapter, MANIFEST, TokenKind, map};
use crate::kit::{Api, base, form, header, setting};

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
            let id = &ctx.connection.id;
            return Err(ProviderError::configuration(
                "consent_required",
                format!("nobody has connected an account to connection {id} yet"),
            ));
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
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    let accept = HeaderValue::from_static("application/json");
    let request = OutboundRequest {
        operation,
        method: Method::POST,
        url: format!("{}/-/oauth_token", base(&MANIFEST, ctx.connection)?),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, kind), (ACCEPT, accept)]),
        body: Bytes::from(form(&fields)),
    };
    let answer = ctx.http.send(ctx.connection, request, ctx.deadline).await?;
    map::grants::grant(&MANIFEST, &answer)
}
