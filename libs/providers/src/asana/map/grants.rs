//! The answers of the OAuth host, and of the question who consented. Pure.

use puente_ports::{Grant, GrantedAccount, Manifest, OutboundResponse, ProviderError};

use super::refusals::refusal;
use crate::asana::wire;
use crate::kit::{MAX_ID, asked, cut, granted, read};

/// What the token endpoint gave. A renewal brings no new refresh token as a rule: then the old one is kept.
pub(in super::super) fn grant(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<Grant, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    granted(response)
}

/// Who consented. Asana has one host, so the base is the one that was asked.
pub(in super::super) fn account(
    manifest: &Manifest,
    response: &OutboundResponse,
    workspace: Option<&str>,
    base: &str,
) -> Result<GrantedAccount, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    let me: wire::Me = read(response, false)?;
    let user = me.data.unwrap_or_default();
    if user.gid.is_empty() {
        return Err(ProviderError::malformed("the answer names no user"));
    }
    let is_in = |wanted: &str| user.workspaces.iter().any(|one| one.gid.as_str() == wanted);
    if !workspace.is_none_or(is_in) {
        return Err(ProviderError::configuration(
            "account_not_granted",
            "who consented is not in the connection's workspace",
        ));
    }
    Ok(GrantedAccount {
        account_id: cut(&user.gid, MAX_ID),
        base_uri: base.to_owned(),
    })
}
