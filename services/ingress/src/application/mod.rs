//! The one use case: a request becomes a delivery with its events.

mod app;
mod receive_webhook;

pub(crate) use app::App;
pub(crate) use receive_webhook::{Candidates, Received, accept, answer_handshake, refused};
