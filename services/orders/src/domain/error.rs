//! Why something was refused, in words for people; and what a store may answer.

use crate::domain::state::{State, Transition};

/// Why an order did not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such way.
    #[error("`{transition}` is not possible in state {state}; possible now: {possible}")]
    Illegal {
        /// Where the order stands.
        state: State,
        /// What was asked for.
        transition: Transition,
        /// What could be asked for, as text.
        possible: String,
    },
    /// Documents cannot be signed for a price that nobody agreed to.
    #[error("the quotation must be approved before documents go to signature; the order is in state {0}")]
    QuotationNotApproved(State),
    /// Somebody will ask why.
    #[error("`{0}` needs a reason")]
    ReasonMissing(Transition),
    /// The reason is too long to be one.
    #[error("a reason has at most {0} characters")]
    ReasonTooLong(usize),
    /// An assignment that assigns nobody.
    #[error("name an agent, a service provider, or both")]
    NobodyAssigned,
    /// Nothing can happen to a finished order.
    #[error("the order is finished: {0}")]
    Finished(State),
}

/// Why a store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be used now; the work may be repeated.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored cannot be understood, or the other way round; repeating does not help.
    #[error("stored data is not valid: {0}")]
    Corrupt(String),
}
