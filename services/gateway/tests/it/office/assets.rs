//! Equipment and its record sheets.

use puente_proto::orders::assets_server::Assets;
use puente_proto::orders::get_asset_request::Key;
use puente_proto::orders::*;
use puente_proto::timestamp;
use tonic::{Request, Response, Status, async_trait};

use super::ocr::CAPTURE;
use super::{Desk, ORDER, tenant};
use crate::support::NOW;

pub(crate) const ASSET: &str = "019469d2-0000-7000-8000-00000000000e";
const SHEET: &str = "019469d2-0000-7000-8000-00000000000f";

/// `HV-000042`, with a sheet that is one version behind.
pub(crate) fn asset() -> Asset {
    Asset {
        asset_id: ASSET.to_owned(),
        number: "HV-000042".to_owned(),
        serial: "AC-7F3K-20911".to_owned(),
        origin: "corrected".to_owned(),
        confidence_permille: 815,
        by: "contact".to_owned(),
        data: [("brand".to_owned(), "Carrier".to_owned())].into(),
        order_id: ORDER.to_owned(),
        order_number: "OT-000042".to_owned(),
        version: 3,
        registered_at: Some(timestamp(NOW)),
        updated_at: Some(timestamp(NOW)),
        sheet_document_id: SHEET.to_owned(),
        sheet_version: 2,
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
    }
}

pub(crate) fn history() -> Vec<AssetFact> {
    let fact = |version, fact: &str| AssetFact {
        version,
        fact: fact.to_owned(),
        capture_id: CAPTURE.to_owned(),
        order_id: ORDER.to_owned(),
        origin: "corrected".to_owned(),
        by: "contact".to_owned(),
        at: Some(timestamp(NOW)),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        data: [("brand".to_owned(), "Carrier".to_owned())].into(),
        serial: "AC-7F3K-20911".to_owned(),
        confidence_permille: 815,
    };
    vec![fact(1, "registered"), fact(2, "seen")]
}

fn plain(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.collect::<String>().to_uppercase()
}

#[async_trait]
impl Assets for Desk {
    async fn get_asset(
        &self,
        request: Request<GetAssetRequest>,
    ) -> Result<Response<GetAssetResponse>, Status> {
        let whose = tenant(&request)?;
        let key = request.into_inner().key;
        let tables = self.tables.lock().unwrap();
        let fits = |one: &Asset| match &key {
            Some(Key::AssetId(id)) => one.asset_id == *id,
            Some(Key::Number(number)) => one.number == *number,
            Some(Key::Serial(serial)) => plain(&one.serial) == plain(serial),
            None => false,
        };
        let found = tables
            .assets
            .iter()
            .find(|(of, one, _)| *of == whose && fits(one));
        let (_, asset, history) = found.ok_or_else(|| Status::not_found("no such asset"))?;
        Ok(Response::new(GetAssetResponse {
            asset: Some(asset.clone()),
            history: history.clone(),
        }))
    }

    async fn list_assets(
        &self,
        request: Request<ListAssetsRequest>,
    ) -> Result<Response<ListAssetsResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let tables = self.tables.lock().unwrap();
        let fits = |one: &Asset| {
            let search = plain(&wanted.search);
            (search.is_empty() || plain(&one.serial).starts_with(&search) || plain(&one.number) == search)
                && (wanted.order_id.is_empty() || wanted.order_id == one.order_id)
        };
        let found = tables
            .assets
            .iter()
            .filter(|(of, one, _)| *of == whose && fits(one));
        Ok(Response::new(ListAssetsResponse {
            assets: found.map(|(_, one, _)| one.clone()).collect(),
            next_cursor: String::new(),
        }))
    }

    async fn update_asset(
        &self,
        request: Request<UpdateAssetRequest>,
    ) -> Result<Response<UpdateAssetResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        let found = tables
            .assets
            .iter_mut()
            .find(|(of, one, _)| *of == whose && one.asset_id == wanted.asset_id);
        let (_, one, _) = found.ok_or_else(|| Status::not_found("no such asset"))?;
        if wanted.version != 0 && wanted.version != one.version {
            return Err(Status::aborted("the asset was changed meanwhile"));
        }
        one.data.extend(wanted.data);
        one.data.retain(|_, value| !value.is_empty());
        one.version += 1;
        let one = one.clone();
        tables.done.push("update_asset".to_owned());
        Ok(Response::new(UpdateAssetResponse { asset: Some(one) }))
    }
}
