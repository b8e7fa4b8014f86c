//! Which of a tenant's connections is meant where an event or a person names none.

use std::sync::Arc;

use puente_ports::Connection;
use puente_types::TenantId;

use crate::Connections;

/// Why no connection can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// The tenant has none that fits.
    None,
    /// It has several, and not exactly one of them is marked `default = true`.
    Several,
}

impl Connections {
    /// A tenant's connections to the providers that `fit`, by id.
    #[must_use]
    pub fn of_tenant(&self, tenant: &TenantId, fit: impl Fn(&str) -> bool) -> Vec<Arc<Connection>> {
        let all = self.all();
        let own = all
            .iter()
            .filter(|connection| connection.tenant == *tenant && fit(&connection.provider));
        own.cloned().collect()
    }

    /// A tenant's only connection to the providers that `fit`, or the one that is marked `default = true`.
    ///
    /// # Errors
    /// When a person has to set one up, or to mark one.
    pub fn choose(&self, tenant: &TenantId, fit: impl Fn(&str) -> bool) -> Result<Arc<Connection>, Unclear> {
        let mut own = self.of_tenant(tenant, fit);
        if own.is_empty() {
            return Err(Unclear::None);
        }
        if own.len() > 1 {
            own.retain(|connection| connection.is_default());
        }
        match own.as_slice() {
            [one] => Ok(Arc::clone(one)),
            _ => Err(Unclear::Several),
        }
    }

    /// The connection that was chosen before, as long as it is there, is the tenant's, and its provider `fits`.
    #[must_use]
    pub fn known(&self, tenant: &TenantId, id: &str, fits: impl Fn(&str) -> bool) -> Option<Arc<Connection>> {
        let connection = self.get(&id.parse().ok()?)?;
        (connection.tenant == *tenant && fits(&connection.provider)).then_some(connection)
    }
}

#[cfg(test)]
mod tests {
    use puente_types::Secrets;
    use serde_json::json;

    use super::*;

    fn connection(id: &str, tenant: &str, provider: &str, default: bool) -> Connection {
        Connection {
            id: id.parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            provider: provider.to_owned(),
            account: None,
            settings: serde_json::Map::from_iter([("default".to_owned(), json!(default))]),
            secrets: Secrets::default(),
        }
    }

    fn signs(provider: &str) -> bool {
        provider == "docusign"
    }

    #[test]
    fn the_only_one_that_fits_is_meant_and_of_several_the_one_that_is_marked() {
        let connections = Connections::fixed(vec![
            connection("one-chat", "one", "jelou", true),
            connection("one-sign", "one", "docusign", false),
            connection("two-a", "two", "docusign", false),
            connection("two-b", "two", "docusign", true),
            connection("vague-a", "vague", "docusign", false),
            connection("vague-b", "vague", "docusign", false),
            connection("torn-a", "torn", "docusign", true),
            connection("torn-b", "torn", "docusign", true),
        ]);
        let chosen = |tenant: &str| {
            let chosen = connections.choose(&tenant.parse().unwrap(), signs);
            chosen.map(|connection| connection.id.to_string())
        };
        assert_eq!(chosen("one"), Ok("one-sign".to_owned()));
        assert_eq!(chosen("two"), Ok("two-b".to_owned()));
        for unclear in ["vague", "torn"] {
            assert_eq!(chosen(unclear), Err(Unclear::Several), "{unclear}");
        }
        assert_eq!(chosen("nobody"), Err(Unclear::None));
    }

    #[test]
    fn what_was_chosen_before_is_known_again_to_its_tenant_only_while_it_fits() {
        let connections = Connections::fixed(vec![
            connection("one-sign", "one", "docusign", false),
            connection("one-chat", "one", "jelou", false),
        ]);
        let known = |tenant: &str, id: &str| connections.known(&tenant.parse().unwrap(), id, signs).is_some();
        assert!(known("one", "one-sign"));
        assert!(!known("two", "one-sign"), "another tenant's");
        assert!(!known("one", "one-chat"), "its provider does not fit");
        assert!(!known("one", "one-gone"));
        assert!(!known("one", "no id"));
    }
}
