//! The signed assertion of the JWT grant: RS256 over the claims that DocuSign wants.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use puente_ports::ProviderError;
use puente_types::Secret;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// The longest that DocuSign accepts.
const LIFE: Duration = Duration::HOUR;

/// What an assertion says.
pub(super) struct Claims<'a> {
    /// The app.
    pub(super) integration_key: &'a str,
    /// In whose name it acts.
    pub(super) user_id: &'a str,
    /// The OAuth host, bare: no scheme, no slash.
    pub(super) audience: &'a str,
    /// The rights, parted by blanks.
    pub(super) scope: &'a str,
}

/// Signs the claims with the app's key in PEM form (PKCS#8 or PKCS#1).
pub(super) fn assertion(
    claims: &Claims<'_>,
    pem: &Secret,
    now: OffsetDateTime,
) -> Result<Secret, ProviderError> {
    let key = key(pem)?;
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let claims = json!({
        "iss": claims.integration_key,
        "sub": claims.user_id,
        "aud": claims.audience,
        "iat": now.unix_timestamp(),
        "exp": (now + LIFE).unix_timestamp(),
        "scope": claims.scope,
    });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| unusable())?;
    Ok(Secret::new(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

/// Reads the key. Environment variables often hold it on one line, with `\n` for its line ends.
pub(super) fn key(pem: &Secret) -> Result<RsaKeyPair, ProviderError> {
    let text = Secret::new(pem.expose().replace("\\n", "\n"));
    match PrivateKeyDer::from_pem_slice(text.expose().as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(der)) => {
            RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unusable())
        }
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| unusable()),
        _ => Err(unusable()),
    }
}

fn unusable() -> ProviderError {
    ProviderError::configuration(
        "private_key_invalid",
        "the secret `private_key` is no RSA key of 2048 to 4096 bits in PEM form",
    )
}
