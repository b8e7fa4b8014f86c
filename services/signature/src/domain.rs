//! A request for signatures, free of I/O: its states, its signers, what it hears and what is done to it.

pub(crate) mod event;
pub(crate) mod notice;
pub(crate) mod problem;
pub(crate) mod report;
pub(crate) mod signature;
pub(crate) mod signer;
pub(crate) mod state;

#[cfg(test)]
mod hearing_tests;
#[cfg(test)]
mod signature_tests;
