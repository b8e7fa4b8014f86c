//! The answers of the OAuth host. Pure.

use puente_ports::{Grant, GrantedAccount, Manifest, OutboundResponse, ProviderError};

use super::refusals::{asked, refusal};
use crate::docusign::wire;
use crate::kit::{MAX_ID, cut, granted, read};

/// What the token endpoint gave.
pub(in super::super) fn grant(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Grant, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    granted(response)
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
