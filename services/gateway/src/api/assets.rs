//! Equipment and its record sheets. Its photographs and sheets are documents about `asset`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use puente_proto::orders::{ListAssetsRequest, UpdateAssetRequest};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Query, invalid};
use super::lists::{Limit, cursor};
use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::plates::asset;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const ASSET: &str = "puente.orders.v1.Asset";
/// Values that one command changes, and how long they may be: as the contract says.
const MOST_VALUES: usize = 20;
const LONGEST_NAME: usize = 40;
const LONGEST_VALUE: usize = 200;
/// Characters of a serial that is looked for at most.
const LONGEST_SEARCH: usize = 40;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadAssets);
    api.get(
        "/api/assets",
        read,
        list,
        doc("listAssets", "Equipment, the one last changed first")
            .query::<Wanted>()
            .message("puente.orders.v1.ListAssetsResponse"),
    )
    .get(
        "/api/assets/{id}",
        read,
        get,
        doc("getAsset", "One asset by its id or number, with its history")
            .message("puente.orders.v1.GetAssetResponse"),
    )
    .patch(
        "/api/assets/{id}",
        Access::Needs(Right::ChangeAssets),
        change,
        doc(
            "changeAsset",
            "Changes what is known of an asset; its serial stays, and a new sheet is made",
        )
        .body::<Changed>()
        .object(&[("asset", Shape::Message(ASSET))]),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Assets in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// Those whose number is, or whose serial begins with, this; letters and digits alone are compared.
    #[serde(default)]
    #[param(value_type = Option<String>, max_length = 40)]
    search: String,
    /// Those of this order, by id or number.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    order: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let order_id = match wanted.order.as_str() {
        "" => String::new(),
        which => order(asking.ask(), &asking.principal, which).await?.order_id,
    };
    if wanted.search.chars().count() > LONGEST_SEARCH {
        return Err(Failure::Invalid("search: at most 40 characters".to_owned()).into());
    }
    let question = ListAssetsRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        search: wanted.search,
        order_id,
    };
    let page = asking.ask().list_assets(question).await;
    let page = page.map_err(|status| Failure::of("orders", &status))?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen("puente.orders.v1.ListAssetsResponse", &page, show)))
}

async fn get(asking: Asking, Path(which): Path<String>) -> Answer {
    let found = asset(asking.ask(), &which).await?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen("puente.orders.v1.GetAssetResponse", &found, show)))
}

/// What is known now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Changed {
    /// Values by name, at most 20: names of 1 to 40 characters `a-z_`, values up to 200; an empty value removes one.
    data: BTreeMap<String, String>,
    /// The version that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    version: i64,
}

impl Changed {
    fn checked(&self) -> Result<(), Problem> {
        if self.version < 0 {
            return Err(invalid("version", "0 or more"));
        }
        if !(1..=MOST_VALUES).contains(&self.data.len()) {
            return Err(invalid("data", "1 to 20 values"));
        }
        for (name, value) in &self.data {
            let named = (1..=LONGEST_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !named {
                return Err(invalid("data", "names have 1 to 40 characters a-z and _"));
            }
            if value.chars().count() > LONGEST_VALUE {
                return Err(invalid(&format!("data.{name}"), "at most 200 characters"));
            }
        }
        Ok(())
    }
}

async fn change(asking: Asking, Path(which): Path<String>, Body(changed): Body<Changed>) -> Answer {
    changed.checked()?;
    let found = asset(asking.ask(), &which).await?.asset;
    let found = found.ok_or_else(Problem::not_found)?;
    let names: Vec<_> = changed.data.keys().cloned().collect();
    let before = json!({ "version": found.version });
    let after = json!({ "data": names });
    let command = UpdateAssetRequest {
        asset_id: found.asset_id.clone(),
        version: changed.version,
        data: changed.data.into_iter().collect(),
        idempotency_key: asking.key.clone(),
    };
    let doing = async {
        let done = asking.ask().update_asset(command).await;
        let done = done.map_err(|status| Failure::of("orders", &status))?;
        Ok(done.asset)
    };
    let done = asking
        .recorded(
            "asset.changed",
            &found.asset_id,
            (Some(before), Some(after)),
            None,
            doing,
        )
        .await?;
    let show = Show::to(&asking.principal);
    Ok(Json(
        json!({ "asset": seen(ASSET, &done.unwrap_or(found), show) }),
    ))
}
