//! A fleet with simulated providers for stories that cross it, in both shapes: all services in this process, or a
//! process per service that can be killed.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test harness: what fails here must fail the test"
)]
#![expect(
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "a test harness"
)]

mod connections;
mod office;
mod person;
mod plates;
mod processes;
mod stage;
mod threads;

use std::time::Duration;

pub use connections::{
    ALGESTA_NUMBER, ASANA, ASANA_PROJECT, ASANA_SECTIONS, AZURE_VISION, DOCUSIGN, DOCUSIGN_ACCOUNT,
    GOOGLE_VISION, JELOU_BOT, NORTE_NUMBER,
};
pub use office::{AGENT, Office, PROVIDER};
pub use person::{CONVERSATION, Person};
pub use plates::{Plates, plate};
pub use processes::{Processes, SERVICES};
pub use stage::{LINK_KEY, RPC_KEY, Stage, schemas};
pub use threads::InProcess;

/// The longest wait for anything; machines are slow when many tests run.
pub const PATIENCE: Duration = Duration::from_secs(60);
