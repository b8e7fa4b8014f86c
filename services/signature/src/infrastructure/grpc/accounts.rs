//! Accounts at signature providers, and how a person authorises them.

use puente_proto::signature::{
    Account as Shown, BeginAuthorizationRequest, BeginAuthorizationResponse, CompleteAuthorizationRequest,
    CompleteAuthorizationResponse, ListAccountsResponse,
};
use puente_proto::timestamp;
use puente_rpc::Caller;
use puente_types::{ConnectionId, Secret};
use tonic::Status;

use super::{Answers, ask};
use crate::infrastructure::access::{AccessError, Account};

/// Longer than any address that is registered, and than any state or code of a provider.
const MAX_URI: usize = 2_000;
const MAX_WORD: usize = 8_000;

pub(super) async fn list(answers: &Answers, caller: Caller) -> Result<ListAccountsResponse, Status> {
    let accounts = answers.access.list(caller.tenant()?).await.map_err(refused)?;
    Ok(ListAccountsResponse {
        accounts: accounts.into_iter().map(shown).collect(),
    })
}

pub(super) async fn begin(
    answers: &Answers,
    caller: Caller,
    wish: BeginAuthorizationRequest,
) -> Result<BeginAuthorizationResponse, Status> {
    let tenant = caller.tenant()?;
    with_role(&caller)?;
    let connection: ConnectionId = wish
        .connection
        .parse()
        .map_err(|_| Status::invalid_argument("give the name of a connection"))?;
    let redirect_uri = ask::needed(wish.redirect_uri, "a redirect_uri", MAX_URI)?;
    let begun = answers
        .access
        .begin(tenant, &connection, &redirect_uri, &caller.subject)
        .await;
    Ok(BeginAuthorizationResponse {
        url: begun.map_err(refused)?,
    })
}

pub(super) async fn complete(
    answers: &Answers,
    caller: Caller,
    wish: CompleteAuthorizationRequest,
) -> Result<CompleteAuthorizationResponse, Status> {
    let tenant = caller.tenant()?;
    with_role(&caller)?;
    let state = Secret::new(ask::needed(wish.state, "the state", MAX_WORD)?);
    // A grant that stands alone brings no code back.
    let code = Secret::new(ask::text(wish.code, "the code", MAX_WORD)?);
    let account = answers.access.complete(tenant, &state, &code).await;
    Ok(CompleteAuthorizationResponse {
        account: Some(shown(account.map_err(refused)?)),
    })
}

fn with_role(caller: &Caller) -> Result<(), Status> {
    if caller.role.trim().is_empty() {
        return Err(Status::permission_denied("a command needs somebody with a role"));
    }
    Ok(())
}

fn refused(error: AccessError) -> Status {
    match error {
        AccessError::NoAccount => Status::not_found(error.to_string()),
        AccessError::Unknown => Status::failed_precondition(error.to_string()),
        AccessError::Provider(error) => ask::provider(&error),
        AccessError::Unavailable(source) => {
            tracing::warn!(
                error = &*source as &dyn std::error::Error,
                "accounts are not answered"
            );
            Status::unavailable("accounts cannot be reached now")
        }
    }
}

fn shown(account: Account) -> Shown {
    Shown {
        connection: account.connection.as_str().to_owned(),
        provider: account.provider,
        state: account.state.to_owned(),
        problem: account.problem,
        expires_at: account.expires_at.map(timestamp),
        account_id: account.account_id,
        scope: account.scope,
    }
}
