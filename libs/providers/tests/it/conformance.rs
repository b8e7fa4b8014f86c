//! Registry × fixtures: what every adapter must do, whatever the provider.
//!
//! `PUENTE_BLESS=1` writes missing `.expected.json` files; read them before they are committed.

mod inbound;
pub(crate) mod ocr;
pub(crate) mod outbound;
pub(crate) mod signature;
mod summary;
pub(crate) mod task;
