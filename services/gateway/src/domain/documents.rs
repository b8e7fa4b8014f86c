//! Who may do what with which document: the one place that decides about containers and the kinds of documents in them.

pub use puente_types::Container;

use super::role::Role;

/// How far somebody may reach into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Knows of nothing in it.
    Nothing,
    /// Sees that documents are there, their names masked.
    List,
    /// Opens them.
    Open,
    /// Brings new ones.
    Bring,
}

/// How far a role reaches into a container. Of what is about orders, technicians reach only that of orders that are
/// theirs, which is held where the order is known; equipment is the same for all who work on it.
#[must_use]
pub const fn reach(role: Role, container: Container) -> Reach {
    use Container as C;
    match (role, container) {
        (Role::Admin | Role::Agent, _) => Reach::Bring,
        (Role::Technician, C::Orders | C::Reports | C::Assets) => Reach::Bring,
        (Role::Technician, C::Providers | C::Contracts) | (Role::Finance, C::Assets) => Reach::Nothing,
        (Role::Finance, C::Orders | C::Providers | C::Contracts | C::Reports) => Reach::Open,
        // Who keeps the traffic going or looks on sees no personal data, and documents are made of it.
        (Role::Operator | Role::Viewer, _) => Reach::List,
    }
}

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// An order.
    Order,
    /// A service provider of the directory.
    ServiceProvider,
    /// A piece of equipment.
    Asset,
    /// The reading of a serial plate.
    Capture,
}

impl About {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::ServiceProvider => "service_provider",
            Self::Asset => "asset",
            Self::Capture => "capture",
        }
    }

    /// Kinds of documents that people bring, each with its container.
    #[must_use]
    pub const fn kinds(self) -> &'static [(&'static str, Container)] {
        match self {
            Self::Order => &[
                ("report", Container::Reports),
                ("photo", Container::Orders),
                ("quotation", Container::Orders),
                ("other", Container::Orders),
            ],
            Self::ServiceProvider => &[
                ("arl", Container::Providers),
                ("eps", Container::Providers),
                ("rut", Container::Providers),
                ("camara_comercio", Container::Providers),
                ("policy", Container::Providers),
                ("certificate", Container::Providers),
                ("other", Container::Providers),
            ],
            // Photographs come to equipment by having its plate read, and its sheet is made.
            Self::Asset | Self::Capture => &[],
        }
    }

    /// Where a kind is kept; `None` for one that people do not bring.
    #[must_use]
    pub fn container(self, kind: &str) -> Option<Container> {
        let found = self.kinds().iter().find(|(word, _)| *word == kind);
        found.map(|(_, container)| *container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The design, written down a second time: the table is not its own judge.
    #[test]
    fn each_role_reaches_into_each_container_as_far_as_the_design_says() {
        use Reach::{Bring as B, List as L, Nothing as N, Open as O};
        let design = [
            //                    orders providers assets contracts reports
            (Role::Admin, [B, B, B, B, B]),
            (Role::Agent, [B, B, B, B, B]),
            (Role::Technician, [B, N, B, N, B]),
            (Role::Finance, [O, O, N, O, O]),
            (Role::Operator, [L, L, L, L, L]),
            (Role::Viewer, [L, L, L, L, L]),
        ];
        assert_eq!(design.len(), Role::ALL.len());
        for (role, row) in design {
            for (container, expected) in Container::ALL.into_iter().zip(row) {
                assert_eq!(reach(role, container), expected, "{role} {container}");
            }
        }
    }

    #[test]
    fn whoever_reaches_into_a_container_has_the_right_that_leads_there() {
        use crate::domain::{Right, may};
        for role in Role::ALL {
            let furthest = Container::ALL
                .map(|container| reach(role, container))
                .into_iter()
                .max();
            assert_eq!(
                may(role, Right::ReadDocuments),
                furthest > Some(Reach::Nothing),
                "{role}"
            );
            assert_eq!(
                may(role, Right::BringDocuments),
                furthest == Some(Reach::Bring),
                "{role}"
            );
        }
    }

    #[test]
    fn a_kind_belongs_to_one_container_and_what_services_make_is_not_brought() {
        assert_eq!(About::Order.container("report"), Some(Container::Reports));
        assert_eq!(
            About::ServiceProvider.container("arl"),
            Some(Container::Providers)
        );
        for made in ["contract", "signed", "summary", ""] {
            assert_eq!(About::Order.container(made), None, "{made}");
        }
    }
}
