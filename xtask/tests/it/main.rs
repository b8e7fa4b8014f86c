//! What the kitchen promises: rules that catch, documents that are right, a provider that is one folder and one line.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod buf_baseline;
mod docs;
mod layers;
mod new_provider;
mod secrets;
