//! What an administrator does once for a real account: opens the provider's page, consents, and comes back with the
//! code. The simulators forget their grants when they end, so it is done at every start with them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use puente_ports::Connection;
use puente_proto::signature::signature_commands_client::SignatureCommandsClient;
use puente_proto::signature::{BeginAuthorizationRequest, CompleteAuthorizationRequest};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Secret, SystemClock};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::exit::Done;

/// Longest wait for one answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// The service learns of the connections by the broker, a moment after it started.
const INTRODUCTION: Duration = Duration::from_secs(20);
/// How often it is asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Where the page sends back to; nobody needs to answer there.
const BACK: &str = "http://127.0.0.1:8090/oauth/callback";

/// Consents to every simulated account of a provider that is called in an account's name.
pub(crate) async fn to_simulated_accounts(
    connections: &[Connection],
    signature: &str,
    rpc_key: &Secret,
) -> Done {
    let keys = RpcKeys::parse(rpc_key).context("the key of calls between services")?;
    let calls = Calls::new(keys, "signature", Arc::new(SystemClock), DEADLINE);
    let channel = Endpoint::from_shared(signature.to_owned())
        .context("signature has no address")?
        .connect_lazy();
    let wanted = connections.iter().filter(|connection| {
        let provider = puente_providers::find(&connection.provider);
        // The signature service keeps the grants of what it calls itself.
        provider.is_some_and(|provider| provider.oauth().is_some() && provider.signature().is_some())
    });
    for connection in wanted {
        let account = Account {
            calls: &calls,
            commands: SignatureCommandsClient::new(channel.clone()),
            connection,
        };
        account
            .consent()
            .await
            .with_context(|| format!("{} cannot be authorised", connection.id))?;
    }
    Ok(())
}

struct Account<'a> {
    calls: &'a Calls,
    commands: SignatureCommandsClient<tonic::transport::Channel>,
    connection: &'a Connection,
}

impl Account<'_> {
    async fn consent(mut self) -> anyhow::Result<()> {
        let page = tokio::time::timeout(INTRODUCTION, self.begin())
            .await
            .map_err(|_| anyhow!("signature did not learn of the connection"))??;
        let brought = puente_providers::sim::consent(&page).await?;
        let request = CompleteAuthorizationRequest {
            state: brought.state.expose().to_owned(),
            code: brought.code.expose().to_owned(),
        };
        let request = self.calls.request(&self.caller(), request)?;
        self.commands.complete_authorization(request).await?;
        Ok(())
    }

    async fn begin(&mut self) -> anyhow::Result<String> {
        loop {
            let request = BeginAuthorizationRequest {
                connection: self.connection.id.to_string(),
                redirect_uri: BACK.to_owned(),
            };
            let request = self.calls.request(&self.caller(), request)?;
            match self.commands.begin_authorization(request).await {
                Ok(begun) => return Ok(begun.into_inner().url),
                Err(status) if matches!(status.code(), Code::NotFound | Code::Unavailable) => {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Err(status) => return Err(status.into()),
            }
        }
    }

    fn caller(&self) -> Caller {
        Caller {
            scope: Scope::Tenant(self.connection.tenant.clone()),
            subject: "puente up".to_owned(),
            role: "admin".to_owned(),
        }
    }
}
