//! One box for any id.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::describe::{Api, doc};
use super::input::{Asking, Query};
use crate::application::failure::Failure;
use crate::application::search::{Found, search};
use crate::web::{Access, Problem};

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/api/search",
        Access::Known,
        find,
        doc(
            "search",
            "What an order's or an asset's number, a serial, an id, a phone number or a trace id leads to",
        )
        .query::<Wanted>()
        .answer::<Found>(),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `OT-000042`, `HV-000042`, a serial, an id, a phone number or its last 7 digits or more, or a trace id.
    #[param(min_length = 1, max_length = 100)]
    q: String,
}

async fn find(asking: Asking, Query(Wanted { q }): Query<Wanted>) -> Result<Json<Found>, Problem> {
    if q.is_empty() || q.chars().count() > 100 {
        return Err(Failure::Invalid("q: 1 to 100 characters".to_owned()).into());
    }
    Ok(Json(search(asking.ask(), &asking.principal, &q).await))
}
