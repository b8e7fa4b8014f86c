//! What is sent to signature: who signs, and the request that it makes.

use puente_types::OrderId;
use uuid::Uuid;

use crate::domain::directory::{BadPerson, address, email, name, phone, tax_id};
use crate::domain::error::Refused;
use crate::domain::order::Snapshot;

/// What somebody is to the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Pays for the work.
    Client,
    /// Does the work.
    ServiceProvider,
    /// Answers for the order.
    Agent,
}

impl Role {
    /// Each signs once.
    pub const ALL: [Self; 3] = [Self::Client, Self::ServiceProvider, Self::Agent];

    /// Its name in events and interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ServiceProvider => "service_provider",
            Self::Agent => "agent",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// How people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Client => "cliente",
            Self::ServiceProvider => "proveedor del servicio",
            Self::Agent => "agente",
        }
    }
}

/// Where a request to sign stands: the states of the signature service, and the one before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing was heard of it yet.
    Solicitada,
    /// People are asked to sign.
    EnProceso,
    /// Everybody signed.
    Firmado,
    /// Somebody refused to sign.
    Rechazado,
    /// It was taken back.
    Anulado,
}

impl Progress {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Solicitada,
        Self::EnProceso,
        Self::Firmado,
        Self::Rechazado,
        Self::Anulado,
    ];

    /// Its name in events and rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solicitada => "Solicitada",
            Self::EnProceso => "EnProceso",
            Self::Firmado => "Firmado",
            Self::Rechazado => "Rechazado",
            Self::Anulado => "Anulado",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|progress| progress.name() == name)
    }

    /// Whether nothing more comes of the request.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Firmado | Self::Rechazado | Self::Anulado)
    }
}

/// Somebody who signs, as far as they are known. Empty fields are unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// The name as it stands in the contract.
    pub name: String,
    /// Where the request to sign goes.
    pub email: String,
    /// E.164.
    pub phone: String,
    /// The NIT with its check digit or another tax id.
    pub tax_id: String,
    /// The postal address.
    pub address: String,
}

/// The three who sign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parties {
    /// Pays for the work.
    pub client: Party,
    /// Does the work.
    pub service_provider: Party,
    /// Answers for the order.
    pub agent: Party,
}

/// Why what was said of a party is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadParty {
    /// No such role.
    #[error("a party's role must be client, service_provider or agent")]
    Role,
    /// The same role twice.
    #[error("{} is named twice", .0.name())]
    Twice(Role),
    /// A field of it.
    #[error("{role}: {1}", role = .0.name())]
    Field(Role, BadPerson),
}

impl Party {
    /// Checks the fields that were given.
    ///
    /// # Errors
    /// [`BadPerson`] names the field that is not usable.
    pub fn check(self) -> Result<Self, BadPerson> {
        let given = |text: &str, check: fn(&str) -> Result<String, BadPerson>| match text.trim() {
            "" => Ok(String::new()),
            text => check(text),
        };
        Ok(Self {
            name: given(&self.name, name)?,
            email: given(&self.email, email)?,
            phone: phone(&self.phone)?,
            tax_id: tax_id(&self.tax_id)?,
            address: address(&self.address)?,
        })
    }

    /// This party where it says something, `known` where it does not.
    #[must_use]
    pub fn over(self, known: Self) -> Self {
        let either = |said: String, known: String| if said.is_empty() { known } else { said };
        Self {
            name: either(self.name, known.name),
            email: either(self.email, known.email),
            phone: either(self.phone, known.phone),
            tax_id: either(self.tax_id, known.tax_id),
            address: either(self.address, known.address),
        }
    }
}

impl Parties {
    /// What a request says of each role.
    ///
    /// # Errors
    /// [`BadParty`] says what is not usable.
    pub fn read(said: impl IntoIterator<Item = (String, Party)>) -> Result<Self, BadParty> {
        let mut parties = Self::default();
        let mut named = Vec::new();
        for (role, party) in said {
            let role = Role::named(&role).ok_or(BadParty::Role)?;
            if named.contains(&role) {
                return Err(BadParty::Twice(role));
            }
            named.push(role);
            *parties.place(role) = party.check().map_err(|bad| BadParty::Field(role, bad))?;
        }
        Ok(parties)
    }

    /// These parties where they say something, `known` where they do not.
    #[must_use]
    pub fn over(self, known: Self) -> Self {
        Self {
            client: self.client.over(known.client),
            service_provider: self.service_provider.over(known.service_provider),
            agent: self.agent.over(known.agent),
        }
    }

    /// Each with its role, in the order in which they stand in the contract.
    pub fn each(&self) -> impl Iterator<Item = (Role, &Party)> {
        Role::ALL.into_iter().map(|role| (role, self.of(role)))
    }

    /// The party of a role.
    #[must_use]
    pub const fn of(&self, role: Role) -> &Party {
        match role {
            Role::Client => &self.client,
            Role::ServiceProvider => &self.service_provider,
            Role::Agent => &self.agent,
        }
    }

    const fn place(&mut self, role: Role) -> &mut Party {
        match role {
            Role::Client => &mut self.client,
            Role::ServiceProvider => &mut self.service_provider,
            Role::Agent => &mut self.agent,
        }
    }

    /// Whether these can sign: each has a name and an address, and nobody signs for both sides.
    ///
    /// # Errors
    /// [`Refused`] lists all that is missing at once.
    pub fn complete(&self) -> Result<(), Refused> {
        let missing: Vec<String> = self
            .each()
            .flat_map(|(role, party)| {
                [("name", &party.name), ("email", &party.email)]
                    .into_iter()
                    .filter(|(_, value)| value.is_empty())
                    .map(move |(field, _)| format!("{}.{field}", role.name()))
            })
            .collect();
        if !missing.is_empty() {
            return Err(Refused::PartiesMissing(missing.join(", ")));
        }
        if self.client.email.to_lowercase() == self.service_provider.email.to_lowercase() {
            return Err(Refused::OneSignsForBoth);
        }
        Ok(())
    }
}

/// The documents of an order are to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureRequest {
    /// Its id.
    pub id: Uuid,
    /// The order after it was sent.
    pub order: Snapshot,
    /// Who signs.
    pub parties: Parties,
    /// Who asked for it.
    pub by: String,
}

impl SignatureRequest {
    /// Of which order.
    #[must_use]
    pub const fn order_id(&self) -> OrderId {
        self.order.id
    }
}

#[cfg(test)]
#[path = "signing_tests.rs"]
mod tests;
