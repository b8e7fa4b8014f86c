//! The answers of the OAuth host. Pure.

use std::time::Duration;

use puente_ports::{Grant, GrantedAccount, Manifest, OutboundResponse, ProviderError};
use puente_types::Secret;

use super::refusals::{asked, refusal};
use crate::docusign::wire;
use crate::kit::{MAX_ID, cut, read};

/// The access token's life where the answer tells none: short, so that a wrong guess costs one renewal.
const DEFAULT_LIFE_S: f64 = 3600.0;
/// No token is trusted longer, whatever the answer says.
const LONGEST_LIFE_S: f64 = 24.0 * 3600.0;

/// What the token endpoint gave.
pub(in super::super) fn grant(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Grant, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    let token: wire::Token = read(response, false)?;
    if token.access_token.is_empty() {
        return Err(ProviderError::malformed("the answer holds no access token"));
    }
    let life = token.expires_in.map_or(DEFAULT_LIFE_S, |seconds| seconds.0);
    Ok(Grant {
        access: Secret::new(token.access_token.0),
        refresh: Some(token.refresh_token.0)
            .filter(|text| !text.is_empty())
            .map(Secret::new),
        life: Duration::from_secs_f64(life.clamp(1.0, LONGEST_LIFE_S)),
        scope: cut(&token.scope, MAX_ID),
    })
}

/// The account of a grant: the one that the connection names, else the user's default.
pub(in super::super) fn account(
    manifest: &Manifest,
    response: &OutboundResponse,
    wanted: Option<&str>,
) -> Result<GrantedAccount, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    let user: wire::UserInfo = read(response, false)?;
    let fits = |account: &&wire::Account| match wanted {
        Some(wanted) => account.account_id.eq_ignore_ascii_case(wanted),
        None => account.is_default.as_str() == "true",
    };
    let account = user.accounts.iter().find(fits).ok_or_else(|| {
        ProviderError::configuration(
            "account_not_granted",
            "who consented has no access to the connection's account",
        )
    })?;
    let base = account.base_uri.trim_end_matches('/');
    if account.account_id.is_empty() || !(base.starts_with("https://") || base.starts_with("http://")) {
        return Err(ProviderError::malformed("the account has no id or no base URI"));
    }
    Ok(GrantedAccount {
        account_id: cut(&account.account_id, MAX_ID),
        base_uri: cut(base, MAX_ID),
    })
}
