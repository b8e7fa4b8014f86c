//! The one use case: a request becomes a delivery with its events.

mod app;
mod receive_webhook;

pub use app::App;
pub use receive_webhook::{Candidates, Received, StoredRequest, accept, answer_handshake, refused};
