//! Keys of objects: chosen by us, never by who uploads.
//!
//! A key begins with its tenant, so that a tenant's own are told from others' without a look into a table. Its alphabet
//! needs no escaping in any URL, file system or signature. What a person called the file stays in the database.

use std::fmt;
use std::str::FromStr;

use puente_types::TenantId;
use time::OffsetDateTime;
use uuid::Uuid;

/// What all stores and file systems take.
const MAX_BYTES: usize = 512;
const MAX_EXTENSION: usize = 8;

/// The key of one object: `t/{tenant}/{yyyy}/{mm}/{uuid}.{ext}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key has up to {MAX_BYTES} characters of A-Z, a-z, 0-9, `.`, `_`, `-` and `/`, and no empty part, `.` or `..`"
)]
pub struct BlobKeyError;

impl BlobKey {
    /// A new key.
    #[must_use]
    pub fn new(tenant: &TenantId, at: OffsetDateTime, extension: &str) -> Self {
        Self::named(tenant, at, Uuid::now_v7(), extension)
    }

    /// The key that belongs to `id`: whoever repeats a write with the same id and moment meets the same key.
    ///
    /// An extension that is none is left out.
    #[must_use]
    pub fn named(tenant: &TenantId, at: OffsetDateTime, id: Uuid, extension: &str) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        let (year, month) = (at.year(), u8::from(at.month()));
        let stem = format!("t/{tenant}/{year:04}/{month:02}/{id}");
        let fits = (1..=MAX_EXTENSION).contains(&extension.len())
            && extension.bytes().all(|b| b.is_ascii_alphanumeric());
        Self(if fits { format!("{stem}.{extension}") } else { stem })
    }

    /// Reads a key.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, BlobKeyError> {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
        let fits = text.len() <= MAX_BYTES
            && text.bytes().all(known)
            && text.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BlobKeyError)
        }
    }

    /// Whose it is; `None` for a key that does not begin with a tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        let (tenant, rest) = self.0.strip_prefix("t/")?.split_once('/')?;
        if rest.is_empty() {
            return None;
        }
        tenant.parse().ok()
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BlobKey {
    type Err = BlobKeyError;

    fn from_str(text: &str) -> Result<Self, BlobKeyError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_key_names_tenant_and_month_and_repeats_for_the_same_id() {
        let tenant: TenantId = "acme".parse().unwrap();
        let at = datetime!(2026-03-31 23:30 -5);
        let id = Uuid::from_u128(7);
        let key = BlobKey::named(&tenant, at, id, "pdf");
        assert_eq!(
            key.as_str(),
            "t/acme/2026/04/00000000-0000-0000-0000-000000000007.pdf"
        );
        assert_eq!(BlobKey::named(&tenant, at, id, "pdf"), key);
        assert_eq!(key.tenant(), Some(tenant.clone()));
        assert_eq!(BlobKey::parse(key.as_str()), Ok(key));
        assert_ne!(BlobKey::new(&tenant, at, "pdf"), BlobKey::new(&tenant, at, "pdf"));
    }

    #[test]
    fn an_extension_cannot_leave_the_key() {
        let tenant: TenantId = "acme".parse().unwrap();
        for bad in ["", "../x", "p/df", "ñ", "toolongext", "p df", "a.b"] {
            let key = BlobKey::new(&tenant, OffsetDateTime::UNIX_EPOCH, bad);
            assert!(!key.as_str().contains('.'), "{bad}");
            assert!(BlobKey::parse(key.as_str()).is_ok(), "{bad}");
        }
    }

    #[test]
    fn what_could_leave_the_container_is_no_key() {
        let long = "a".repeat(MAX_BYTES + 1);
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "t/../../x",
            "t/./x",
            "t//x",
            "t/x/",
            "t\\..\\x",
            "t/%2e%2e/x",
            "t/x\0",
            "t/x?y",
            "t/x#1",
            "t/ñ",
            "t/a b",
            "C:/x",
            &long,
        ] {
            assert_eq!(BlobKey::parse(bad), Err(BlobKeyError), "{bad:?}");
        }
        assert!(
            BlobKey::parse("t/acme/..x/y...z").is_ok(),
            "dots alone do no harm"
        );
    }

    #[test]
    fn a_key_without_tenant_belongs_to_nobody() {
        for text in ["x/acme/1", "t/acme", "t/ACME/1", "t", "acme/t/1"] {
            assert_eq!(BlobKey::parse(text).unwrap().tenant(), None, "{text}");
        }
    }
}
