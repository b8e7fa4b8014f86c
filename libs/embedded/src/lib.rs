//! Private PostgreSQL and NATS servers as child processes: the default of `puente up`, and what tests run on.
//!
//! A server lives in a folder of its own, listens on loopback only, and ends with the process that started it,
//! however that ends. A second start on the same folder is told who runs there; a start after a crash cleans
//! up what the crash left. PostgreSQL refuses to run as root, so under root it is given to `nobody`, directly
//! or, where paths forbid it, in a user namespace. Nothing is ever downloaded here; see [`Tools`].

mod account;
mod cluster;
mod error;
mod nats;
mod platform;
mod ports;
mod postgres;
mod process;
mod state;
mod tools;
mod version;

pub use error::ServerError;
pub use nats::{Nats, NatsOptions};
pub use ports::free_port;
pub use postgres::{Login, PgOptions, Postgres};
pub use state::Running;
pub use tools::Tools;
