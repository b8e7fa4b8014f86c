//! What a delivery is, and how it can end. Free of transport and storage.

mod delivery;
mod filter;
pub(crate) mod moment;
mod refusal;
mod replay;

pub(crate) use delivery::{Outcome, ReceiptClock};
pub(crate) use filter::DeliveryFilter;
pub(crate) use refusal::Refusal;
pub(crate) use replay::{Counts, Difference, MAX_DIFFERENCES};
