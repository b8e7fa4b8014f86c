//! Links that the gateway answers: signed, for one object, one permission, and a short time.
//!
//! What is signed are permission, container, key, end, kind, hash and the name to save under, so that none can be altered.
//! The key of the signature is derived from `storage.link_key`, so that it serves nothing else. A link proves that we made
//! it and for how long; whose session follows it is not asked, which is why it lives shortly.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use puente_types::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{BlobKey, Container, MediaType, OpenError, Sha256Hash, name};

/// How long an object may be read by a link (STO-02).
pub const READ_FOR: Duration = Duration::from_hours(1);
/// How long an object may be written by a link (STO-02).
pub const WRITE_FOR: Duration = Duration::from_mins(15);
/// The path at the gateway.
pub const PATH: &str = "/archivos";

/// Longer than any query of ours: a name of 200 characters has up to 2,400 when escaped.
const MAX_QUERY: usize = 4096;
const KEY_BYTES: usize = 32;
/// Tells this use of the key from any other.
const PURPOSE: &[u8] = b"puente storage links 1";

/// A link that was made. `Debug` hides what it proves.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// Its address. Whoever has it may use it: never logged, never stored.
    pub url: String,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("url", &self.url.split('?').next().unwrap_or_default())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// What a link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Reading.
    Read,
    /// Writing what is not there yet.
    Create,
}

impl Permission {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Create => "c",
        }
    }

    fn allows(self, method: &Method) -> bool {
        match self {
            Self::Read => matches!(*method, Method::GET | Method::HEAD),
            Self::Create => *method == Method::PUT,
        }
    }
}

/// What a link that was presented says, and is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkClaims {
    /// Where the object is, or shall be.
    pub container: Container,
    /// Its key.
    pub key: BlobKey,
    /// What may be done.
    pub permission: Permission,
    /// Under what name it is saved; empty for one that is written.
    pub file_name: String,
    /// What it is, or must be.
    pub media_type: MediaType,
    /// The hash of what may be read, where it was known: to be given to [`Blobs::get`](crate::Blobs::get).
    pub sha256: Option<Sha256Hash>,
    /// Until when.
    pub expires_at: OffsetDateTime,
}

impl LinkClaims {
    /// The header `Content-Disposition` of the answer.
    #[must_use]
    pub fn disposition(&self) -> String {
        name::disposition(&self.file_name)
    }
}

/// Why a link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// We did not make it like this.
    #[error("the link is not valid")]
    Tampered,
    /// It was one of ours.
    #[error("the link has expired")]
    Expired,
    /// It allows something else.
    #[error("the link does not allow this")]
    NotAllowed,
}

type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Makes and checks links to the gateway.
#[derive(Clone)]
pub(crate) struct Signer {
    base: String,
    current: Key,
    former: Option<Key>,
}

impl Signer {
    /// `base` has been checked to be an address. The current key signs; a former one is still believed.
    pub(crate) fn new(base: &str, keys: &Secret) -> Result<Self, OpenError> {
        const KEY: &str = "link_key";
        let read = |text: &str| {
            let bytes = Zeroizing::new(STANDARD.decode(text.trim()).unwrap_or_default());
            if bytes.len() == KEY_BYTES {
                return Ok(Zeroizing::new(signature(&bytes, PURPOSE)));
            }
            let what = "must be 32 bytes in base64";
            Err(OpenError::Invalid { key: KEY, what })
        };
        let mut keys = keys.expose().split(',').map(read);
        let current = keys.next().ok_or(OpenError::Missing(KEY))??;
        let former = keys.next().transpose()?;
        if keys.next().is_some() {
            let what = "has more than a current and a former key";
            return Err(OpenError::Invalid { key: KEY, what });
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            current,
            former,
        })
    }

    /// The link that says this.
    pub(crate) fn link(&self, claims: &LinkClaims) -> Link {
        let LinkClaims { container, key, .. } = claims;
        let ends = claims.expires_at.unix_timestamp();
        let signed = hex::encode(signature(self.current.as_slice(), text(claims, ends).as_bytes()));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("p", claims.permission.as_str())
            .append_pair("e", &ends.to_string())
            .append_pair("t", claims.media_type.mime())
            .append_pair("n", &claims.file_name)
            .extend_pairs(claims.sha256.map(|hash| ("h", hash.to_string())))
            .append_pair("s", &signed)
            .finish();
        Link {
            url: format!("{}{PATH}/{container}/{key}?{query}", self.base),
            expires_at: claims.expires_at,
        }
    }

    /// What the query of a link to this object says, if we made it. In this order, so that nothing is learnt from a link
    /// that is not ours: signature, end, permission.
    pub(crate) fn open(
        &self,
        method: &Method,
        container: Container,
        key: &BlobKey,
        query: &str,
        now: OffsetDateTime,
    ) -> Result<LinkClaims, LinkError> {
        let (claims, ends, given) = read(container, key, query).ok_or(LinkError::Tampered)?;
        if !self.made(text(&claims, ends).as_bytes(), &given) {
            return Err(LinkError::Tampered);
        }
        if now >= claims.expires_at {
            return Err(LinkError::Expired);
        }
        if !claims.permission.allows(method) {
            return Err(LinkError::NotAllowed);
        }
        Ok(claims)
    }

    fn made(&self, text: &[u8], given: &[u8]) -> bool {
        let by = |key: &Key| signature(key.as_slice(), text).ct_eq(given);
        let by_former = self.former.as_ref().map_or(0.into(), by);
        (by(&self.current) | by_former).into()
    }
}

/// What is signed. The name is last: it alone could hold a line break, and moves nothing.
fn text(claims: &LinkClaims, ends: i64) -> String {
    let LinkClaims {
        container,
        key,
        permission,
        media_type,
        file_name,
        sha256,
        ..
    } = claims;
    let permission = permission.as_str();
    let hash = sha256.map(|hash| hash.to_string()).unwrap_or_default();
    format!("{permission}\n{container}\n{key}\n{ends}\n{media_type}\n{hash}\n{file_name}")
}

/// Every parameter once, the hash perhaps not, and no other.
fn read(container: Container, key: &BlobKey, query: &str) -> Option<(LinkClaims, i64, Vec<u8>)> {
    let query = Some(query).filter(|query| query.len() <= MAX_QUERY)?;
    let (mut permission, mut ends, mut kind, mut file_name) = (None, None, None, None);
    let (mut hash, mut signed) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match name.as_ref() {
            "p" => &mut permission,
            "e" => &mut ends,
            "t" => &mut kind,
            "n" => &mut file_name,
            "h" => &mut hash,
            "s" => &mut signed,
            _ => return None,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    let permission = match permission?.as_ref() {
        "r" => Permission::Read,
        "c" => Permission::Create,
        _ => return None,
    };
    let ends: i64 = ends?.parse().ok()?;
    let claims = LinkClaims {
        container,
        key: key.clone(),
        permission,
        file_name: file_name?.into_owned(),
        media_type: kind?.parse().ok()?,
        sha256: hash.map(|hash| hash.parse()).transpose().ok()?,
        expires_at: OffsetDateTime::from_unix_timestamp(ends).ok()?,
    };
    Some((claims, ends, hex::decode(signed?.as_ref()).ok()?))
}

pub(crate) fn signature(key: &[u8], text: &[u8]) -> [u8; KEY_BYTES] {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length; the error cannot occur"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
