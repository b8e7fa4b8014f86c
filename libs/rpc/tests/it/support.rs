//! Keys, a caller and a clock.

use std::sync::Arc;

use puente_rpc::{Caller, RpcKeys, Scope};
use puente_types::{ManualClock, Secret};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:00 UTC);
/// 32 bytes.
pub(crate) const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// 32 other bytes.
pub(crate) const TWO: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

pub(crate) fn keys(text: &str) -> RpcKeys {
    RpcKeys::parse(&Secret::new(text)).unwrap()
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOW))
}

pub(crate) fn caller() -> Caller {
    Caller {
        scope: Scope::Tenant("acme".parse().unwrap()),
        subject: "user-7".to_owned(),
        role: "agent".to_owned(),
    }
}
