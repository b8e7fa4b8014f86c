//! What systems do in different ways: who a process is, and a child that ends with its parent.
//!
//! The only place of this crate that asks which system it is on. Linux has `/proc` and parent-death signals; every
//! other Unix, macOS first, is asked through `ps` and gets a small watchdog. The second way works on Linux as well,
//! and is tested there.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Leash, spawn, started, works_in};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Leash, spawn, started, works_in};

/// The locale of clusters: order by code point, letters of every language. `C.UTF-8` is not everywhere; macOS always
/// has the other one. The order of `C.UTF-8` is that of `C`, which the server knows to be that of the bytes: to compare
/// two texts it asks the C library about the one, and not about the other.
pub(crate) const LOCALE: &[&str] = if cfg!(target_os = "linux") {
    &["--locale", "C.UTF-8", "--lc-collate", "C"]
} else {
    &["--locale", "C", "--lc-ctype", "en_US.UTF-8"]
};
