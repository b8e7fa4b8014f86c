//! The audit trail.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::{Api, doc};
use super::input::{Asking, Query};
use super::lists::{Limit, below, cursor, cut};
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
    let below = below(&wanted.cursor)?;
    let (scope, object) = (&asking.principal.scope, wanted.object.as_deref());
    if object.is_some_and(|object| object.chars().count() > 200) {
        return Err(Failure::Invalid("object: at most 200 characters".to_owned()).into());
    }
    let mut rows = audit::list(&asking.app.readers, scope, object, below, wanted.limit.0 + 1).await?;
    let next_cursor = cut(&mut rows, wanted.limit, |row| row.id);
    Ok(Json(Trail { rows, next_cursor }))
}
