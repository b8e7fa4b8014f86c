//! Shared access signatures of Azure Blob Storage: links that the store itself answers. Pure.
//!
//! Our own, because the client library signs without `spr` (so that a link would work over plain HTTP, too), signs the
//! escaped name of a blob instead of the name, and knows neither create-only links nor names to save under. Checked
//! against the outputs of the vendor's own libraries.
//!
//! What is signed is one field a line, in an order that depends on the version of the interface; the names in the query
//! are `sv`, `sp` … as the vendor has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use zeroize::Zeroizing;

use crate::link::signature;

/// The version that we sign: the one that the client library speaks. Any service takes it.
pub(crate) const VERSION: &str = "2023-11-03";
/// From this version on, delegation keys may be bound to a user of another directory: two more lines.
const WITH_DELEGATED_USER: &str = "2025-07-05";
/// From this version on, request headers and parameters may be signed: two more lines.
const WITH_REQUEST: &str = "2026-04-06";

const INSTANT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Over what a link may be used.
pub(crate) const HTTPS: &str = "https";
/// With Azurite, which has no TLS here.
pub(crate) const HTTPS_AND_HTTP: &str = "https,http";

/// What a link allows, on which blob, for how long. Fields that are empty are not said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant<'a> {
    pub(crate) version: &'a str,
    pub(crate) account: &'a str,
    pub(crate) container: &'a str,
    /// Its name, not escaped.
    pub(crate) blob: &'a str,
    /// Of `racwdxltmeop`, in this order.
    pub(crate) permissions: &'a str,
    pub(crate) starts: Option<OffsetDateTime>,
    pub(crate) ends: Option<OffsetDateTime>,
    pub(crate) protocols: &'a str,
    pub(crate) addresses: &'a str,
    pub(crate) encryption_scope: &'a str,
    pub(crate) cache_control: &'a str,
    pub(crate) disposition: &'a str,
    pub(crate) encoding: &'a str,
    pub(crate) language: &'a str,
    pub(crate) media_type: &'a str,
}

/// What is signed with.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// The account's own.
    Account(&'a [u8]),
    /// One that the service issued to an identity, for some days.
    Delegation(&'a DelegationKey),
}

/// A user delegation key as the service issued it.
#[derive(Clone)]
pub(crate) struct DelegationKey {
    pub(crate) object: String,
    pub(crate) directory: String,
    pub(crate) starts: OffsetDateTime,
    pub(crate) ends: OffsetDateTime,
    pub(crate) service: String,
    pub(crate) version: String,
    /// Directory and object of a user of another directory; empty for none.
    pub(crate) delegated: (String, String),
    pub(crate) value: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for DelegationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DelegationKey")
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// An instant as links say it; empty for none.
pub(crate) fn instant(at: Option<OffsetDateTime>) -> String {
    let utc = at.map(|at| at.to_offset(time::UtcOffset::UTC));
    utc.and_then(|at| at.format(INSTANT).ok()).unwrap_or_default()
}

/// The instant that a text of the service says.
pub(crate) fn parse_instant(text: &str) -> Option<OffsetDateTime> {
    let at = time::PrimitiveDateTime::parse(text, INSTANT).ok()?;
    Some(at.assume_utc())
}

impl Grant<'_> {
    /// The query of the link.
    pub(crate) fn query(&self, key: Key<'_>) -> String {
        let (starts, ends) = (instant(self.starts), instant(self.ends));
        let mut pairs = vec![
            ("sv", self.version.to_owned()),
            ("st", starts),
            ("se", ends),
            ("sr", "b".to_owned()),
            ("sp", self.permissions.to_owned()),
            ("sip", self.addresses.to_owned()),
            ("spr", self.protocols.to_owned()),
            ("ses", self.encryption_scope.to_owned()),
            ("rscc", self.cache_control.to_owned()),
            ("rscd", self.disposition.to_owned()),
            ("rsce", self.encoding.to_owned()),
            ("rscl", self.language.to_owned()),
            ("rsct", self.media_type.to_owned()),
        ];
        if let Key::Delegation(key) = key {
            pairs.extend([
                ("skoid", key.object.clone()),
                ("sktid", key.directory.clone()),
                ("skt", instant(Some(key.starts))),
                ("ske", instant(Some(key.ends))),
                ("sks", key.service.clone()),
                ("skv", key.version.clone()),
            ]);
        }
        pairs.push(("sig", self.sign(key)));
        let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        // A space as `+` is not understood by every server: each value is escaped by percent signs.
        let escaped = said.map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        });
        escaped.collect::<Vec<_>>().join("&")
    }

    fn sign(&self, key: Key<'_>) -> String {
        let (secret, middle) = match key {
            Key::Account(secret) => (secret, vec![String::new()]),
            Key::Delegation(key) => (key.value.as_slice(), self.delegation(key)),
        };
        let (account, container, blob) = (self.account, self.container, self.blob);
        let mut lines = vec![
            self.permissions.to_owned(),
            instant(self.starts),
            instant(self.ends),
            format!("/blob/{account}/{container}/{blob}"),
        ];
        lines.extend(middle);
        let rest = [self.addresses, self.protocols, self.version, "b", ""];
        lines.extend(rest.map(str::to_owned));
        lines.push(self.encryption_scope.to_owned());
        if matches!(key, Key::Delegation(_)) && self.version >= WITH_REQUEST {
            lines.extend([String::new(), String::new()]);
        }
        let answer = [
            self.cache_control,
            self.disposition,
            self.encoding,
            self.language,
            self.media_type,
        ];
        lines.extend(answer.map(str::to_owned));
        STANDARD.encode(signature(secret, lines.join("\n").as_bytes()))
    }

    /// Who the key was issued to, and three lines that are for data lakes only.
    fn delegation(&self, key: &DelegationKey) -> Vec<String> {
        let mut lines = vec![
            key.object.clone(),
            key.directory.clone(),
            instant(Some(key.starts)),
            instant(Some(key.ends)),
            key.service.clone(),
            key.version.clone(),
            String::new(),
            String::new(),
            String::new(),
        ];
        if self.version >= WITH_DELEGATED_USER {
            lines.extend([key.delegated.0.clone(), key.delegated.1.clone()]);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const AZURITE_KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    fn by_account(version: &'static str, permissions: &'static str, blob: &'static str) -> Grant<'static> {
        Grant {
            version,
            account: "devstoreaccount1",
            container: "puente",
            blob,
            permissions,
            ends: Some(datetime!(2026-01-15 09:00 UTC)),
            protocols: HTTPS,
            ..Grant::default()
        }
    }

    fn from_eight(grant: Grant<'static>) -> Grant<'static> {
        Grant {
            starts: Some(datetime!(2026-01-15 08:00 UTC)),
            ..grant
        }
    }

    fn signed(grant: &Grant<'_>) -> String {
        grant.sign(Key::Account(&STANDARD.decode(AZURITE_KEY).unwrap()))
    }

    #[test]
    fn service_links_are_signed_as_the_vendors_library_signs_them() {
        for (version, signature) in [
            ("2023-11-03", "Ih0QIGlal1DBTTxjVC7a/p915TPZ6YEHPcQBUtElUwQ="),
            ("2022-11-02", "tcikqXB1891th8HSDnmcC+xD5BDNTHvDWdH28uyLsYE="),
            ("2026-10-06", "9wunwZNmfntm1nM1o82r0sB+nGKadlOScVLzjiITGzY="),
        ] {
            let grant = from_eight(by_account(version, "r", "orders/0001/site photo.jpg"));
            assert_eq!(signed(&grant), signature, "{version}");
        }
        let upload = by_account("2022-11-02", "cw", "signed/ñandú 01.pdf");
        assert_eq!(signed(&upload), "P1spOLtZ6kkZFsH5knzWo6IVfLH/RvBLo8ClpxdZHHo=");
        let named = Grant {
            disposition: "attachment; filename=\"a.pdf\"",
            media_type: "application/pdf",
            ..by_account("2022-11-02", "r", "a.pdf")
        };
        assert_eq!(signed(&named), "HlYvfRZ2SrJ6+zEaAl5/JeuAiZjCYw+1N76ITkEiPqY=");
        let over_http_too = Grant {
            protocols: "",
            ..from_eight(by_account("2023-11-03", "r", "plain.txt"))
        };
        assert_eq!(
            signed(&over_http_too),
            "RTeWaE6ovOEHb8OYKvtVO3DJIlwHmTSKdTybR4xUJJk="
        );
    }

    fn delegation(version: &str) -> DelegationKey {
        DelegationKey {
            object: "11111111-1111-1111-1111-111111111111".to_owned(),
            directory: "22222222-2222-2222-2222-222222222222".to_owned(),
            starts: datetime!(2026-01-15 00:00 UTC),
            ends: datetime!(2026-01-16 00:00 UTC),
            service: "b".to_owned(),
            version: version.to_owned(),
            delegated: (String::new(), String::new()),
            value: Zeroizing::new(
                STANDARD
                    .decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
                    .unwrap(),
            ),
        }
    }

    #[test]
    fn links_of_an_identity_are_signed_in_each_versions_form() {
        for (version, signature) in [
            ("2026-04-06", "Y3imKCN6ed4Xj3w2AWOWI1Ndt1Z7rOXp4YvjL+3sJgs="),
            ("2025-07-05", "Thlg7BgJwOOqh68M9vtBLIFuFgE4xzVUTqk+gH0DMCs="),
            ("2023-11-03", "i9SBTA4fvlv4LC+qxYwu43ZqJz13POsrkMFHDRLRbNU="),
        ] {
            let grant = Grant {
                account: "puentestore",
                ..from_eight(by_account(version, "r", "orders/0001/photo.jpg"))
            };
            let key = delegation(version);
            assert_eq!(grant.sign(Key::Delegation(&key)), signature, "{version}");
        }
    }

    #[test]
    fn every_field_has_its_line() {
        let key = DelegationKey {
            starts: datetime!(2025-01-01 00:00 UTC),
            ends: datetime!(2025-01-02 00:00 UTC),
            delegated: (
                "33333333-3333-3333-3333-333333333333".to_owned(),
                "44444444-4444-4444-4444-444444444444".to_owned(),
            ),
            value: Zeroizing::new(b"unit-test-key-20250705".to_vec()),
            ..delegation("2025-07-05")
        };
        let grant = Grant {
            version: "2025-07-05",
            account: "devstoreaccount1",
            container: "container-a",
            blob: "blob-a.txt",
            permissions: "racwd",
            starts: Some(datetime!(2025-01-01 00:00 UTC)),
            ends: Some(datetime!(2025-01-02 00:00 UTC)),
            protocols: "https",
            addresses: "10.0.0.1-10.0.0.10",
            encryption_scope: "scope-a",
            cache_control: "max-age=60",
            disposition: "attachment",
            encoding: "gzip",
            language: "en-US",
            media_type: "text/plain",
        };
        let signature = grant.sign(Key::Delegation(&key));
        assert_eq!(signature, "po1qkk+3XV0zPeGRDQYDl2ZpSHm4YRMA0Hcd65gaiAc=");
    }

    #[test]
    fn the_query_says_what_was_signed_and_no_key() {
        let key = STANDARD.decode(AZURITE_KEY).unwrap();
        let grant = from_eight(by_account("2023-11-03", "r", "orders/0001/site photo.jpg"));
        let query = grant.query(Key::Account(&key));
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let expected = [
            ("sv", "2023-11-03"),
            ("st", "2026-01-15T08:00:00Z"),
            ("se", "2026-01-15T09:00:00Z"),
            ("sr", "b"),
            ("sp", "r"),
            ("spr", "https"),
            ("sig", "Ih0QIGlal1DBTTxjVC7a/p915TPZ6YEHPcQBUtElUwQ="),
        ];
        let expected: Vec<(String, String)> = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(pairs, expected);
        assert!(!query.contains('+'), "a space or plus is escaped: {query}");

        let issued = delegation("2023-11-03");
        let query = grant.query(Key::Delegation(&issued));
        for said in [
            "skoid=1111",
            "sktid=2222",
            "skt=2026",
            "ske=2026",
            "sks=b",
            "skv=2023",
        ] {
            assert!(query.contains(said), "{said} in {query}");
        }
    }
}
