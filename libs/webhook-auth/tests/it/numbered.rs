//! Several signatures in numbered headers, one per key of the provider.

use puente_types::{Secret, Secrets};
use puente_webhook_auth::{AuthError, Encoding, NumberedHmac, WebhookAuth, sign};

use crate::support::{check, request, secrets};

const BODY: &[u8] = b"{\"event\":\"envelope-sent\"}";

fn auth() -> WebhookAuth {
    WebhookAuth::NumberedHmac(NumberedHmac {
        header: "x-signature-".into(),
        most: 3,
        encoding: Encoding::Base64,
        secret: "key".into(),
    })
}

fn signed(key: &str) -> String {
    sign(&Secret::new(key), "", Encoding::Base64, &[BODY])
}

fn found(headers: &[(&str, &str)], own: &Secrets) -> Result<(), AuthError> {
    check(&auth(), request(headers, BODY), own)
}

#[test]
fn any_header_that_fits_any_key_lets_a_request_in() {
    let (one, two) = (signed("one"), signed("two"));
    let both = [("X-Signature-1", one.as_str()), ("X-Signature-2", two.as_str())];
    assert_eq!(found(&both, &secrets(&[("key", "one")])), Ok(()));
    assert_eq!(found(&both, &secrets(&[("key", "two")])), Ok(()));
    let rotating = secrets(&[("key", "three"), ("key_previous", "two")]);
    assert_eq!(found(&both, &rotating), Ok(()));
    assert_eq!(
        found(&both, &secrets(&[("key", "three")])),
        Err(AuthError::Mismatch)
    );
    // A gap in the numbers, and a header that is no signature, harm nobody.
    let gap = [("x-signature-1", "nothing!"), ("x-signature-3", two.as_str())];
    assert_eq!(found(&gap, &secrets(&[("key", "two")])), Ok(()));
}

#[test]
fn what_is_refused_says_why() {
    let good = signed("one");
    let own = secrets(&[("key", "one")]);
    assert_eq!(found(&[], &own), Err(AuthError::Missing));
    assert_eq!(
        found(&[("x-signature", good.as_str())], &own),
        Err(AuthError::Missing)
    );
    assert_eq!(
        found(&[("x-signature-4", good.as_str())], &own),
        Err(AuthError::Missing),
        "beyond the last"
    );
    assert_eq!(
        found(&[("x-signature-1", "nothing!")], &own),
        Err(AuthError::Malformed)
    );
    assert_eq!(
        found(&[("x-signature-1", "YWJj")], &own),
        Err(AuthError::Mismatch),
        "a hash has 32 bytes"
    );
    let twice = [("x-signature-1", good.as_str()), ("x-signature-1", good.as_str())];
    assert_eq!(
        found(&twice, &own),
        Err(AuthError::Missing),
        "a header that stands twice counts as none"
    );
    let empty = signed("");
    assert_eq!(
        found(&[("x-signature-1", empty.as_str())], &secrets(&[("key", "")])),
        Err(AuthError::NoSecret)
    );
}
