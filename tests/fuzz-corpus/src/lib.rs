//! One function per parser of bytes that come from outside, with what must hold for every input.
//!
//! The targets in `fuzz/` feed them from a fuzzer; the tests of this crate feed them every file of `fuzz/corpus/`,
//! so that what a fuzzer once found stays found, on a stable compiler and in every build. They panic when a promise
//! is broken: that is how a fuzzer learns of it.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken promise must end the run"
)]

mod bus;
mod files;
mod pictures;
mod values;
mod webhooks;

/// A parser under test: takes any bytes, returns unless a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its corpus folder and of its file in `fuzz/fuzz_targets`.
pub const TARGETS: &[(&str, Target)] = &[
    ("connections_file", files::connections),
    ("envelope", bus::envelope),
    ("nit", values::nit),
    ("ocr_answer", pictures::answer),
    ("phone", values::phone),
    ("picture", pictures::picture),
    ("query", webhooks::query),
    ("signature", webhooks::signature),
    ("skills_file", files::skills),
    ("webhook_translate", webhooks::translate),
];

/// Runs one target.
///
/// # Panics
/// When there is no such target, or the input breaks a promise.
pub fn run(target: &str, bytes: &[u8]) {
    let (_, check) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .unwrap_or_else(|| panic!("no target `{target}`"));
    check(bytes);
}
