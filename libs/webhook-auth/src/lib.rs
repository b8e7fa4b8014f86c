//! Proof that a webhook comes from who it claims.
//!
//! An adapter states *how* requests are authenticated ([`WebhookAuth`], no default); [`WebhookAuth::verify`] is the
//! only way to obtain a [`Verified`] ([`WebhookAuth::recall`] takes one back that was kept with its result), and only
//! a `Verified` can be translated into events. Every comparison is
//! constant-time, every check runs over the raw bytes as received, and attacker text is never indexed.

mod raw;
mod scheme;
mod verified;

pub use raw::RawRequest;
pub use scheme::{
    AuthError, Encoding, HmacScheme, NumberedHmac, SignedPart, TimestampRule, TokenScheme, TokenSource,
    WebhookAuth, secret_eq, sign,
};
pub use verified::Verified;
