//! What every page is made for: one person, their language, the time, and where they are.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use time::OffsetDateTime;

use super::session;
use super::words::{Language, Word};
use crate::application::questions::Ask;
use crate::auth::session::Session;
use crate::domain::{Principal, Right};
use crate::state::App;

/// One person's look at one page.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Who looks.
    pub(crate) principal: Principal,
    /// What they read.
    pub(crate) language: Language,
    /// Their log-in.
    pub(crate) session: Session,
    /// The path of the page.
    pub(crate) path: String,
    /// What follows the `?`, or nothing.
    pub(crate) query: String,
    /// Whether the outside services are simulators.
    pub(crate) simulated: bool,
    /// Plates that wait for a person, for the navigation; nothing when that is not known.
    pub(crate) reviews: Option<u64>,
    /// The time at which it is made.
    pub(crate) now: OffsetDateTime,
}

impl View {
    /// The text in their language.
    pub(crate) const fn say(&self, word: Word) -> &'static str {
        self.language.say(word)
    }

    /// The sentence in their language, its places filled.
    pub(crate) fn fill(&self, word: Word, places: &[(&str, &str)]) -> String {
        self.language.fill(word, places)
    }

    /// Whether they have the right.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.principal.may(right)
    }

    /// The services, asked on their behalf.
    pub(crate) fn ask<'a>(&'a self, app: &'a App) -> Ask<'a> {
        Ask::new(&app.peers, &self.principal)
    }

    /// The same page with this in place of the value of `name` in the query; `None` drops it. Cursors are dropped always:
    /// they belong to the list that they were made for.
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> String {
        let kept = form(&self.query)
            .into_iter()
            .filter(|(key, _)| key != name && key != "cursor" && key != "lang");
        let pairs: Vec<_> = kept
            .chain(value.map(|value| (name.to_owned(), value.to_owned())))
            .map(|(key, value)| format!("{}={}", encode(&key), encode(&value)))
            .collect();
        if pairs.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, pairs.join("&"))
        }
    }
}

/// The pairs of a query string.
pub(crate) fn form(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A value as it stands in a URL.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The value of a field; empty when it was not sent.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value.as_str())
}

impl View {
    /// The look of a request that has not come to its page: without the time, and as if nothing were simulated.
    pub(crate) fn of_parts(parts: &Parts) -> Result<Self, Box<Response>> {
        let (session, principal) = session::of(parts)?;
        Ok(Self {
            principal,
            language: session::language(parts, &session.language),
            session,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            simulated: false,
            reviews: None,
            now: OffsetDateTime::UNIX_EPOCH,
        })
    }

    /// Whether the log-in is still good, with the same role.
    pub(crate) async fn still_there(&self, app: &App) -> Result<bool, sqlx::Error> {
        let role = sqlx::query_scalar!(
            "SELECT u.role FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = $1 AND s.ends_at > $2 AND u.disabled_at IS NULL",
            self.session.hash,
            app.clock.now(),
        )
        .fetch_optional(&app.pool)
        .await?;
        Ok(role.as_deref() == Some(self.principal.role.word()))
    }
}

impl FromRequestParts<App> for View {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let view = Self::of_parts(parts).map_err(|answer| *answer)?;
        let view = Self {
            simulated: app.console.simulated,
            now: app.clock.now(),
            ..view
        };
        let reviews = app.console.pending.of(&view, app).await;
        Ok(Self { reviews, ..view })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_survive_the_way_out_and_back() {
        let value = "a b&c=ñ%/+";
        assert_eq!(
            form(&format!("q={}", encode(value))),
            [("q".to_owned(), value.to_owned())]
        );
        assert_eq!(form("b"), [("b".to_owned(), String::new())]);
    }
}
