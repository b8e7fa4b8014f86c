//! What every handler is given.

use std::sync::Arc;

use puente_blob::Blobs;
use puente_service::Readers;
use puente_types::Clock;
use sqlx::PgPool;

use crate::auth::limits::Limits;
use crate::auth::passwords::Passwords;
use crate::console::Console;
use crate::peers::Peers;
use crate::web::places::Places;

/// What every handler is given; clones are the same.
#[derive(Clone)]
pub(crate) struct App {
    /// The services that are asked.
    pub(crate) peers: Peers,
    /// The gateway's own tables, as `gateway_worker`: log-in happens before a tenant is known.
    pub(crate) pool: PgPool,
    /// The audit trail, held to the reader's tenant by the database.
    pub(crate) readers: Readers,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Passwords.
    pub(crate) passwords: Passwords,
    /// How often one may ask.
    pub(crate) limits: Arc<Limits>,
    /// Requests a minute of one session.
    pub(crate) session_per_minute: std::num::NonZeroU32,
    /// Whether people come by HTTPS: cookies are `Secure`, and HSTS is sent.
    pub(crate) secure: bool,
    /// Documents as bytes; `None` when nothing signs links.
    pub(crate) blobs: Option<Blobs>,
    /// Where people reach us, without a slash at its end.
    pub(crate) public_url: String,
    /// Places for files in memory.
    pub(crate) places: Places,
    /// What all pages share.
    pub(crate) console: Console,
}
