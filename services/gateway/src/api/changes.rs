//! What all changes share: a reason, the row in the audit trail before the thing is done, answers that are told once.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::ToSchema;

use super::input::Asking;
use crate::audit::{self, Entry};
use crate::domain::Role;
use crate::web::Problem;
use crate::web::idempotency::KeepInstead;

/// A reason: 3 to 500 characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why.
    #[serde(deserialize_with = "reason")]
    #[schema(min_length = 3, max_length = 500)]
    pub(crate) reason: String,
}

/// A reason as it is read.
pub(crate) fn reason<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if (3..=500).contains(&text.trim().chars().count()) && text.chars().count() <= 500 {
        Ok(text.trim().to_owned())
    } else {
        Err(de::Error::custom("3 to 500 characters"))
    }
}

impl Asking {
    /// Writes the row, and does the thing.
    pub(crate) async fn recorded<T>(
        &self,
        action: &'static str,
        object: &str,
        (before, after): (Option<Value>, Option<Value>),
        reason: Option<&str>,
        doing: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        if !audit::may_be_object(object) {
            return Err(Problem::not_found());
        }
        let entry = Entry {
            action,
            object,
            before,
            after,
            reason,
            trace: &self.trace,
        };
        audit::recorded(&self.app, &self.principal, entry, doing).await
    }

    /// Writes the row of something that is shown.
    pub(crate) async fn revealed(
        &self,
        action: &'static str,
        object: &str,
        reason: &str,
    ) -> Result<(), Problem> {
        if !audit::may_be_object(object) {
            return Err(Problem::not_found());
        }
        let entry = Entry {
            action,
            object,
            reason: Some(reason),
            trace: &self.trace,
            ..Entry::default()
        };
        audit::record(&self.app, &self.principal, &entry).await?;
        Ok(())
    }
}

/// A role.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleWord {
    Admin,
    Agent,
    Technician,
    Finance,
    Operator,
    Viewer,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Admin => Self::Admin,
            RoleWord::Agent => Self::Agent,
            RoleWord::Technician => Self::Technician,
            RoleWord::Finance => Self::Finance,
            RoleWord::Operator => Self::Operator,
            RoleWord::Viewer => Self::Viewer,
        }
    }
}

/// An answer whose secret is not kept for repeated requests.
pub(crate) fn once(told: &impl Serialize, kept: &impl Serialize) -> Response {
    let mut response = Json(serde_json::to_value(told).unwrap_or_default()).into_response();
    let kept = serde_json::to_vec(kept).unwrap_or_default();
    response.extensions_mut().insert(KeepInstead(Bytes::from(kept)));
    response
}
