//! What an administrator does at a provider's page: consents, and is sent back with a code. Simulated providers consent at
//! once, so that one request is all of it; nobody needs to answer where they send back to.

use std::time::Duration;

use puente_types::Secret;
use reqwest::redirect::Policy;

/// Longest wait for the page.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an administrator brings back.
#[derive(Debug)]
pub struct Consent {
    /// As it was given along.
    pub state: Secret,
    /// What tokens are given for.
    pub code: Secret,
}

/// Why there is none.
#[derive(Debug)]
pub enum NoConsent {
    /// No answer, or no client to ask with.
    Page(reqwest::Error),
    /// An answer that sends nobody back.
    Nowhere(reqwest::StatusCode),
}

impl std::fmt::Display for NoConsent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Page(_) => f.write_str("the page of consent does not answer"),
            Self::Nowhere(status) => write!(f, "the page of consent answered {status} and led nowhere"),
        }
    }
}

impl std::error::Error for NoConsent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Page(error) => Some(error),
            Self::Nowhere(_) => None,
        }
    }
}

impl From<reqwest::Error> for NoConsent {
    fn from(error: reqwest::Error) -> Self {
        Self::Page(error)
    }
}

/// Opens the page and consents.
///
/// # Errors
/// [`NoConsent`].
pub async fn consent(page: &str) -> Result<Consent, NoConsent> {
    let browser = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .redirect(Policy::none())
        .build()?;
    let answer = browser.get(page).send().await?;
    let location = answer.headers().get("location").and_then(|to| to.to_str().ok());
    let back = location.and_then(|to| to.parse::<reqwest::Url>().ok());
    let back = back.ok_or_else(|| NoConsent::Nowhere(answer.status()))?;
    let of = |name: &str| {
        let found = back.query_pairs().find(|(key, _)| key == name);
        Secret::new(found.map(|(_, value)| value.into_owned()).unwrap_or_default())
    };
    Ok(Consent {
        state: of("state"),
        code: of("code"),
    })
}
