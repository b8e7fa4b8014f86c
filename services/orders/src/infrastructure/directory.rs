//! The tenants' ERPs, asked over gRPC of whoever owns their connections (`puente.clients.v1.ClientDirectory`).

use std::time::Duration;

use async_trait::async_trait;
use puente_proto::clients::client_directory_client::ClientDirectoryClient;
use puente_proto::clients::{DirectoryClient, LookUpClientRequest};
use puente_rpc::{Caller, Peer, Scope};
use puente_types::{Nit, Phone, Region, TenantId};
use tonic::Code;

use crate::application::look_up_client::{Companies, NoAnswer};
use crate::domain::client;
use crate::domain::company::Company;
use crate::domain::words::tidy;

/// Longer than a name or an address.
const MAX_LINE: usize = 200;
/// An answer is one client.
const MAX_ANSWER: usize = 64 * 1024;

/// Whoever owns the connections to ERPs.
pub(crate) struct Directory {
    owner: Peer,
    deadline: Duration,
    region: Region,
}

impl Directory {
    /// Asks this owner.
    pub(crate) const fn new(owner: Peer, deadline: Duration, region: Region) -> Self {
        Self {
            owner,
            deadline,
            region,
        }
    }

    async fn asked(&self, tenant: &TenantId, nit: &Nit) -> Result<Option<DirectoryClient>, NoAnswer> {
        let caller = Caller {
            scope: Scope::Tenant(tenant.clone()),
            subject: "orders".to_owned(),
            role: "service".to_owned(),
        };
        let question = LookUpClientRequest {
            nit: nit.body().to_owned(),
        };
        let question = self.owner.calls.request(&caller, question);
        let question = question.map_err(|_| NoAnswer::Unreachable)?;
        let mut client =
            ClientDirectoryClient::new(self.owner.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        match client.look_up_client(question).await {
            Ok(answer) => Ok(answer.into_inner().client),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) if status.code() == Code::FailedPrecondition => Err(NoAnswer::Off),
            Err(status) => {
                // The words may quote the tax id.
                tracing::warn!(tenant.id = %tenant, code = ?status.code(), "the ERP gave no answer");
                Err(NoAnswer::Unreachable)
            }
        }
    }
}

#[async_trait]
impl Companies for Directory {
    async fn look_up(&self, tenant: &TenantId, nit: &Nit) -> Result<Option<Company>, NoAnswer> {
        // The deadline of the call does not hold while there is no connection to send it over.
        let asked = tokio::time::timeout(self.deadline, self.asked(tenant, nit)).await;
        let Some(client) = asked.map_err(|_| NoAnswer::Unreachable)?? else {
            return Ok(None);
        };
        if client.nit != nit.body() {
            tracing::error!(tenant.id = %tenant, "the ERP answered for another tax id");
            return Err(NoAnswer::Unreachable);
        }
        Ok(company(&client, self.region))
    }
}

/// What counts of a client of the ERP; `None` for one that was taken out there.
fn company(client: &DirectoryClient, region: Region) -> Option<Company> {
    let line = |text: &str| -> String {
        let text: String = text.chars().filter(|c| *c != '\0').collect();
        tidy(&text).chars().take(MAX_LINE).collect()
    };
    if client.status == "deleted" {
        return None;
    }
    let phones = client.phones.iter();
    Some(Company {
        name: line(&client.legal_name),
        email: client::email(&client.email).unwrap_or_default(),
        phone: phones.filter_map(|phone| Phone::parse(phone, region).ok()).next(),
        location: line(&client.address),
        // A word of another version is nothing to serve somebody on.
        active: client.status == "active",
        version: client.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_erp_has_is_tidied_and_what_is_not_valid_is_left_out() {
        let of_erp = |status: &str| DirectoryClient {
            nit: "900373115".into(),
            legal_name: "  ACME\0 SERVICIOS   SAS ".into(),
            email: "not an address".into(),
            phones: vec!["none".into(), "300 123 4567".into()],
            address: "CL 100 # 8A-55".into(),
            status: status.into(),
            version: 7,
        };
        let found = company(&of_erp("active"), Region::Co).unwrap();
        assert_eq!(
            (found.name.as_str(), found.email.as_str()),
            ("ACME SERVICIOS SAS", "")
        );
        assert_eq!(found.phone.unwrap().as_e164(), "+573001234567");
        assert!(found.active && found.version == 7);
        assert!(!company(&of_erp("inactive"), Region::Co).unwrap().active);
        assert!(!company(&of_erp("a new word"), Region::Co).unwrap().active);
        assert!(company(&of_erp("deleted"), Region::Co).is_none());
    }
}
