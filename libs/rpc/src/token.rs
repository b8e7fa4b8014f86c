//! The token: `p1.<claims>.<signature>`, both parts in base64 for URLs without padding.
//!
//! The claims are JSON; the signature is HMAC-SHA256 over everything before its dot, so that the version is signed,
//! too. A reader of another version refuses it. There is no list of revoked tokens: they end within a minute.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Caller, RpcKeys, Scope};

/// What a token of this form begins with.
const VERSION: &str = "p1";
/// How long a new token is good for. Half of [`LONGEST`], so that clocks may differ by the other half.
const LIFETIME: i64 = 30;
/// A token that would be good for longer than so many seconds is refused: nobody signs one.
const LONGEST: i64 = 60;
/// More than any token of ours has.
const MAX_TOKEN: usize = 1024;
/// Longest subject, and longest role.
const MAX_NAME: usize = 128;

/// A token is not good. Why not is nobody's business but the tests'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Not a token of this version.
    #[error("not a token")]
    Malformed,
    /// Not signed by a key that is accepted here.
    #[error("not signed by an accepted key")]
    Signature,
    /// Meant for another service.
    #[error("meant for another service")]
    Audience,
    /// Its time is over, or further away than a token's may be.
    #[error("not valid at this time")]
    Time,
}

/// A caller that cannot be put into a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("subject and role have 1 to 128 bytes")]
pub struct Unsignable;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    aud: String,
    scope: String,
    sub: String,
    role: String,
    exp: i64,
}

/// A token that lets `caller` ask the service `audience`, for half a minute.
///
/// # Errors
/// When subject or role is empty or too long.
pub fn sign(
    keys: &RpcKeys,
    audience: &str,
    caller: &Caller,
    now: OffsetDateTime,
) -> Result<String, Unsignable> {
    let fits = |name: &str| (1..=MAX_NAME).contains(&name.len());
    if !fits(&caller.subject) || !fits(&caller.role) {
        return Err(Unsignable);
    }
    let claims = Claims {
        aud: audience.to_owned(),
        scope: caller.scope.to_string(),
        sub: caller.subject.clone(),
        role: caller.role.clone(),
        exp: now.unix_timestamp().saturating_add(LIFETIME),
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| Unsignable)?;
    let signed = format!("{VERSION}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(keys.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// Who asks, if the token is good for the service `audience` at this moment.
///
/// # Errors
/// When it is not.
pub fn verify(keys: &RpcKeys, audience: &str, token: &str, now: OffsetDateTime) -> Result<Caller, Denied> {
    if token.len() > MAX_TOKEN {
        return Err(Denied::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Denied::Malformed)?;
    let (version, claims) = signed.split_once('.').ok_or(Denied::Malformed)?;
    if version != VERSION {
        return Err(Denied::Malformed);
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Denied::Malformed);
    // Nothing in the claims is looked at before the signature is good.
    if !keys.made(signed.as_bytes(), &decode(signature)?) {
        return Err(Denied::Signature);
    }
    let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Denied::Malformed)?;
    if claims.aud != audience {
        return Err(Denied::Audience);
    }
    let left = claims.exp.saturating_sub(now.unix_timestamp());
    if !(1..=LONGEST).contains(&left) {
        return Err(Denied::Time);
    }
    Ok(Caller {
        scope: claims.scope.parse::<Scope>().map_err(|_| Denied::Malformed)?,
        subject: claims.sub,
        role: claims.role,
    })
}
