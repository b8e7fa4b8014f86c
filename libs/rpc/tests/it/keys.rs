//! Reading keys.

use puente_rpc::{KeyError, RpcKeys};
use puente_types::Secret;

use crate::support::{ONE, TWO, keys};

#[test]
fn keys_that_are_short_missing_or_too_many_are_refused() {
    let read = |text: &str| RpcKeys::parse(&Secret::new(text)).map(|_| ()).unwrap_err();
    for text in ["", "short", "c2hvcnQ=", &format!("{ONE},"), &format!(",{ONE}")] {
        assert_eq!(read(text), KeyError::Form, "{text}");
    }
    assert_eq!(read(&format!("{ONE},{TWO},{ONE}")), KeyError::Count);
}

#[test]
fn keys_are_never_printed() {
    assert_eq!(format!("{:?}", keys(&format!("{ONE}, {TWO}"))), "RpcKeys(…)");
}
