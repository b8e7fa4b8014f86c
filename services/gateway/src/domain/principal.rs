//! Who makes a request.

use puente_rpc::{Caller, Scope};
use uuid::Uuid;

use super::role::{Right, Role, may};

/// A person or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person who logged in.
    Person(Uuid),
    /// A program with an API key.
    Key(Uuid),
}

/// Who makes a request, after the check of cookie or key: the only source of scope and role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub who: Who,
    /// How they are called in the console and in the audit trail.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose data they may see.
    pub scope: Scope,
}

impl Principal {
    /// Whether they have the right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        may(self.role, right)
    }

    /// Their id as it stands in journals: `user:<id>` or `key:<id>`.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.who {
            Who::Person(id) => format!("user:{id}"),
            Who::Key(id) => format!("key:{id}"),
        }
    }

    /// The caller of questions to services on their behalf.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            scope: self.scope.clone(),
            subject: self.subject(),
            role: self.role.word().to_owned(),
        }
    }
}
