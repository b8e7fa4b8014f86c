//! Making calls: where they go, what they carry, and what an answer means.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use puente_ports::{
    CallCtx, Connection, Manifest, OutboundRequest, OutboundResponse, ProviderError, ProviderErrorKind,
    retry_after,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kit::scrub;

/// One connection's interface at a provider.
#[derive(Clone, Copy)]
pub(crate) struct Api<'a> {
    pub(crate) manifest: &'static Manifest,
    pub(crate) ctx: CallCtx<'a>,
}

impl<'a> Api<'a> {
    /// The interface that a call goes to.
    pub(crate) const fn new(manifest: &'static Manifest, ctx: CallCtx<'a>) -> Self {
        Self { manifest, ctx }
    }

    /// A setting of the connection, else the default of `provider.toml`.
    pub(crate) fn setting(&self, name: &str) -> Result<&'a str, ProviderError> {
        match setting(self.manifest, self.ctx.connection, name) {
            Some(value) => Ok(value),
            None => self.ctx.connection.require(name),
        }
    }

    /// The account's id, proper to stand in a path.
    pub(crate) fn account(&self) -> Result<&'a str, ProviderError> {
        let connection = self.ctx.connection;
        let account = connection.account.as_deref().unwrap_or_default();
        segment(account).ok_or_else(|| {
            ProviderError::configuration(
                "account_missing",
                format!("connection {} names no usable account", connection.id),
            )
        })
    }

    /// A setting, proper to stand in a path.
    pub(crate) fn path_setting(&self, name: &str) -> Result<&'a str, ProviderError> {
        segment(self.setting(name)?).ok_or_else(|| {
            ProviderError::configuration("setting_invalid", format!("setting `{name}` is no path segment"))
        })
    }

    /// The base URL, as [`base`] finds it.
    pub(crate) fn base(&self) -> Result<&'a str, ProviderError> {
        base(self.manifest, self.ctx.connection)
    }

    /// Sends a request with a JSON body, or none, and returns the answer of any status.
    pub(crate) async fn send<T: Serialize + Sync>(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Option<&T>,
    ) -> Result<OutboundResponse, ProviderError> {
        let body = match body {
            Some(body) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Bytes::from(serde_json::to_vec(body).map_err(|e| ProviderError::malformed(e.to_string()))?)
            }
            None => Bytes::new(),
        };
        let url = format!("{}{path}", self.base()?);
        let request = OutboundRequest {
            operation,
            method,
            url,
            headers,
            body,
        };
        self.ctx
            .http
            .send(self.ctx.connection, request, self.ctx.deadline)
            .await
    }
}

/// The base URL: the connection's own `base_url`, else that of its `environment` (`live` or `sandbox`).
pub(crate) fn base<'a>(
    manifest: &'static Manifest,
    connection: &'a Connection,
) -> Result<&'a str, ProviderError> {
    let own = connection.setting("base_url");
    let url = own.or_else(|| listed(manifest, connection)).unwrap_or_default();
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(url.trim_end_matches('/'))
    } else {
        Err(ProviderError::configuration(
            "base_url_invalid",
            "the base URL is no http or https URL",
        ))
    }
}

/// The URL that `provider.toml` lists for the connection's `environment`.
pub(crate) fn listed(manifest: &'static Manifest, connection: &Connection) -> Option<&'static str> {
    let sandbox = connection.setting("environment") == Some("sandbox");
    manifest
        .urls
        .get(if sandbox { "sandbox" } else { "live" })
        .map(String::as_str)
}

/// A setting of the connection, else the default of `provider.toml`, if it has one.
pub(crate) fn setting<'a>(
    manifest: &'static Manifest,
    connection: &'a Connection,
    name: &str,
) -> Option<&'a str> {
    let default = || {
        manifest
            .settings
            .iter()
            .find(|s| s.name == name)
            .and_then(|s| s.default.as_deref())
    };
    connection.setting(name).or_else(default)
}

/// A text that can stand between two slashes of a URL as it is.
pub(crate) fn segment(text: &str) -> Option<&str> {
    let fits = (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
        && !text.bytes().all(|b| b == b'.');
    fits.then_some(text)
}

/// A header of a secret value, marked so that nothing prints it.
pub(crate) fn header(name: HeaderName, value: &str) -> Result<HeaderMap, ProviderError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        ProviderError::configuration(
            "secret_invalid",
            "a credential has characters that no header can hold",
        )
    })?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(name, value)]))
}

/// `Authorization: Bearer …` with a secret of the connection.
pub(crate) fn bearer(ctx: &CallCtx<'_>, secret: &str) -> Result<HeaderMap, ProviderError> {
    header(
        AUTHORIZATION,
        &format!("Bearer {}", ctx.connection.require_secret(secret)?.expose()),
    )
}

/// Reads a good answer's body.
///
/// `changes` tells that the call changes something there: then an unreadable answer means that the change may well
/// have been made, and must not be taken for a failure.
pub(crate) fn read<T: DeserializeOwned>(
    response: &OutboundResponse,
    changes: bool,
) -> Result<T, ProviderError> {
    serde_json::from_slice(&response.body).map_err(|error| {
        // Only the place is told: serde's own text may quote the body.
        let detail = format!(
            "the answer's body cannot be read at line {}, column {}",
            error.line(),
            error.column()
        );
        if changes {
            ProviderError::new(ProviderErrorKind::OutcomeUnknown, "reply_unreadable", detail)
        } else {
            ProviderError::malformed(detail)
        }
    })
}

/// What a refusal means, by the error table of `provider.toml`: the first rule that fits decides.
///
/// `codes = ["other"]` covers a readable code that no rule lists. Where no rule fits, 4xx is a refusal and anything
/// else leaves the outcome unknown. A `Retry-After` wins over the table's wait; one with a date counts from the answer's own `Date`.
pub(crate) fn classify(
    manifest: &Manifest,
    response: &OutboundResponse,
    code: Option<&str>,
    detail: &str,
) -> ProviderError {
    let status = response.status.as_u16();
    let listed = |code: &&str| {
        manifest
            .errors
            .iter()
            .any(|rule| rule.codes.iter().any(|c| c == code))
    };
    let looked_up = code.map(|code| Some(code).filter(listed).unwrap_or("other"));
    let kind = manifest
        .errors
        .iter()
        .find(|rule| rule.fits(status, looked_up))
        .and_then(|rule| rule.error_kind());
    let asked = retry_after(&response.headers, None);
    let kind = match kind {
        Some(ProviderErrorKind::RateLimited { retry_after: listed }) => ProviderErrorKind::RateLimited {
            retry_after: asked.or(listed),
        },
        Some(ProviderErrorKind::Unavailable { retry_after: listed }) => ProviderErrorKind::Unavailable {
            retry_after: asked.or(listed),
        },
        Some(kind) => kind,
        None if (400..500).contains(&status) => ProviderErrorKind::Rejected,
        None => ProviderErrorKind::OutcomeUnknown,
    };
    let code = code.map_or_else(
        || format!("http_{status}"),
        |code| code.chars().take(64).collect(),
    );
    ProviderError::new(kind, code, scrub(detail))
}

/// A failure of a question, or of a change that can be made again: there is no outcome to be in doubt about.
pub(crate) fn asked(error: ProviderError) -> ProviderError {
    match error.kind() {
        // What is too large now is too large again.
        ProviderErrorKind::OutcomeUnknown if error.code() == "response_too_large" => {
            ProviderError::new(ProviderErrorKind::Malformed, error.code(), error.detail())
        }
        ProviderErrorKind::OutcomeUnknown => {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            ProviderError::new(kind, error.code(), error.detail())
        }
        _ => error,
    }
}
