//! The capture of a serial plate, free of I/O: its states, what people's words mean for it, and what is said to them.

pub(crate) mod capture;
pub(crate) mod reading;
pub(crate) mod say;
pub(crate) mod serial;
pub(crate) mod state;
pub(crate) mod words;

#[cfg(test)]
mod capture_tests;
#[cfg(test)]
mod words_tests;
