//! The audit trail.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::describe::{Api, doc};
use super::input::{Asking, Query};
use super::lists::{Limit, cursor};
use crate::application::failure::Failure;
use crate::audit::{self, Row};
use crate::domain::Right;
use crate::web::{Access, Problem};

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/api/audit",
        Access::Needs(Right::ReadAudit),
        list,
        doc("listAudit", "Who did or saw what, newest first")
            .query::<Wanted>()
            .answer::<Trail>(),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Rows in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// Rows about this thing.
    #[param(max_length = 200)]
    object: Option<String>,
}

/// A part of the trail.
#[derive(Debug, Serialize, ToSchema)]
struct Trail {
    /// Newest first.
    rows: Vec<Row>,
    /// Where older ones begin; empty when there are none.
    next_cursor: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Result<Json<Trail>, Problem> {
    let below = match wanted.cursor.as_str() {
        "" => None,
        text => Some(
            Uuid::try_parse(text).map_err(|_| Failure::Invalid("the cursor is none of ours".to_owned()))?,
        ),
    };
    let (scope, object) = (&asking.principal.scope, wanted.object.as_deref());
    if object.is_some_and(|object| object.chars().count() > 200) {
        return Err(Failure::Invalid("object: at most 200 characters".to_owned()).into());
    }
    let mut rows = audit::list(&asking.app.readers, scope, object, below, wanted.limit.0 + 1).await?;
    let limit = usize::try_from(wanted.limit.0).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| row.id.to_string()).unwrap_or_default();
    Ok(Json(Trail { rows, next_cursor }))
}
