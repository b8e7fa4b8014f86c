//! The directory: agents and service providers by the ids that orders name.

use puente_types::{Nit, NitReading, Phone, Region};
use time::OffsetDateTime;

use crate::domain::client;
use crate::domain::error::Refused;
use crate::domain::words::tidy;

/// Longest id.
const MAX_ID: usize = 64;
/// Longest name in a contract.
const MAX_NAME: usize = 120;
/// Longest tax id, of any country.
const MAX_TAX_ID: usize = 40;
/// Longest postal address.
const MAX_ADDRESS: usize = 200;

/// What somebody is to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Answers for orders.
    Agent,
    /// Does the work.
    ServiceProvider,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Agent, Self::ServiceProvider];

    /// Its name in rows, events and interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::ServiceProvider => "service_provider",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is typed of a person; nothing of it is checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The id.
    pub id: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The number.
    pub phone: String,
    /// The tax id.
    pub tax_id: String,
    /// The postal address.
    pub address: String,
    /// Whether orders may be given to them.
    pub active: bool,
}

/// An agent or a service provider, every field valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id that orders name.
    pub id: String,
    /// What they are.
    pub kind: Kind,
    /// The name as it stands in contracts.
    pub name: String,
    /// Where requests to sign go.
    pub email: String,
    /// E.164; empty when unknown.
    pub phone: String,
    /// The NIT with its check digit, or another tax id; empty when unknown.
    pub tax_id: String,
    /// The postal address; empty when unknown.
    pub address: String,
    /// Whether orders may be given to them.
    pub active: bool,
}

/// A person as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Who it is.
    pub person: Person,
    /// When it was last changed.
    pub changed_at: OffsetDateTime,
}

/// A field that is not usable, and why. Holds nothing of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct BadPerson {
    field: &'static str,
    why: &'static str,
}

impl Person {
    /// Checks what was typed.
    ///
    /// # Errors
    /// [`BadPerson`] names the first field that is not usable.
    pub fn check(typed: Typed) -> Result<Self, BadPerson> {
        let id_fits = (1..=MAX_ID).contains(&typed.id.len())
            && typed
                .id
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_.".contains(&c));
        if !id_fits {
            return Err(bad("person_id", "must be 1 to 64 of a-z 0-9 - _ ."));
        }
        let kind = Kind::named(&typed.kind).ok_or(bad("kind", "must be agent or service_provider"))?;
        Ok(Self {
            id: typed.id,
            kind,
            name: name(&typed.name)?,
            email: email(&typed.email)?,
            phone: phone(&typed.phone)?,
            tax_id: tax_id(&typed.tax_id)?,
            address: address(&typed.address)?,
            active: typed.active,
        })
    }
}

impl BadPerson {
    /// Orders name an id in one place or the other: it stays what it was.
    pub const OTHER_KIND: Self = bad("kind", "of an id does not change; give this person another id");
}

const fn bad(field: &'static str, why: &'static str) -> BadPerson {
    BadPerson { field, why }
}

/// A name of a person or a company; not empty.
///
/// # Errors
/// When it is too long, or has no letter.
pub fn name(raw: &str) -> Result<String, BadPerson> {
    client::name(raw, 2, MAX_NAME).map_err(|_| bad("name", "must have letters, 2 to 120 characters"))
}

/// One e-mail address and nothing besides.
///
/// # Errors
/// When it is none.
pub fn email(raw: &str) -> Result<String, BadPerson> {
    let given = raw.trim();
    client::email(given)
        .ok()
        .filter(|found| found.to_lowercase() == given.to_lowercase())
        .ok_or(bad("email", "must be one e-mail address"))
}

/// A number in E.164, or nothing.
///
/// # Errors
/// When it is something else.
pub fn phone(raw: &str) -> Result<String, BadPerson> {
    let given = raw.trim();
    if given.is_empty() {
        return Ok(String::new());
    }
    Some(given)
        .filter(|given| given.starts_with('+'))
        .and_then(|given| Phone::parse(given, Region::default()).ok())
        .map(|phone| phone.as_e164().to_owned())
        .ok_or(bad("phone", "must be a number with its country code: +57…"))
}

/// A tax id, or nothing. What has the form of a NIT must be one; it is kept with its check digit where that was given.
///
/// # Errors
/// When it looks like a NIT and is none, or is too long for any tax id.
pub fn tax_id(raw: &str) -> Result<String, BadPerson> {
    let given = tidy(raw);
    if given.chars().count() > MAX_TAX_ID {
        return Err(bad("tax_id", "has at most 40 characters"));
    }
    let like_a_nit = given.chars().any(|c| c.is_ascii_digit())
        && given.chars().all(|c| c.is_ascii_digit() || ".- ".contains(c));
    if !like_a_nit {
        return Ok(given);
    }
    match Nit::parse(&given) {
        Ok(NitReading::Verified(nit)) => Ok(format!("{}-{}", nit.body(), nit.dv())),
        Ok(NitReading::Derived(_)) => Ok(given),
        Ok(NitReading::Ambiguous { .. }) => Err(bad("tax_id", "needs a hyphen before its check digit")),
        Err(_) => Err(bad(
            "tax_id",
            "is no NIT: its digits or its check digit do not fit",
        )),
    }
}

/// A postal address, or nothing.
///
/// # Errors
/// When it is too long.
pub fn address(raw: &str) -> Result<String, BadPerson> {
    let given = tidy(raw);
    if given.chars().count() > MAX_ADDRESS {
        Err(bad("address", "has at most 200 characters"))
    } else {
        Ok(given)
    }
}

/// Whether an order may be given to `id`. An installation that keeps no directory of a kind may name whom it likes.
///
/// # Errors
/// [`Refused::Unfit`] says why not.
pub fn admit(kind: Kind, id: &str, found: Option<&Person>, keeps_any: bool) -> Result<(), Refused> {
    let refused = |why| {
        Err(Refused::Unfit {
            kind,
            id: id.chars().take(MAX_ID).collect(),
            why,
        })
    };
    match found {
        Some(person) if person.kind != kind => refused("the directory has them as something else"),
        Some(person) if !person.active => refused("they are not active"),
        Some(_) => Ok(()),
        None if keeps_any => refused("the directory does not have them"),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
