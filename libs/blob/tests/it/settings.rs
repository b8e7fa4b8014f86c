//! What may be configured, and what is refused.

use std::sync::Arc;

use puente_blob::{Blobs, DEFAULTS, Links, OpenError, StorageKind, StorageSettings};
use puente_types::{Secret, SystemClock};

use crate::support::{KEY, azure_settings, local_settings};

fn refused(settings: &StorageSettings) -> OpenError {
    Blobs::open(settings, Arc::new(SystemClock)).unwrap_err()
}

fn azure() -> StorageSettings {
    StorageSettings {
        account: "puentestore".to_owned(),
        endpoint: String::new(),
        insecure_http: false,
        ..azure_settings("")
    }
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    #[derive(serde::Deserialize)]
    struct Config {
        storage: StorageSettings,
    }
    let written: Config = toml::from_str(DEFAULTS).unwrap();
    let built = StorageSettings::default();
    assert_eq!(format!("{:?}", written.storage), format!("{built:?}"));
    let empty: StorageSettings = toml::from_str("").unwrap();
    assert_eq!(format!("{empty:?}"), format!("{built:?}"));
    assert!(toml::from_str::<StorageSettings>("foldre = \"x\"").is_err());
}

#[test]
fn downloads_go_by_the_gateway_which_audits_them_unless_an_operator_chooses_otherwise() {
    assert_eq!(StorageSettings::default().links, Links::Gateway);
}

#[test]
fn a_store_without_a_key_for_links_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |key: Option<&str>| StorageSettings {
        link_key: key.map(Secret::new),
        ..local_settings(&folder)
    };
    assert!(matches!(refused(&settings(None)), OpenError::Missing("link_key")));
    let three = [KEY, KEY, KEY].join(",");
    for bad in ["short", "AAEC", &format!("{KEY},"), &three] {
        let error = refused(&settings(Some(bad)));
        assert!(
            matches!(error, OpenError::Invalid { key: "link_key", .. }),
            "{bad}: {error:?}"
        );
        assert!(!error.to_string().contains(bad), "{error}");
    }
}

#[test]
fn plain_http_is_for_this_machine_and_azurite_alone() {
    let folder = tempfile::tempdir().unwrap();
    let public = |url: &str| StorageSettings {
        public_url: url.to_owned(),
        ..local_settings(&folder)
    };
    assert!(matches!(
        refused(&public("http://puente.example")),
        OpenError::Insecure("public_url")
    ));
    for bad in ["", "puente.example", "ftp://x", "https://u:p@x", "https://x?y"] {
        assert!(
            matches!(refused(&public(bad)), OpenError::Invalid { .. }),
            "{bad}"
        );
    }
    for good in [
        "https://puente.example",
        "http://127.0.0.1:8080",
        "http://localhost:1",
        "http://[::1]:1",
    ] {
        assert!(
            Blobs::open(&public(good), Arc::new(SystemClock)).is_ok(),
            "{good}"
        );
    }

    let endpoint = |endpoint: &str, insecure_http: bool| StorageSettings {
        endpoint: endpoint.to_owned(),
        insecure_http,
        ..azure()
    };
    for (address, insecure) in [
        ("http://puentestore.blob.core.windows.net", false),
        ("http://puentestore.blob.core.windows.net", true),
        ("http://127.0.0.1:10000/puentestore", false),
    ] {
        let error = refused(&endpoint(address, insecure));
        assert!(
            matches!(error, OpenError::Insecure("endpoint")),
            "{address}: {error:?}"
        );
    }
    for address in ["https://puentestore.blob.core.windows.net", ""] {
        let error = refused(&endpoint(address, true));
        let expected = "insecure_http";
        assert!(
            matches!(error, OpenError::Invalid { key, .. } if key == expected),
            "{address}: {error:?}"
        );
    }
    assert!(Blobs::open(&azure(), Arc::new(SystemClock)).is_ok());
}

#[test]
fn an_account_key_or_prefix_that_is_none_is_refused_before_any_call() {
    for (settings, key) in [
        (
            StorageSettings {
                account: "Puente_Store".to_owned(),
                ..azure()
            },
            "account",
        ),
        (
            StorageSettings {
                prefix: "Acme-".to_owned(),
                ..azure()
            },
            "prefix",
        ),
        (
            StorageSettings {
                prefix: "../".to_owned(),
                ..azure()
            },
            "prefix",
        ),
    ] {
        let error = refused(&settings);
        assert!(
            matches!(error, OpenError::Invalid { key: found, .. } if found == key),
            "{error:?}"
        );
    }
    let nobody = StorageSettings {
        account: String::new(),
        ..azure()
    };
    assert!(matches!(refused(&nobody), OpenError::Missing("account")));
    let unreadable = StorageSettings {
        account_key: Some(Secret::new("not base64 at all")),
        ..azure()
    };
    let error = refused(&unreadable);
    assert!(!format!("{error:?} {error}").contains("not base64"), "{error:?}");
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_program_without_s3_says_so() {
    let settings = StorageSettings {
        kind: StorageKind::S3,
        links: Links::Gateway,
        ..azure()
    };
    assert!(matches!(refused(&settings), OpenError::NotBuilt("S3")));
}

#[cfg(feature = "s3")]
#[test]
fn s3_needs_tls_or_this_machine() {
    let settings = |endpoint: &str, insecure_http| StorageSettings {
        kind: StorageKind::S3,
        links: Links::Gateway,
        identity_client: "AKIDEXAMPLE".to_owned(),
        identity_secret: Some(Secret::new("secret")),
        endpoint: endpoint.to_owned(),
        insecure_http,
        ..azure()
    };
    for (endpoint, insecure) in [
        ("http://s3.example", false),
        ("http://s3.example", true),
        ("http://127.0.0.1:9000", false),
    ] {
        assert!(matches!(
            refused(&settings(endpoint, insecure)),
            OpenError::Insecure("endpoint")
        ));
    }
    for (endpoint, insecure) in [
        ("", false),
        ("https://s3.example", false),
        ("http://127.0.0.1:9000", true),
    ] {
        let opened = Blobs::open(&settings(endpoint, insecure), Arc::new(SystemClock));
        assert!(opened.is_ok(), "{endpoint}: {opened:?}");
    }
}
