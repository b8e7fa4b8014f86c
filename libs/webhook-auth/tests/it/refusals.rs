//! A request that differs in the least from what was signed is refused, and says why.

use puente_webhook_auth::{
    AuthError, Encoding, HmacScheme, SignedPart, TokenScheme, TokenSource, WebhookAuth, sign,
};

use crate::support::{NOW, check, check_at, request, secrets, timestamp_hmac};
use crate::vectors::{all, cloud_real, proxy};

#[test]
fn one_changed_byte_of_the_body_is_refused() {
    for vector in all() {
        let body = vector.body.as_bytes();
        for at in 0..body.len() {
            let mut changed = body.to_vec();
            changed[at] ^= 1;
            assert_eq!(
                vector.check_with(vector.signature, &changed),
                Err(AuthError::Mismatch),
                "byte {at}"
            );
        }
        assert_eq!(
            vector.check_with(vector.signature, &body[1..]),
            Err(AuthError::Mismatch)
        );
        assert_eq!(
            vector.check_with(vector.signature, &[body, b"\n"].concat()),
            Err(AuthError::Mismatch)
        );
    }
}

#[test]
fn one_changed_digit_of_the_signature_is_refused() {
    for vector in all() {
        let start = vector.signature.find('=').expect("a prefix") + 1;
        for at in start..vector.signature.len() {
            let mut changed = vector.signature.as_bytes().to_vec();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(
                vector.check_with(&changed, vector.body.as_bytes()),
                Err(AuthError::Mismatch),
                "digit {at}"
            );
        }
    }
}

#[test]
fn signatures_of_another_form_are_refused() {
    for vector in all() {
        let (prefix, digits) = vector.signature.split_once('=').expect("a prefix");
        let malformed = [
            digits.to_owned(),
            format!("sha1={digits}"),
            format!("{}={digits}", prefix.to_uppercase()),
            format!(" {prefix}={digits}"),
            format!("{prefix}={}", digits.to_uppercase()),
            format!("{prefix}={}", digits.get(..63).expect("64 digits")),
            format!("{prefix}={digits} "),
            format!("{prefix}= {digits}"),
            format!("{prefix}={prefix}={digits}"),
            format!("{prefix}={digits},{prefix}={digits}"),
            String::new(),
        ];
        for signature in malformed {
            assert_eq!(
                vector.check_with(&signature, vector.body.as_bytes()),
                Err(AuthError::Malformed),
                "`{signature}`"
            );
        }
        for signature in [
            format!("{prefix}={}", digits.get(..62).expect("64 digits")),
            format!("{prefix}={}", digits.get(..2).expect("64 digits")),
            format!("{prefix}={digits}00"),
            format!("{prefix}="),
        ] {
            assert_eq!(
                vector.check_with(&signature, vector.body.as_bytes()),
                Err(AuthError::Mismatch),
                "`{signature}`"
            );
        }
    }
}

#[test]
fn a_missing_or_repeated_signature_is_refused() {
    let vector = cloud_real();
    let secrets = secrets(&[("secret", vector.secret)]);
    let body = vector.body.as_bytes();
    assert_eq!(
        check(&vector.auth, request(&[], body), &secrets),
        Err(AuthError::Missing)
    );
    let twice = [
        (vector.header, vector.signature),
        (vector.header, vector.signature),
    ];
    assert_eq!(
        check(&vector.auth, request(&twice, body), &secrets),
        Err(AuthError::Missing)
    );
    let elsewhere = [("x-hub-signature", vector.signature)];
    assert_eq!(
        check(&vector.auth, request(&elsewhere, body), &secrets),
        Err(AuthError::Missing)
    );
}

#[test]
fn a_signature_under_another_or_no_secret_is_refused() {
    let vector = cloud_real();
    let signed = || request(&[(vector.header, vector.signature)], vector.body.as_bytes());
    assert_eq!(
        check(&vector.auth, signed(), &secrets(&[("secret", "another")])),
        Err(AuthError::Mismatch)
    );
    assert_eq!(
        check(&vector.auth, signed(), &secrets(&[])),
        Err(AuthError::NoSecret)
    );
    assert_eq!(
        check(&vector.auth, signed(), &secrets(&[("other", vector.secret)])),
        Err(AuthError::NoSecret)
    );
}

#[test]
fn an_empty_secret_protects_nothing_and_is_refused() {
    let empty = secrets(&[("secret", ""), ("secret_previous", "")]);
    let signature = sign(&puente_types::Secret::new(""), "sha256=", Encoding::Hex, &[b"x"]);
    let auth = cloud_real().auth;
    let signed = request(&[("x-hub-signature-256", &signature)], b"x");
    assert_eq!(check(&auth, signed, &empty), Err(AuthError::NoSecret));
    assert_eq!(
        check(&token(), request(&[("authorization", "Bearer ")], b"x"), &empty),
        Err(AuthError::NoSecret)
    );
}

#[test]
fn the_former_secret_is_accepted_during_a_rotation_only() {
    let vector = cloud_real();
    let signed = || request(&[(vector.header, vector.signature)], vector.body.as_bytes());
    let rotating = secrets(&[("secret", "the-new-one"), ("secret_previous", vector.secret)]);
    assert_eq!(check(&vector.auth, signed(), &rotating), Ok(()));
    let current = secrets(&[("secret", vector.secret), ("secret_previous", "the-old-one")]);
    assert_eq!(check(&vector.auth, signed(), &current), Ok(()));
    let rotated = secrets(&[("secret", "the-new-one")]);
    assert_eq!(check(&vector.auth, signed(), &rotated), Err(AuthError::Mismatch));
}

#[test]
fn a_signed_time_outside_the_tolerance_is_refused_either_way() {
    let vector = proxy();
    let secrets = secrets(&[("secret", vector.secret)]);
    let timestamp = NOW.to_string();
    let headers = [
        (vector.header, vector.signature),
        ("x-puente-timestamp", timestamp.as_str()),
    ];
    for (offset, expected) in [
        (0, Ok(())),
        (300, Ok(())),
        (-300, Ok(())),
        (301, Err(AuthError::Stale)),
        (-301, Err(AuthError::Stale)),
        (86_400 * 365, Err(AuthError::Stale)),
    ] {
        let got = check_at(
            &vector.auth,
            request(&headers, vector.body.as_bytes()),
            &secrets,
            offset,
        );
        assert_eq!(got, expected, "{offset} s");
    }
}

#[test]
fn a_time_that_was_not_signed_or_is_no_time_is_refused() {
    let vector = proxy();
    let secrets = secrets(&[("secret", vector.secret)]);
    let with = |times: &[&str]| {
        let mut headers = vec![(vector.header, vector.signature)];
        headers.extend(times.iter().map(|time| ("x-puente-timestamp", *time)));
        check(
            &timestamp_hmac(),
            request(&headers, vector.body.as_bytes()),
            &secrets,
        )
    };
    assert_eq!(with(&[]), Err(AuthError::Missing));
    let now = NOW.to_string();
    assert_eq!(with(&[&now, &now]), Err(AuthError::Missing));
    assert_eq!(with(&[&(NOW + 1).to_string()]), Err(AuthError::Mismatch));
    assert_eq!(with(&[&format!("+{now}")]), Err(AuthError::Mismatch));
    for malformed in [
        "",
        "now",
        "1776134278.0",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999",
    ] {
        assert_eq!(with(&[malformed]), Err(AuthError::Malformed), "{malformed}");
    }
}

#[test]
fn a_base64_signature_is_read_strictly() {
    let auth = WebhookAuth::Hmac(HmacScheme {
        header: "x-signature".into(),
        prefix: String::new(),
        encoding: Encoding::Base64,
        secret: "secret".into(),
        signed: SignedPart::Body,
    });
    let secrets = secrets(&[("secret", "s3cr3t")]);
    let right = sign(
        &puente_types::Secret::new("s3cr3t"),
        "",
        Encoding::Base64,
        &[b"body"],
    );
    let with = |signature: &str| check(&auth, request(&[("x-signature", signature)], b"body"), &secrets);
    assert_eq!(with(&right), Ok(()));
    assert_eq!(with(right.trim_end_matches('=')), Err(AuthError::Malformed));
    assert_eq!(with(&format!("{right}\t")), Err(AuthError::Malformed));
    assert_eq!(with(&format!("{right}AAAA")), Err(AuthError::Malformed));
}

fn token() -> WebhookAuth {
    WebhookAuth::SharedToken(TokenScheme {
        source: TokenSource::Header("authorization".into()),
        prefix: "Bearer ".into(),
        secret: "secret".into(),
    })
}

#[test]
fn a_token_must_be_the_whole_secret() {
    let secrets = secrets(&[("secret", "tok-123"), ("secret_previous", "tok-000")]);
    let with = |value: &str| check(&token(), request(&[("authorization", value)], b""), &secrets);
    assert_eq!(with("Bearer tok-123"), Ok(()));
    assert_eq!(with("Bearer tok-000"), Ok(()));
    for wrong in [
        "Bearer tok-12",
        "Bearer tok-1234",
        "Bearer TOK-123",
        "Bearer ",
        "Bearer  tok-123",
    ] {
        assert_eq!(with(wrong), Err(AuthError::Mismatch), "{wrong}");
    }
    for malformed in ["tok-123", "bearer tok-123", "Basic tok-123", ""] {
        assert_eq!(with(malformed), Err(AuthError::Malformed), "{malformed}");
    }
    assert_eq!(
        check(&token(), request(&[], b""), &secrets),
        Err(AuthError::Missing)
    );
}

#[test]
fn a_token_in_the_query_is_decoded_before_it_is_compared() {
    let auth = WebhookAuth::SharedToken(TokenScheme {
        source: TokenSource::Query("token".into()),
        prefix: String::new(),
        secret: "secret".into(),
    });
    let secrets = secrets(&[("secret", "a b/c")]);
    for (query, expected) in [
        ("x=1&token=a%20b%2Fc", Ok(())),
        ("token=a+b/c", Ok(())),
        ("token=a", Err(AuthError::Mismatch)),
        ("token=a%2", Err(AuthError::Missing)),
        ("nottoken=a%20b%2Fc", Err(AuthError::Missing)),
        ("", Err(AuthError::Missing)),
    ] {
        let mut request = request(&[], b"");
        request.query = query.into();
        assert_eq!(check(&auth, request, &secrets), expected, "{query}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this is its test")]
fn only_what_was_kept_as_verified_is_taken_back() {
    let kept = request(&[], b"{}");
    assert!(WebhookAuth::recall(kept.clone(), "verified").is_some());
    for word in ["refused", "", "Verified", "verified "] {
        assert!(WebhookAuth::recall(kept.clone(), word).is_none(), "{word}");
    }
}
