//! Why something was refused, in words for people; and what a store may answer.

use crate::domain::directory::Kind;
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
    /// It is not for people to say what became of signatures.
    #[error("`{0}` comes from the signers, not from a person")]
    ComesFromSigners(Transition),
    /// Documents go to signature with the people who sign them, by a command of its own.
    #[error("documents go to signature together with those who sign them")]
    NobodySigns,
    /// Somebody cannot sign yet. Names all fields, as `agent.email`.
    #[error("the documents cannot go to signature; missing: {0}")]
    PartiesMissing(String),
    /// A contract with oneself.
    #[error("client and service provider have the same e-mail address: one person would sign for both")]
    OneSignsForBoth,
    /// A price where none belongs.
    #[error("a price goes with `send_quotation` only, not with `{0}`")]
    PriceMisplaced(Transition),
    /// An order is given to people who can take it.
    #[error("`{id}` cannot be the {} of an order: {why}", kind.name())]
    Unfit {
        /// In which place.
        kind: Kind,
        /// Who.
        id: String,
        /// Why not.
        why: &'static str,
    },
    /// Nobody is sent to work without valid papers.
    #[error("`{id}` cannot be given orders: papers are over: {papers}")]
    PapersExpired {
        /// The service provider.
        id: String,
        /// Which papers, and since when.
        papers: String,
    },
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
