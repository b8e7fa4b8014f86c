//! The part of the search that finds equipment and the photographs of its plates.

use futures::future::FutureExt as _;
use puente_proto::ocr::{GetCaptureRequest, ListCapturesRequest};
use puente_proto::operations::ListEventsRequest;
use puente_proto::operations::list_events_request::Key;
use puente_proto::orders::ListAssetsRequest;

use super::failure::Failure;
use super::plates::asset;
use super::questions::Ask;
use super::search::{Hit, Looking, MOST, hit, one};

/// The asset of this number or id.
pub(super) async fn sheet(ask: Ask<'_>, which: &str) -> Result<Vec<Hit>, Failure> {
    match asset(ask, which).await {
        Ok(found) => Ok(found
            .asset
            .into_iter()
            .map(|one| hit("asset", "orders", one.asset_id, one.serial))
            .collect()),
        Err(Failure::NotFound) => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// The capture of this id.
pub(super) async fn reading(ask: Ask<'_>, id: &str) -> Result<Vec<Hit>, Failure> {
    let question = GetCaptureRequest {
        capture_id: id.to_owned(),
    };
    let found = one("ocr", ask.get_capture(question).await)?.and_then(|found| found.capture);
    Ok(found
        .into_iter()
        .map(|one| hit("capture", "ocr", one.capture_id, one.serial))
        .collect())
}

/// Equipment and captures of a serial.
pub(super) fn serials<'a>(ask: Ask<'a>, text: &str) -> Vec<Looking<'a>> {
    let (first, second) = (text.to_owned(), text.to_owned());
    vec![
        async move {
            let question = ListAssetsRequest {
                page_size: MOST,
                search: first,
                ..ListAssetsRequest::default()
            };
            let found = one("orders", ask.list_assets(question).await)?.unwrap_or_default();
            let all = found.assets.into_iter();
            Ok(all
                .map(|one| hit("asset", "orders", one.asset_id, one.serial))
                .collect())
        }
        .boxed(),
        async move {
            let question = ListCapturesRequest {
                page_size: MOST,
                serial: second,
                ..ListCapturesRequest::default()
            };
            let found = one("ocr", ask.list_captures(question).await)?.unwrap_or_default();
            let all = found.captures.into_iter();
            Ok(all
                .map(|one| hit("capture", "ocr", one.capture_id, one.serial))
                .collect())
        }
        .boxed(),
    ]
}

/// What the events of a trace say of equipment and captures.
pub(super) async fn plates_of(ask: Ask<'_>, service: &'static str, trace: &str) -> Result<Vec<Hit>, Failure> {
    let Some(peer) = ask.named(service) else {
        return Ok(Vec::new());
    };
    let question = ListEventsRequest {
        key: Some(Key::TraceId(trace.to_owned())),
        limit: MOST,
        ..ListEventsRequest::default()
    };
    let found = one(service, ask.list_events(peer, question).await)?.unwrap_or_default();
    let mut hits: Vec<Hit> = Vec::new();
    for event in found.events {
        let kind = if event.r#type.starts_with("puente.ocr.v1.Capture") {
            "capture"
        } else if event.r#type.starts_with("puente.orders.v1.Asset") {
            "asset"
        } else {
            continue;
        };
        if !hits.iter().any(|hit| hit.id == event.aggregate_id) {
            hits.push(hit(kind, service, event.aggregate_id, ""));
        }
    }
    Ok(hits)
}
