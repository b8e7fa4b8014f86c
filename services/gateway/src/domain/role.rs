//! Roles and rights: the one place that decides who may do what. A test holds the matrix against the design.

use std::fmt;
use std::str::FromStr;

/// What a person or program is to the company it works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything in the tenant.
    Admin,
    /// Works with clients and orders.
    Agent,
    /// Does the work on site; sees what is assigned.
    Technician,
    /// Money.
    Finance,
    /// Keeps the traffic going; sees no personal data unmasked.
    Operator,
    /// Looks on.
    Viewer,
}

/// Something that a request may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Orders and their journeys.
    ReadOrders,
    /// Move and assign orders.
    ChangeOrders,
    /// Clients, with their contact data.
    ReadClients,
    /// Signature requests and their signers.
    ReadSignatures,
    /// Send to signature, ask again, call back, go on by hand.
    ChangeSignatures,
    /// Photographs of serial plates and what was read.
    ReadCaptures,
    /// Have plates read, and decide about what was read.
    ChangeCaptures,
    /// Equipment and its record sheets.
    ReadAssets,
    /// Change what is known of equipment.
    ChangeAssets,
    /// Documents: how far into which container is in [`super::documents::reach`].
    ReadDocuments,
    /// Bring documents, into the containers of the role.
    BringDocuments,
    /// Agents and service providers.
    ReadDirectory,
    /// Keep the directory.
    ChangeDirectory,
    /// Accounts at outside services, and how contracts look.
    ReadConnections,
    /// Authorise accounts at outside services.
    ManageConnections,
    /// Conversations and messages, masked.
    ReadConversations,
    /// See a phone number, an address or a text unmasked.
    RevealPersonal,
    /// Deliveries, events and replays.
    ReadTraffic,
    /// See a raw body unmasked.
    RevealPayload,
    /// Start and cancel replays.
    Replay,
    /// Dead letters.
    ReadDeadLetters,
    /// Retry and close dead letters.
    SettleDeadLetters,
    /// Calls to providers.
    ReadEffects,
    /// Decide about a call in doubt.
    ResolveEffects,
    /// Connections' health.
    ReadHealth,
    /// The event catalogue.
    ReadCatalogue,
    /// Users, roles, API keys.
    ManageAccess,
    /// Who did what.
    ReadAudit,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 28] = [
        Self::ReadOrders,
        Self::ChangeOrders,
        Self::ReadClients,
        Self::ReadSignatures,
        Self::ChangeSignatures,
        Self::ReadCaptures,
        Self::ChangeCaptures,
        Self::ReadAssets,
        Self::ChangeAssets,
        Self::ReadDocuments,
        Self::BringDocuments,
        Self::ReadDirectory,
        Self::ChangeDirectory,
        Self::ReadConnections,
        Self::ManageConnections,
        Self::ReadConversations,
        Self::RevealPersonal,
        Self::ReadTraffic,
        Self::RevealPayload,
        Self::Replay,
        Self::ReadDeadLetters,
        Self::SettleDeadLetters,
        Self::ReadEffects,
        Self::ResolveEffects,
        Self::ReadHealth,
        Self::ReadCatalogue,
        Self::ManageAccess,
        Self::ReadAudit,
    ];
}

/// Whether the role has the right.
#[must_use]
pub fn may(role: Role, right: Right) -> bool {
    use Right as R;
    match role {
        Role::Admin => true,
        Role::Agent => matches!(
            right,
            R::ReadOrders
                | R::ChangeOrders
                | R::ReadClients
                | R::ReadSignatures
                | R::ChangeSignatures
                | R::ReadCaptures
                | R::ChangeCaptures
                | R::ReadAssets
                | R::ChangeAssets
                | R::ReadDocuments
                | R::BringDocuments
                | R::ReadDirectory
                | R::ChangeDirectory
                | R::ReadConversations
                | R::RevealPersonal
                | R::ReadEffects
                | R::ResolveEffects
                | R::ReadHealth
                | R::ReadCatalogue
        ),
        Role::Technician => matches!(
            right,
            R::ReadOrders
                | R::ReadCaptures
                | R::ChangeCaptures
                | R::ReadAssets
                | R::ChangeAssets
                | R::ReadDocuments
                | R::BringDocuments
                | R::ReadCatalogue
        ),
        Role::Finance => matches!(
            right,
            R::ReadOrders | R::ReadDocuments | R::ReadEffects | R::ReadCatalogue
        ),
        Role::Operator => matches!(
            right,
            R::ReadOrders
                | R::ReadSignatures
                | R::ReadCaptures
                | R::ReadAssets
                | R::ReadDocuments
                | R::ReadDirectory
                | R::ReadConnections
                | R::ReadConversations
                | R::ReadTraffic
                | R::Replay
                | R::ReadDeadLetters
                | R::SettleDeadLetters
                | R::ReadEffects
                | R::ResolveEffects
                | R::ReadHealth
                | R::ReadCatalogue
                | R::ReadAudit
        ),
        Role::Viewer => matches!(
            right,
            R::ReadOrders
                | R::ReadSignatures
                | R::ReadAssets
                | R::ReadDocuments
                | R::ReadDirectory
                | R::ReadConnections
                | R::ReadConversations
                | R::ReadTraffic
                | R::ReadDeadLetters
                | R::ReadEffects
                | R::ReadHealth
                | R::ReadCatalogue
                | R::ReadAudit
        ),
    }
}

/// A word that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("roles are admin, agent, technician, finance, operator and viewer")]
pub struct UnknownRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::Agent,
        Self::Technician,
        Self::Finance,
        Self::Operator,
        Self::Viewer,
    ];

    /// Its word in the database, in tokens and in the interface for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Agent => "agent",
            Self::Technician => "technician",
            Self::Finance => "finance",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or(UnknownRole)
    }
}
