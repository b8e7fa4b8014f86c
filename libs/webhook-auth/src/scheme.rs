//! The ways in which providers authenticate webhooks, and the check of each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use puente_types::{Secret, Secrets};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use crate::{RawRequest, Verified};

/// How a provider authenticates its webhooks. There is no default: what protects must be stated.
#[derive(Debug, Clone)]
pub enum WebhookAuth {
    /// A keyed hash over the raw body.
    Hmac(HmacScheme),
    /// A keyed hash over the raw body in each of several numbered headers, one per key that the provider signs with.
    NumberedHmac(NumberedHmac),
    /// A shared token in the request.
    SharedToken(TokenScheme),
    /// Any one of several suffices, for providers that authenticate their webhook families differently.
    AnyOf(Vec<WebhookAuth>),
    /// All of several, for signatures that are strengthened by a further credential.
    AllOf(Vec<WebhookAuth>),
    /// A rule of the provider's own.
    Custom(fn(&RawRequest, &Secrets, OffsetDateTime) -> Result<(), AuthError>),
    /// The provider offers no authentication. `reason` is shown to operators.
    Unsigned {
        /// Why this is accepted.
        reason: &'static str,
    },
}

/// A keyed hash (HMAC-SHA256) in a header.
#[derive(Debug, Clone)]
pub struct HmacScheme {
    /// The header that carries it.
    pub header: String,
    /// What stands before the hash: `sha256=`.
    pub prefix: String,
    /// How the hash is written.
    pub encoding: Encoding,
    /// The name of the secret; `<name>_previous` is accepted during a rotation.
    pub secret: String,
    /// What is hashed.
    pub signed: SignedPart,
}

/// Keyed hashes (HMAC-SHA256 of the raw body) in headers `<header>1`, `<header>2` …: the provider signs with each of
/// its keys at once, and one that fits suffices.
#[derive(Debug, Clone)]
pub struct NumberedHmac {
    /// What the headers' names begin with; a number from 1 follows.
    pub header: String,
    /// The highest number that is looked at.
    pub most: u16,
    /// How the hashes are written.
    pub encoding: Encoding,
    /// The name of the secret; `<name>_previous` is accepted during a rotation.
    pub secret: String,
}

/// How a hash is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// What the hash covers.
#[derive(Debug, Clone)]
pub enum SignedPart {
    /// The raw body.
    Body,
    /// `<timestamp>.<raw body>`, the timestamp from a header, in seconds, within a tolerance of now.
    TimestampDotBody(TimestampRule),
}

/// A timestamp that must be fresh.
#[derive(Debug, Clone)]
pub struct TimestampRule {
    /// The header with Unix seconds.
    pub header: String,
    /// How far it may be from now, either way.
    pub tolerance: Duration,
}

/// A token that must equal a secret.
#[derive(Debug, Clone)]
pub struct TokenScheme {
    /// Where it stands.
    pub source: TokenSource,
    /// What stands before it: `Bearer `; empty for none.
    pub prefix: String,
    /// The name of the secret.
    pub secret: String,
}

/// Where a token stands.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// In this header.
    Header(String),
    /// In this query parameter.
    Query(String),
}

/// Why a request is not authentic. The texts name no value of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The header or parameter that should carry the proof is absent, repeated, or not text.
    #[error("the signature is missing")]
    Missing,
    /// The proof does not have the form it should.
    #[error("the signature is malformed")]
    Malformed,
    /// The proof does not fit the content.
    #[error("the signature does not match")]
    Mismatch,
    /// The signed time is too far from now.
    #[error("the signed timestamp is outside the tolerance")]
    Stale,
    /// The connection holds no secret of the name that the check needs.
    #[error("no secret is configured for this check")]
    NoSecret,
}

impl AuthError {
    /// A short fixed word for metrics, stored results and machine-readable answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Malformed => "signature_malformed",
            Self::Mismatch => "signature_mismatch",
            Self::Stale => "timestamp_outside_tolerance",
            Self::NoSecret => "secret_not_configured",
        }
    }

    /// How much it tells about the request, where several schemes refuse it: a proof that was presented more than one
    /// that is absent, and the nearer to a good one the more. A scheme without its secret is not in use: it must not
    /// hide what the others say.
    const fn tells(self) -> u8 {
        match self {
            Self::NoSecret => 0,
            Self::Missing => 1,
            Self::Malformed => 2,
            Self::Mismatch => 3,
            Self::Stale => 4,
        }
    }
}

impl WebhookAuth {
    /// Checks a request. On success the request comes back as proof.
    ///
    /// # Errors
    /// The request, untouched, and why it is not authentic.
    pub fn verify(
        &self,
        request: RawRequest,
        secrets: &Secrets,
        now: OffsetDateTime,
    ) -> Result<Verified, Box<(RawRequest, AuthError)>> {
        match self.check(&request, secrets, now) {
            Ok(()) => Ok(Verified::new(request)),
            Err(error) => Err(Box::new((request, error))),
        }
    }

    /// Takes back a request that [`WebhookAuth::verify`] accepted when it came in, and that was kept with that result:
    /// `verification` is the word that the store holds. For repeating a delivery whose proof cannot be checked any
    /// more, because its secret was changed or its credential was not kept. Whoever calls this vouches for the store;
    /// `clippy.toml` bans it, and the one place that may call it says so.
    #[must_use]
    pub fn recall(request: RawRequest, verification: &str) -> Option<Verified> {
        (verification == "verified").then(|| Verified::new(request))
    }

    /// The names of the secrets that the check may use; `None` when only the provider's own rule knows.
    #[must_use]
    pub fn secret_names(&self) -> Option<Vec<&str>> {
        match self {
            Self::Hmac(scheme) => Some(vec![scheme.secret.as_str()]),
            Self::NumberedHmac(scheme) => Some(vec![scheme.secret.as_str()]),
            Self::SharedToken(scheme) => Some(vec![scheme.secret.as_str()]),
            Self::AnyOf(all) | Self::AllOf(all) => {
                let names: Option<Vec<Vec<&str>>> = all.iter().map(Self::secret_names).collect();
                names.map(|names| names.concat())
            }
            Self::Custom(_) => None,
            Self::Unsigned { .. } => Some(Vec::new()),
        }
    }

    fn check(&self, request: &RawRequest, secrets: &Secrets, now: OffsetDateTime) -> Result<(), AuthError> {
        match self {
            Self::Hmac(scheme) => scheme.check(request, secrets, now),
            Self::NumberedHmac(scheme) => scheme.check(request, secrets),
            Self::SharedToken(scheme) => scheme.check(request, secrets),
            Self::AnyOf(all) => {
                let mut telling = AuthError::NoSecret;
                for one in all {
                    match one.check(request, secrets, now) {
                        Ok(()) => return Ok(()),
                        Err(error) if error.tells() > telling.tells() => telling = error,
                        Err(_) => {}
                    }
                }
                Err(telling)
            }
            Self::AllOf(all) if all.is_empty() => Err(AuthError::NoSecret),
            Self::AllOf(all) => all.iter().try_for_each(|one| one.check(request, secrets, now)),
            Self::Custom(check) => check(request, secrets, now),
            Self::Unsigned { .. } => Ok(()),
        }
    }
}

impl HmacScheme {
    fn check(&self, request: &RawRequest, secrets: &Secrets, now: OffsetDateTime) -> Result<(), AuthError> {
        let mut keys = usable(secrets, &self.secret).peekable();
        if keys.peek().is_none() {
            return Err(AuthError::NoSecret);
        }
        let given = request.header(&self.header).ok_or(AuthError::Missing)?;
        let given = given
            .strip_prefix(self.prefix.as_str())
            .ok_or(AuthError::Malformed)?;
        let given = self.encoding.decode(given).ok_or(AuthError::Malformed)?;
        let prefix = match &self.signed {
            SignedPart::Body => None,
            SignedPart::TimestampDotBody(rule) => Some(rule.fresh(request, now)?),
        };
        // Every key is tried, so that the time taken does not tell which one fitted.
        let mut fits = false;
        for key in keys {
            let mut mac = keyed(key);
            if let Some(timestamp) = prefix {
                mac.update(timestamp.as_bytes());
                mac.update(b".");
            }
            mac.update(&request.body);
            fits |= mac.verify_slice(&given).is_ok();
        }
        if fits { Ok(()) } else { Err(AuthError::Mismatch) }
    }
}

impl NumberedHmac {
    fn check(&self, request: &RawRequest, secrets: &Secrets) -> Result<(), AuthError> {
        // Each key's hash is computed once, however many headers an attacker sends.
        let expected: Vec<_> = usable(secrets, &self.secret)
            .map(|key| {
                let mut mac = keyed(key);
                mac.update(&request.body);
                mac.finalize().into_bytes()
            })
            .collect();
        if expected.is_empty() {
            return Err(AuthError::NoSecret);
        }
        let (mut fits, mut refusal) = (subtle::Choice::from(0), AuthError::Missing);
        for number in 1..=self.most {
            let Some(given) = request.header(&format!("{}{number}", self.header)) else {
                continue;
            };
            let Some(given) = self.encoding.decode(given) else {
                if refusal == AuthError::Missing {
                    refusal = AuthError::Malformed;
                }
                continue;
            };
            refusal = AuthError::Mismatch;
            for mac in &expected {
                fits |= mac.as_slice().ct_eq(&given);
            }
        }
        if fits.into() { Ok(()) } else { Err(refusal) }
    }
}

impl TimestampRule {
    fn fresh<'a>(&self, request: &'a RawRequest, now: OffsetDateTime) -> Result<&'a str, AuthError> {
        let text = request.header(&self.header).ok_or(AuthError::Missing)?;
        let seconds: i64 = text.parse().map_err(|_| AuthError::Malformed)?;
        let at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| AuthError::Malformed)?;
        if (now - at).abs() > self.tolerance {
            Err(AuthError::Stale)
        } else {
            Ok(text)
        }
    }
}

impl TokenScheme {
    fn check(&self, request: &RawRequest, secrets: &Secrets) -> Result<(), AuthError> {
        let mut accepted = usable(secrets, &self.secret).peekable();
        if accepted.peek().is_none() {
            return Err(AuthError::NoSecret);
        }
        let given = match &self.source {
            TokenSource::Header(name) => request.header(name).map(str::to_owned),
            TokenSource::Query(name) => request.query_value(name),
        }
        .ok_or(AuthError::Missing)?;
        let given = given
            .strip_prefix(self.prefix.as_str())
            .ok_or(AuthError::Malformed)?;
        let mut fits = false;
        for secret in accepted {
            fits |= secret_eq(secret, given);
        }
        if fits { Ok(()) } else { Err(AuthError::Mismatch) }
    }
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex if text.bytes().any(|b| b.is_ascii_uppercase()) => None,
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// The values accepted for `name`. An empty one counts as none: anybody can present or sign with it.
fn usable<'a>(secrets: &'a Secrets, name: &str) -> impl Iterator<Item = &'a Secret> + use<'a> {
    secrets
        .accepted(name)
        .filter(|secret| !secret.expose().is_empty())
}

/// Compares a secret with what was presented, in constant time for equal lengths.
#[must_use]
pub fn secret_eq(secret: &Secret, given: &str) -> bool {
    secret.expose().as_bytes().ct_eq(given.as_bytes()).into()
}

/// Signs a body as a provider would: for simulators, tests, and providers that want our requests signed.
#[must_use]
pub fn sign(key: &Secret, prefix: &str, encoding: Encoding, parts: &[&[u8]]) -> String {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    format!("{prefix}{}", encoding.encode(&mac.finalize().into_bytes()))
}

fn keyed(key: &Secret) -> Hmac<Sha256> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length; the error cannot occur"
    )]
    Hmac::new_from_slice(key.expose().as_bytes()).expect("HMAC takes keys of any length")
}
