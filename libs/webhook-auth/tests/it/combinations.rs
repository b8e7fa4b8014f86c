//! `AnyOf`, `AllOf`, `Custom` and `Unsigned`.

use puente_webhook_auth::{AuthError, TokenScheme, TokenSource, WebhookAuth};

use crate::support::{NOW, body_hmac, check, request, secrets, timestamp_hmac};
use crate::vectors::cloud_real;

fn api_key() -> WebhookAuth {
    WebhookAuth::SharedToken(TokenScheme {
        source: TokenSource::Header("x-api-key".into()),
        prefix: String::new(),
        secret: "api_key".into(),
    })
}

fn both() -> Vec<WebhookAuth> {
    vec![body_hmac("x-hub-signature-256"), api_key()]
}

#[test]
fn any_of_takes_one_valid_proof_and_refuses_when_none_is() {
    let vector = cloud_real();
    let any = WebhookAuth::AnyOf(both());
    let secrets = secrets(&[("secret", vector.secret), ("api_key", "k")]);
    let with = |headers: &[(&str, &str)]| check(&any, request(headers, vector.body.as_bytes()), &secrets);
    assert_eq!(with(&[(vector.header, vector.signature)]), Ok(()));
    assert_eq!(with(&[("x-api-key", "k")]), Ok(()));
    assert_eq!(with(&[(vector.header, "sha256=00"), ("x-api-key", "k")]), Ok(()));
    assert_eq!(
        with(&[(vector.header, "sha256=00"), ("x-api-key", "wrong")]),
        Err(AuthError::Mismatch)
    );
    assert_eq!(with(&[]), Err(AuthError::Missing));
}

#[test]
fn any_of_skips_a_scheme_whose_secret_is_not_configured() {
    let vector = cloud_real();
    let any = WebhookAuth::AnyOf(both());
    let one = secrets(&[("secret", vector.secret)]);
    let body = vector.body.as_bytes();
    assert_eq!(
        check(&any, request(&[(vector.header, vector.signature)], body), &one),
        Ok(())
    );
    assert_eq!(
        check(&any, request(&[(vector.header, "sha256=00")], body), &one),
        Err(AuthError::Mismatch)
    );
    let none = secrets(&[]);
    assert_eq!(
        check(&any, request(&[("x-api-key", "")], body), &none),
        Err(AuthError::NoSecret)
    );
}

#[test]
fn any_of_tells_what_was_wrong_with_the_proof_that_came_whatever_the_order() {
    let secrets = secrets(&[("secret", "s"), ("api_key", "k")]);
    let old = (NOW - 3600).to_string();
    let time = ("x-puente-timestamp", old.as_str());
    let (mismatch, malformed, stale) = (
        ("x-hub-signature-256", "sha256=00"),
        ("x-hub-signature-256", "md5=00"),
        ("x-puente-signature", "v1=00"),
    );
    for (headers, told) in [
        (&[mismatch][..], AuthError::Mismatch),
        (&[malformed], AuthError::Malformed),
        (&[malformed, ("x-api-key", "wrong")], AuthError::Mismatch),
        (&[stale, time, mismatch], AuthError::Stale),
        (&[], AuthError::Missing),
    ] {
        let mut schemes = vec![body_hmac("x-hub-signature-256"), timestamp_hmac(), api_key()];
        for _ in 0..schemes.len() {
            schemes.rotate_left(1);
            let any = WebhookAuth::AnyOf(schemes.clone());
            assert_eq!(
                check(&any, request(headers, b"{}"), &secrets),
                Err(told),
                "{headers:?}"
            );
        }
    }
}

#[test]
fn all_of_needs_every_proof() {
    let vector = cloud_real();
    let all = WebhookAuth::AllOf(both());
    let both = secrets(&[("secret", vector.secret), ("api_key", "k")]);
    let body = vector.body.as_bytes();
    let with = |headers: &[(&str, &str)]| check(&all, request(headers, body), &both);
    assert_eq!(
        with(&[(vector.header, vector.signature), ("x-api-key", "k")]),
        Ok(())
    );
    assert_eq!(
        with(&[(vector.header, vector.signature)]),
        Err(AuthError::Missing)
    );
    assert_eq!(with(&[("x-api-key", "k")]), Err(AuthError::Missing));
    assert_eq!(
        with(&[(vector.header, vector.signature), ("x-api-key", "K")]),
        Err(AuthError::Mismatch)
    );
    // A secret that is not configured never weakens the whole.
    let one = secrets(&[("secret", vector.secret)]);
    let signed = request(&[(vector.header, vector.signature), ("x-api-key", "")], body);
    assert_eq!(check(&all, signed, &one), Err(AuthError::NoSecret));
}

#[test]
fn an_empty_combination_refuses_everything() {
    let secrets = secrets(&[("secret", "s")]);
    for empty in [
        WebhookAuth::AnyOf(vec![]),
        WebhookAuth::AllOf(vec![]),
        WebhookAuth::AnyOf(vec![WebhookAuth::AllOf(vec![]), WebhookAuth::AnyOf(vec![])]),
        WebhookAuth::AllOf(vec![WebhookAuth::AnyOf(vec![])]),
    ] {
        assert_eq!(
            check(&empty, request(&[], b""), &secrets),
            Err(AuthError::NoSecret),
            "{empty:?}"
        );
    }
}

#[test]
fn a_custom_rule_decides_alone_and_unsigned_is_stated_openly() {
    let custom = WebhookAuth::Custom(|request, _, _| {
        if request.header("x-ok") == Some("1") {
            Ok(())
        } else {
            Err(AuthError::Mismatch)
        }
    });
    assert_eq!(
        check(&custom, request(&[("x-ok", "1")], b""), &secrets(&[])),
        Ok(())
    );
    assert_eq!(
        check(&custom, request(&[], b""), &secrets(&[])),
        Err(AuthError::Mismatch)
    );
    let unsigned = WebhookAuth::Unsigned {
        reason: "the provider signs nothing",
    };
    assert_eq!(check(&unsigned, request(&[], b""), &secrets(&[])), Ok(()));
}
