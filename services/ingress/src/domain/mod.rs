//! What a delivery is, and how it can end. Free of transport and storage.

mod delivery;
mod refusal;

pub use delivery::{Outcome, ReceiptClock};
pub use refusal::Refusal;
