//! The use cases: a request becomes a delivery with its events; a stored one is translated and compared again.

mod app;
mod compare;
mod kept_headers;
mod mask;
mod match_events;
mod receive_webhook;

pub(crate) use app::App;
pub(crate) use compare::differing_fields;
#[cfg(test)]
pub(crate) use kept_headers::take_headers;
pub(crate) use mask::Proofs;
pub(crate) use match_events::{Again, Fate, Then, match_events};
#[cfg(test)]
pub(crate) use receive_webhook::StoredRequest;
pub(crate) use receive_webhook::{
    Candidates, Kept, Received, accept, accept_again, answer_handshake, refused,
};
