//! Effects on a real database, against a provider that is scripted by the test.
#![expect(clippy::disallowed_methods, reason = "tests spawn freely: what they spawn ends with them")]

mod crashes;
mod outcomes;
mod quotas;
mod support;
