//! Subjects: `puente.v1.<tenant>.<domain>.<entity>.<past verb>`.

use std::fmt;
use std::str::FromStr;

use puente_types::TenantId;

use crate::{CATALOGUE, Event, EventType};

/// A subject that names an event of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Whose event it is.
    pub tenant: TenantId,
    /// Which event it is.
    pub event: &'static EventType,
}

/// A text that is not the subject of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no event subject")]
pub struct SubjectError(String);

impl Subject {
    /// The subject of an event of `tenant`.
    #[must_use]
    pub fn render(tenant: &TenantId, event: &EventType) -> String {
        format!(
            "puente.v1.{tenant}.{}.{}.{}",
            event.domain, event.entity, event.verb
        )
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::render(&self.tenant, self.event))
    }
}

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let unknown = || SubjectError(text.chars().take(200).collect());
        let mut tokens = text.split('.');
        let mut next = || tokens.next().ok_or_else(unknown);
        if (next()?, next()?) != ("puente", "v1") {
            return Err(unknown());
        }
        let (tenant, domain, entity, verb) = (next()?, next()?, next()?, next()?);
        let tenant = tenant.parse().map_err(|_| unknown())?;
        let event = CATALOGUE
            .iter()
            .find(|event| (event.domain, event.entity, event.verb) == (domain, entity, verb))
            .ok_or_else(unknown)?;
        if tokens.next().is_some() {
            Err(unknown())
        } else {
            Ok(Self { tenant, event })
        }
    }
}

/// The subject filter for one event of every tenant.
#[must_use]
pub fn filter<E: Event>() -> String {
    format!(
        "puente.v1.*.{}.{}.{}",
        E::TYPE.domain,
        E::TYPE.entity,
        E::TYPE.verb
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_come_back_as_they_went() {
        let tenant: TenantId = "algesta".parse().unwrap();
        for event in CATALOGUE {
            let text = Subject::render(&tenant, event);
            assert_eq!(
                text.parse::<Subject>().unwrap(),
                Subject {
                    tenant: tenant.clone(),
                    event
                }
            );
        }
        for bad in [
            "",
            "puente.v1.a.orders.order",
            "puente.v2.a.orders.order.opened",
            "puente.v1.A.orders.order.opened",
        ] {
            assert!(bad.parse::<Subject>().is_err());
        }
    }
}
