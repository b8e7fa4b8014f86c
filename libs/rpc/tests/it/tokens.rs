//! What makes a token good.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use puente_rpc::token::{sign, verify};
use puente_rpc::{Caller, Denied, Scope};

use crate::support::{NOW, ONE, TWO, caller, keys};

fn token() -> String {
    sign(&keys(ONE), "orders", &caller(), NOW).unwrap()
}

#[test]
fn a_token_tells_the_service_it_is_for_who_asks() {
    assert_eq!(verify(&keys(ONE), "orders", &token(), NOW), Ok(caller()));
}

#[test]
fn a_token_ends_after_half_a_minute() {
    let at = |seconds| verify(&keys(ONE), "orders", &token(), NOW + Duration::from_secs(seconds));
    assert_eq!(at(29), Ok(caller()));
    assert_eq!(at(30), Err(Denied::Time));
    assert_eq!(at(3600), Err(Denied::Time));
}

#[test]
fn clocks_may_differ_a_little_but_no_token_lasts_longer_than_a_minute() {
    let early = |seconds| verify(&keys(ONE), "orders", &token(), NOW - Duration::from_secs(seconds));
    assert_eq!(early(30), Ok(caller()));
    assert_eq!(early(31), Err(Denied::Time));
}

#[test]
fn a_token_for_another_service_is_refused() {
    assert_eq!(
        verify(&keys(ONE), "notifications", &token(), NOW),
        Err(Denied::Audience)
    );
}

#[test]
fn a_token_by_another_key_is_refused() {
    assert_eq!(
        verify(&keys(TWO), "orders", &token(), NOW),
        Err(Denied::Signature)
    );
}

#[test]
fn during_a_rotation_both_keys_are_believed_and_the_first_one_signs() {
    let both = keys(&format!("{TWO}, {ONE}"));
    assert_eq!(verify(&both, "orders", &token(), NOW), Ok(caller()));
    let new = sign(&both, "orders", &caller(), NOW).unwrap();
    assert_eq!(verify(&keys(TWO), "orders", &new, NOW), Ok(caller()));
    assert_eq!(verify(&keys(ONE), "orders", &new, NOW), Err(Denied::Signature));
}

#[test]
fn another_tenant_written_into_a_token_is_refused() {
    let token = token();
    let parts: Vec<&str> = token.split('.').collect();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert!(claims.contains("acme"), "{claims}");
    let forged = URL_SAFE_NO_PAD.encode(claims.replace("acme", "norte"));
    let forged = format!("{}.{forged}.{}", parts[0], parts[2]);
    assert_eq!(verify(&keys(ONE), "orders", &forged, NOW), Err(Denied::Signature));
}

#[test]
fn no_byte_of_a_token_can_be_changed_or_left_out() {
    let token = token();
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&keys(ONE), "orders", &changed, NOW).is_err(), "{at}");
        assert!(
            verify(&keys(ONE), "orders", token.get(..at).unwrap(), NOW).is_err(),
            "{at}"
        );
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let version = token().replacen("p1.", "p2.", 1);
    for text in [
        "",
        ".",
        "..",
        "p1",
        "p1..",
        "p1.e30.",
        &version,
        &"a.".repeat(5000),
    ] {
        assert!(verify(&keys(ONE), "orders", text, NOW).is_err(), "{text}");
    }
}

#[test]
fn a_token_of_the_installation_names_no_tenant_and_a_scope_of_another_form_is_none() {
    let caller = Caller {
        scope: Scope::Installation,
        ..caller()
    };
    let token = sign(&keys(ONE), "orders", &caller, NOW).unwrap();
    let read = verify(&keys(ONE), "orders", &token, NOW).unwrap();
    assert_eq!(read, caller);
    assert!(read.tenant().is_err());
    for text in [
        "",
        "acme",
        "tenant:",
        "tenant:A B",
        "Installation",
        "tenant:acme ",
    ] {
        assert!(text.parse::<Scope>().is_err(), "{text}");
    }
}

#[test]
fn a_caller_without_a_name_or_with_an_endless_one_gets_no_token() {
    for subject in [String::new(), "x".repeat(129)] {
        let caller = Caller { subject, ..caller() };
        assert!(sign(&keys(ONE), "orders", &caller, NOW).is_err());
    }
    let longest = Caller {
        subject: "x".repeat(128),
        role: "\"".repeat(128),
        ..caller()
    };
    let token = sign(&keys(ONE), "orders", &longest, NOW).unwrap();
    assert_eq!(verify(&keys(ONE), "orders", &token, NOW), Ok(longest));
}
