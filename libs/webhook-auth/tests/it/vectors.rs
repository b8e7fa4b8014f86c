//! Signatures computed by others: published by vendors or libraries, or worked out from the documented rule.

use hmac::{Hmac, KeyInit as _, Mac as _};
use puente_webhook_auth::{AuthError, Encoding, WebhookAuth, sign};
use sha2::Sha256;

use crate::support::{NOW, body_hmac, check, request, secrets, timestamp_hmac};

pub(crate) struct Vector {
    pub(crate) auth: WebhookAuth,
    pub(crate) header: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) body: &'static str,
    pub(crate) signature: &'static str,
}

/// A WhatsApp Cloud body with a real signature (a test account whose secret was published and reset).
pub(crate) fn cloud_real() -> Vector {
    Vector {
        auth: body_hmac("X-Hub-Signature-256"),
        header: "X-Hub-Signature-256",
        secret: "1222e786b144d0e85b9f365372d93676",
        body: r#"{"object":"whatsapp_business_account","entry":[{"id":"264937493375603","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550953877","phone_number_id":"277321005464405"},"contacts":[{"profile":{"name":"PyWa Tests"},"wa_id":"972544401243"}],"messages":[{"from":"972544401243","id":"wamid.HBgMOTcyNTQ0NDAxMjQzFQIAEhggM0RFQTNCMEEwRTY3QzUwODYzMDc4NjQ4QzM4ODAxM0YA","timestamp":"1730231903","text":{"body":"Hey there! I am using PyWa."},"type":"text"}]},"field":"messages"}]}]}"#,
        signature: "sha256=54edfa1d7259e0eb13c677cc7d73d1b5c86cfa12433d19156e058ab9251bc441",
    }
}

/// The smallest vector of a library's documentation.
fn cloud_small() -> Vector {
    Vector {
        secret: "secret",
        body: "test",
        signature: "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914",
        ..cloud_real()
    }
}

/// A body whose non-ASCII letters are escapes.
fn cloud_escapes() -> Vector {
    Vector {
        secret: "puente-app-secret",
        body: r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"messages":[{"text":{"body":"Instalaci\u00f3n \ud83d\udee0"}}]},"field":"messages"}]}]}"#,
        signature: "sha256=436fabbbee422d39b60c9752825c9b286ca68ec189cbf158fb3fbd669e4ce88c",
        ..cloud_real()
    }
}

fn jelou_channel() -> Vector {
    Vector {
        auth: body_hmac("X-Jelou-Signature"),
        header: "X-Jelou-Signature",
        secret: "jelou-signing-secret-example",
        body: r#"{"event":"message","botId":"bot-1","userId":"593987654321","message":{"messageId":"msg-1","type":"TEXT","text":"Hola, ¿en qué puedo ayudarte?"}}"#,
        signature: "sha256=fdbe617834144346b7db353e999ac23dbb35a47c39de4f6fc67e68b07d5336b0",
    }
}

/// A secret that looks like hexadecimal and is used as text all the same.
fn jelou_support() -> Vector {
    Vector {
        secret: "9f86d081884c7d659a2feaa0c55ad015",
        body: r#"{"field":"messages","object":"message_event","event_type":"message","timestamp":1776134278574,"project_id":"p1","room_id":"r1","contact":{"id":"593987654321","name":"Ana"},"conversation":{"id":"c1"},"bot":{"id":"b1","name":"Soporte"},"value":{"id":"MESSAGE_ID","type":"text","content":{"body":"Hola"}}}"#,
        signature: "sha256=d3cc1cb9520de4b18706239207113e0942ea8c748f11429870389ca1189195c9",
        ..jelou_channel()
    }
}

/// Puente's own scheme for families that a proxy of ours signs.
pub(crate) fn proxy() -> Vector {
    Vector {
        auth: timestamp_hmac(),
        header: "x-puente-signature",
        secret: "puente-proxy-secret",
        body: r#"{"ok":true}"#,
        signature: "v1=fd7855383953938bcaab633d897dd8ebdd1d61e7f5a26fcc6a859928f8b47388",
    }
}

pub(crate) fn all() -> Vec<Vector> {
    vec![
        cloud_real(),
        cloud_small(),
        cloud_escapes(),
        jelou_channel(),
        jelou_support(),
        proxy(),
    ]
}

impl Vector {
    /// Checks the vector with another signature text and body; the timestamp is right.
    pub(crate) fn check_with(&self, signature: &str, body: &[u8]) -> Result<(), AuthError> {
        let timestamp = NOW.to_string();
        let headers = [
            (self.header, signature),
            ("x-puente-timestamp", timestamp.as_str()),
        ];
        check(
            &self.auth,
            request(&headers, body),
            &secrets(&[("secret", self.secret)]),
        )
    }
}

#[test]
fn known_signatures_are_accepted() {
    for vector in all() {
        assert_eq!(
            vector.check_with(vector.signature, vector.body.as_bytes()),
            Ok(()),
            "{}",
            vector.body
        );
    }
    assert_eq!(cloud_real().body.len(), 511);
    assert_eq!(cloud_escapes().body.len(), 165);
    assert_eq!(jelou_channel().body.len(), 146);
}

#[test]
fn our_own_signing_gives_the_known_signatures() {
    for vector in all() {
        let key = puente_types::Secret::new(vector.secret);
        let (prefix, _) = vector.signature.split_once('=').expect("a prefix");
        let timestamp = format!("{NOW}.");
        let mut parts: Vec<&[u8]> = vec![vector.body.as_bytes()];
        if prefix == "v1" {
            parts.insert(0, timestamp.as_bytes());
        }
        assert_eq!(
            sign(&key, &format!("{prefix}="), Encoding::Hex, &parts),
            vector.signature
        );
    }
}

#[test]
fn a_body_written_anew_with_raw_letters_is_refused() {
    let vector = cloud_escapes();
    let raw = vector.body.replace(r"\u00f3", "ó").replace(r"\ud83d\udee0", "🛠");
    assert_eq!(
        vector.check_with(vector.signature, raw.as_bytes()),
        Err(AuthError::Mismatch)
    );
    let key = puente_types::Secret::new(vector.secret);
    let other = sign(&key, "sha256=", Encoding::Hex, &[raw.as_bytes()]);
    assert!(
        other.starts_with("sha256=89487649") && other.ends_with("01a0"),
        "{other}"
    );
}

#[test]
fn a_secret_that_looks_like_hex_is_used_as_text() {
    let vector = jelou_support();
    let decoded = hex::decode(vector.secret).expect("it looks like hex");
    let mut mac = Hmac::<Sha256>::new_from_slice(&decoded).expect("a key of any length");
    mac.update(vector.body.as_bytes());
    let wrong = hex::encode(mac.finalize().into_bytes());
    assert!(wrong.starts_with("9c85e021e272448d"), "{wrong}");
    assert_eq!(
        vector.check_with(&format!("sha256={wrong}"), vector.body.as_bytes()),
        Err(AuthError::Mismatch)
    );
}
