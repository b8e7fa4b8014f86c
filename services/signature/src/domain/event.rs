//! What happened to a request.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::notice::NoticeState;
use crate::domain::problem::Tag;
use crate::domain::signer::{Role, SignerState};
use crate::domain::state::State;

/// One thing that happened, with the version that the request has after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) version: i64,
    pub(crate) what: Happened,
}

/// The kinds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// The request moved to another state.
    Moved {
        /// `None` at the beginning.
        before: Option<State>,
        after: State,
        reason: String,
        role: Option<Role>,
        manual: bool,
        /// Empty when no person did it.
        by: String,
        document: Option<Uuid>,
        at: OffsetDateTime,
    },
    /// A signer moved forward.
    Signer {
        role: Role,
        before: SignerState,
        after: SignerState,
        at: OffsetDateTime,
    },
    /// Somebody who had signed is told that another one refused, or cannot be.
    Notice {
        role: Role,
        state: NoticeState,
        /// Why they cannot be.
        code: String,
        /// Empty when no person did it.
        by: String,
        at: OffsetDateTime,
    },
    /// The envelope is with its provider.
    Sent { envelope_id: String, at: OffsetDateTime },
    /// Something stops it; `None`: no longer.
    Troubled {
        problem: Option<(String, Tag)>,
        since: OffsetDateTime,
    },
}
