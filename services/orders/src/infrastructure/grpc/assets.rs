//! The service `Assets`: equipment and its record sheets.

use std::sync::Arc;

use puente_proto::orders::assets_server::Assets as Service;
use puente_proto::orders::get_asset_request::Key;
use puente_proto::orders::{
    GetAssetRequest, GetAssetResponse, ListAssetsRequest, ListAssetsResponse, UpdateAssetRequest,
    UpdateAssetResponse,
};
use puente_rpc::{Caller, answer, cursor};
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::super::store::{NotWritten, PgOrders, PgQueries};
use super::super::wire::assets as wire;
use super::{ask, commands};
use crate::application::list_assets::list_assets;
use crate::domain::asset::{AssetNumber, Serial};
use crate::domain::queries::AssetQueries;
use crate::domain::view::{AssetFilter, AssetKey, AssetSearch};

/// The kind of cursors of assets: when the last one changed, and its id.
const CURSOR: u8 = 5;
/// Longer than any serial.
const MAX_SEARCH: usize = 128;

/// Answers about assets.
#[derive(Clone)]
pub(super) struct Assets {
    pub(super) orders: PgOrders,
    pub(super) queries: PgQueries,
    /// Wakes whoever makes sheets.
    pub(super) sheets: Arc<Notify>,
}

#[tonic::async_trait]
impl Service for Assets {
    async fn get_asset(
        &self,
        request: Request<GetAssetRequest>,
    ) -> Result<Response<GetAssetResponse>, Status> {
        answer("Assets/GetAsset", request, |caller, question| {
            self.get(caller, question)
        })
        .await
    }

    async fn list_assets(
        &self,
        request: Request<ListAssetsRequest>,
    ) -> Result<Response<ListAssetsResponse>, Status> {
        answer("Assets/ListAssets", request, |caller, question| {
            self.list(caller, question)
        })
        .await
    }

    async fn update_asset(
        &self,
        request: Request<UpdateAssetRequest>,
    ) -> Result<Response<UpdateAssetResponse>, Status> {
        answer("Assets/UpdateAsset", request, |caller, wish| {
            self.update(caller, wish)
        })
        .await
    }
}

impl Assets {
    async fn get(&self, caller: Caller, question: GetAssetRequest) -> Result<GetAssetResponse, Status> {
        let key = match question.key {
            Some(Key::AssetId(id)) => AssetKey::Id(ask::id(&id, "an asset")?),
            Some(Key::Number(number)) => {
                let number = AssetNumber::read(&number);
                AssetKey::Number(number.ok_or_else(|| Status::invalid_argument("give a number: HV-000042"))?)
            }
            Some(Key::Serial(serial)) => {
                let serial = Serial::new(&serial);
                AssetKey::Serial(serial.ok_or_else(|| Status::invalid_argument("give a serial"))?)
            }
            None => {
                return Err(Status::invalid_argument(
                    "give an asset's id, its number or its serial",
                ));
            }
        };
        let tenant = caller.tenant()?;
        let found = AssetQueries::find(&self.queries, tenant, key)
            .await
            .map_err(ask::failed)?;
        let asset = found.ok_or_else(unknown)?;
        let history = self
            .queries
            .history(tenant, asset.id)
            .await
            .map_err(ask::failed)?;
        Ok(GetAssetResponse {
            asset: Some(wire::shown(asset)),
            history: history.into_iter().map(wire::fact).collect(),
        })
    }

    async fn list(&self, caller: Caller, question: ListAssetsRequest) -> Result<ListAssetsResponse, Status> {
        let search = ask::text(question.search, "a search", MAX_SEARCH)?;
        let filter = AssetFilter {
            search: AssetSearch::read(&search),
            order: ask::optional_id(&question.order_id, "an order")?,
        };
        if !search.is_empty() && filter.search.is_none() {
            // It has nothing that a serial could begin with.
            return Ok(ListAssetsResponse::default());
        }
        let after = ask::place(CURSOR, &question.cursor)?;
        let page = list_assets(
            &self.queries,
            caller.tenant()?,
            &filter,
            after,
            question.page_size,
        )
        .await
        .map_err(ask::failed)?;
        let next = page
            .last_of_many()
            .map(|last| cursor::of_moment(CURSOR, last.changed_at, last.id.uuid()));
        Ok(ListAssetsResponse {
            next_cursor: next.unwrap_or_default(),
            assets: page.entries.into_iter().map(wire::shown).collect(),
        })
    }

    async fn update(&self, caller: Caller, wish: UpdateAssetRequest) -> Result<UpdateAssetResponse, Status> {
        let tenant = caller.tenant()?;
        ask::somebody(&caller)?;
        let id = ask::id(&wish.asset_id, "an asset")?;
        let mut said = vec![
            "asset".to_owned(),
            wish.asset_id.clone(),
            wish.version.to_string(),
        ];
        let changes: std::collections::BTreeMap<_, _> = wish.data.into_iter().collect();
        said.extend(
            changes
                .iter()
                .flat_map(|(name, value)| [name.clone(), value.clone()]),
        );
        let issued = commands::issued(&caller, wish.idempotency_key, &said)?;
        let expected = commands::expected(wish.version)?;
        let asset = self
            .orders
            .write_asset(tenant, id, expected, &changes, &issued)
            .await
            .map_err(refused)?;
        self.sheets.notify_waiters();
        Ok(UpdateAssetResponse { asset: Some(asset) })
    }
}

fn unknown() -> Status {
    Status::not_found("there is no such asset")
}

fn refused(error: NotWritten) -> Status {
    let reason = error.to_string();
    match error {
        NotWritten::Unknown => unknown(),
        NotWritten::KeyUsed => Status::failed_precondition(reason),
        NotWritten::Moved { .. } => Status::aborted(reason),
        NotWritten::Bad(_) => Status::invalid_argument(reason),
        NotWritten::Store(error) => ask::failed(error),
    }
}
