//! Random tokens, and the hashes that are kept of them.
//!
//! A token has 256 random bits, so that a plain SHA-256 of it cannot be guessed back; passwords are hashed by
//! `passwords`.

use argon2::password_hash::rand_core::{OsRng, RngCore as _};
use sha2::{Digest as _, Sha256};

/// Bytes of a token.
const TOKEN: usize = 32;

/// A new token in hex, which needs no escaping anywhere.
pub(crate) fn token() -> String {
    let mut bytes = [0_u8; TOKEN];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// A short random name in hex: unique enough to find a key by, and no secret.
pub(crate) fn name() -> String {
    let mut bytes = [0_u8; 6];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// What is kept of a token.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
