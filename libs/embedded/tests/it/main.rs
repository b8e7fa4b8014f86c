//! Real servers, really crashed.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod nats;
mod postgres;

use std::path::Path;

use puente_embedded::Tools;

fn tools() -> Tools {
    Tools::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}
