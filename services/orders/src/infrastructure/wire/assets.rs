//! Assets and what captures come to, between the published messages and our own words.

use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::{self as proto, AssetChanged, AssetRegistered};
use puente_proto::timestamp;
use puente_types::OrderId;
use time::OffsetDateTime;
use uuid::Uuid;

use super::word;
use crate::domain::asset::{Asset, AssetId, Confidence, Happened, Origin, Reading, Serial, facts};
use crate::domain::view::{AssetFactView, AssetView};

/// How a capture ended.
pub(crate) enum End {
    /// With a serial, for a new asset or for this one.
    Serial(Box<Reading>, Option<AssetId>),
    /// With nothing.
    Nothing,
}

/// What the end of a capture says; `None` while it goes on.
///
/// # Errors
/// What of it cannot be understood.
pub(crate) fn ended(told: &CaptureStateChanged) -> Result<Option<(Uuid, End)>, &'static str> {
    let with_serial = match told.after.as_str() {
        "Leido" | "EscritoAMano" | "Generado" => true,
        "Abandonado" => false,
        "Leyendo" | "PorConfirmar" | "OtraFoto" | "Ilegible" => return Ok(None),
        _ => return Err("the state is not known"),
    };
    let capture = Uuid::try_parse(&told.capture_id).map_err(|_| "the capture's id is none")?;
    if !with_serial {
        return Ok(Some((capture, End::Nothing)));
    }
    let asset = Some(told.asset_id.as_str())
        .filter(|id| !id.is_empty())
        .map(|id| Uuid::try_parse(id).map_err(|_| "the asset's id is none"))
        .transpose()?;
    let reading = Reading {
        capture,
        serial: Serial::new(&told.serial).ok_or("the serial is none")?,
        origin: Origin::named(&told.origin).ok_or("the origin is not known")?,
        confidence: Confidence::permille(told.confidence_permille),
        by: word(&told.by),
        facts: facts(&told.facts),
        // An order that is none links to nothing.
        order: told.order_id.parse().ok(),
    };
    let end = End::Serial(Box::new(reading), asset.map(Into::into));
    Ok(Some((capture, end)))
}

/// An asset has a record now.
pub(crate) fn registered(asset: &Asset, happened: &Happened, at: OffsetDateTime) -> AssetRegistered {
    AssetRegistered {
        asset_id: asset.id.to_string(),
        number: asset.number.to_string(),
        serial: asset.serial.printed().to_owned(),
        origin: asset.origin.name().to_owned(),
        confidence_permille: asset.confidence.get().into(),
        capture_id: capture(happened),
        order_id: order(happened),
        registered_at: Some(timestamp(at)),
    }
}

/// Something else happened to an asset.
pub(crate) fn changed(asset: &Asset, happened: &Happened, at: OffsetDateTime) -> AssetChanged {
    AssetChanged {
        asset_id: asset.id.to_string(),
        number: asset.number.to_string(),
        serial: asset.serial.printed().to_owned(),
        fact: happened.fact.name().to_owned(),
        capture_id: capture(happened),
        order_id: order(happened),
        by: happened.by.clone(),
        changed_at: Some(timestamp(at)),
    }
}

fn capture(happened: &Happened) -> String {
    let reading = happened.reading.as_ref();
    reading
        .map(|reading| reading.capture.to_string())
        .unwrap_or_default()
}

fn order(happened: &Happened) -> String {
    let order = happened.reading.as_ref().and_then(|reading| reading.order);
    order.as_ref().map(OrderId::to_string).unwrap_or_default()
}

/// An asset for who asks.
pub(crate) fn shown(view: AssetView) -> proto::Asset {
    let (sheet, sheet_version) = view.sheet.unzip();
    let (order, order_number) = view.order.unzip();
    proto::Asset {
        asset_id: view.id.to_string(),
        number: view.number.to_string(),
        serial: view.serial,
        origin: view.origin.name().to_owned(),
        confidence_permille: view.confidence.get().into(),
        by: view.by,
        data: view.data.into_iter().collect(),
        order_id: order.map(|order| order.to_string()).unwrap_or_default(),
        order_number: order_number.map(|number| number.to_string()).unwrap_or_default(),
        version: view.version,
        registered_at: Some(timestamp(view.registered_at)),
        updated_at: Some(timestamp(view.changed_at)),
        sheet_document_id: sheet.map(|sheet| sheet.to_string()).unwrap_or_default(),
        sheet_version: sheet_version.unwrap_or_default(),
        trace_id: trace(view.traceparent.as_deref()),
    }
}

/// Something that happened to an asset, for who asks.
pub(crate) fn fact(view: AssetFactView) -> proto::AssetFact {
    proto::AssetFact {
        version: view.version,
        fact: view.fact.name().to_owned(),
        capture_id: view
            .capture
            .map(|capture| capture.to_string())
            .unwrap_or_default(),
        order_id: view.order.map(|order| order.to_string()).unwrap_or_default(),
        origin: view.origin,
        by: view.by,
        at: Some(timestamp(view.at)),
        trace_id: trace(view.traceparent.as_deref()),
        data: view.data.into_iter().collect(),
        serial: view.serial,
        confidence_permille: view.confidence.get().into(),
    }
}

fn trace(traceparent: Option<&str>) -> String {
    let id = traceparent.and_then(puente_telemetry::trace_id);
    id.unwrap_or_default().to_owned()
}
