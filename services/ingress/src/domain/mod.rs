//! What a delivery is, and how it can end. Free of transport and storage.

mod delivery;
mod refusal;

pub(crate) use delivery::{Outcome, ReceiptClock};
pub(crate) use refusal::Refusal;
