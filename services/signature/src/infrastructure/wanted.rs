//! What was asked for: everything that the contract says, as it is kept with the request.

use std::fmt;

use puente_proto::orders::{SignatureRequested, SigningParty};
use puente_types::OrderId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::signer::Role;

/// A request as its event has it, checked.
pub(crate) struct Asked {
    pub(crate) id: Uuid,
    pub(crate) order: OrderId,
    pub(crate) number: String,
    pub(crate) attempt: i32,
    pub(crate) by: String,
    pub(crate) wanted: Wanted,
}

/// What the contract says, and the way to tell its parties.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// Client, service provider, agent: in this order.
    pub(crate) parties: Vec<Party>,
    pub(crate) service: String,
    pub(crate) description: String,
    pub(crate) location: String,
    pub(crate) price: Option<Price>,
    /// The conversation of the order, for messages.
    pub(crate) channel: Channel,
}

/// Somebody who signs.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) tax_id: String,
    pub(crate) address: String,
}

/// The quotation that was agreed on.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Price {
    pub(crate) minor: i64,
    pub(crate) currency: String,
    pub(crate) note: String,
    pub(crate) valid_until: String,
}

/// Where the client is written to.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) contact_id: String,
    pub(crate) phone: String,
}

impl Wanted {
    /// Who signs in this part.
    pub(crate) fn party(&self, role: Role) -> Party {
        let at = Role::ALL.iter().position(|other| *other == role);
        at.and_then(|at| self.parties.get(at))
            .cloned()
            .unwrap_or_default()
    }
}

/// Personal data reaches no log by way of `{:?}`.
impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted").finish_non_exhaustive()
    }
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// What is wrong with it; nothing personal.
    pub(crate) fn read(event: SignatureRequested) -> Result<Self, &'static str> {
        let id = event
            .request_id
            .parse()
            .map_err(|_| "the request's id is no UUID")?;
        let order = event.order_id.parse().map_err(|_| "the order's id is no UUID")?;
        let contact = event.contact.unwrap_or_default();
        let wanted = Wanted {
            parties: parties(event.parties)?,
            service: event.service,
            description: event.description,
            location: event.location,
            price: event.quotation.map(|quotation| Price {
                minor: quotation.amount_minor,
                currency: quotation.currency,
                note: quotation.note,
                valid_until: quotation.valid_until,
            }),
            channel: Channel {
                provider: contact.provider,
                connection: contact.connection,
                contact_id: contact.contact_id,
                phone: contact.phone,
            },
        };
        Ok(Self {
            id,
            order,
            number: event.number,
            attempt: i32::try_from(event.attempt).unwrap_or(i32::MAX).max(1),
            by: event.requested_by,
            wanted,
        })
    }
}

/// Each part once, with a name and somewhere to write to.
fn parties(given: Vec<SigningParty>) -> Result<Vec<Party>, &'static str> {
    if given.len() != Role::ALL.len() {
        return Err("a request has three parties");
    }
    let mut found = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        let party = given.iter().find(|party| party.role == role.as_str());
        let party = party.ok_or("client, service provider and agent sign, each once")?;
        if party.name.trim().is_empty() || !party.email.contains('@') {
            return Err("a party has no name, or no e-mail address");
        }
        found.push(Party {
            name: party.name.clone(),
            email: party.email.clone(),
            phone: party.phone.clone(),
            tax_id: party.tax_id.clone(),
            address: party.address.clone(),
        });
    }
    Ok(found)
}
