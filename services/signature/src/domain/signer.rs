//! A signer, and how far they have come: forward only.

use std::str::FromStr;

use time::OffsetDateTime;

use crate::domain::notice::Notice;
use crate::domain::state::UnknownWord;

/// In what part somebody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Who asked for the service.
    Client,
    /// Who does it.
    ServiceProvider,
    /// Who coordinates it.
    Agent,
}

/// How far a signer has come, in rising order. `Signed` and `Declined` are both an end: the first one told stays. Who
/// failed may still come round, once a wrong address was mended or they could prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignerState {
    /// Not asked yet.
    Waiting,
    /// Asked.
    Sent,
    /// Has opened it.
    Delivered,
    /// Cannot be reached, or could not prove who they are.
    Failed,
    /// Has signed.
    Signed,
    /// Has refused.
    Declined,
}

/// A signer of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signer {
    pub(crate) role: Role,
    pub(crate) state: SignerState,
    /// Why they refused, in their words.
    pub(crate) reason: String,
    pub(crate) sent_at: Option<OffsetDateTime>,
    pub(crate) delivered_at: Option<OffsetDateTime>,
    pub(crate) ended_at: Option<OffsetDateTime>,
    /// Whether they were told that another one refused.
    pub(crate) notice: Notice,
}

impl Role {
    /// All, in the order in which the contract names them.
    pub(crate) const ALL: [Self; 3] = [Self::Client, Self::ServiceProvider, Self::Agent];

    /// As stored, and as events name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ServiceProvider => "service_provider",
            Self::Agent => "agent",
        }
    }

    /// The id at the provider, which is also the place in the contract.
    pub(crate) const fn recipient_id(self) -> &'static str {
        match self {
            Self::Client => "1",
            Self::ServiceProvider => "2",
            Self::Agent => "3",
        }
    }

    /// Who has this id at the provider.
    pub(crate) fn of_recipient(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.recipient_id() == id)
    }
}

impl SignerState {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Signed,
        Self::Declined,
    ];

    const fn rank(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Sent => 1,
            Self::Delivered => 2,
            Self::Failed => 3,
            Self::Signed | Self::Declined => 4,
        }
    }

    /// As stored, and as events name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Signed => "signed",
            Self::Declined => "declined",
        }
    }

    /// How people read it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "En espera",
            Self::Sent => "Enviado",
            Self::Delivered => "Abierto",
            Self::Failed => "No se pudo contactar",
            Self::Signed => "Firmó",
            Self::Declined => "Rechazó",
        }
    }

    /// What stands beside the words.
    pub(crate) const fn colour(self) -> &'static str {
        match self {
            Self::Waiting => "grey",
            Self::Sent | Self::Delivered => "blue",
            Self::Signed => "green",
            Self::Failed | Self::Declined => "red",
        }
    }
}

impl Signer {
    /// Somebody who has not been asked.
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            state: SignerState::Waiting,
            reason: String::new(),
            sent_at: None,
            delivered_at: None,
            ended_at: None,
            notice: Notice::default(),
        }
    }

    /// Takes in what was told. The state before, if it rose. Times are the earliest that anybody told: reports that come
    /// late or twice change nothing that a timely one did not.
    pub(crate) fn hear(
        &mut self,
        state: SignerState,
        reason: &str,
        at: Option<OffsetDateTime>,
    ) -> Option<SignerState> {
        let place = match state {
            SignerState::Sent => Some(&mut self.sent_at),
            SignerState::Delivered => Some(&mut self.delivered_at),
            // Of the two ends only the one that stays has a time.
            SignerState::Signed | SignerState::Declined
                if self.state.rank() < state.rank() || self.state == state =>
            {
                Some(&mut self.ended_at)
            }
            _ => None,
        };
        if let (Some(place), Some(at)) = (place, at) {
            *place = Some(place.map_or(at, |known| known.min(at)));
        }
        let before = self.state;
        let rises = state.rank() > before.rank();
        if rises {
            self.state = state;
        }
        if self.state == state && self.reason.is_empty() && state == SignerState::Declined {
            reason.clone_into(&mut self.reason);
        }
        rises.then_some(before)
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

impl FromStr for SignerState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}
