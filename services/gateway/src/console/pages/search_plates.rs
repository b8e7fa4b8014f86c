//! The part of the search that finds equipment and the photographs of its plates.

use futures::future::join_all;
use maud::{Markup, html};
use puente_proto::ocr::{Capture, GetCaptureRequest, ListCapturesRequest};
use puente_proto::operations::PublishedEvent;
use puente_proto::orders::{Asset, ListAssetsRequest};

use super::search::part;
use super::{assets, captures};
use crate::application::plates::asset;
use crate::console::view::{View, encode};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Results of a kind.
const MOST: u32 = 20;
/// Of those that events name, so many are looked up.
const LOOKED_UP: usize = 5;

/// What was found.
#[derive(Default)]
pub(super) struct Plates {
    assets: Vec<Asset>,
    captures: Vec<Capture>,
}

impl Plates {
    /// Whether nothing was.
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty() && self.captures.is_empty()
    }
}

/// The page of the asset of this number.
pub(super) async fn sheet(view: &View, app: &App, number: &str) -> Option<String> {
    if !view.may(Right::ReadAssets) {
        return None;
    }
    let found = asset(view.ask(app), number).await.ok()?.asset?;
    Some(format!("/activos/{}", encode(&found.number)))
}

/// The page of the asset or capture of this id.
pub(super) async fn of_id(view: &View, app: &App, id: &str) -> Option<String> {
    if let Some(place) = sheet(view, app, id).await {
        return Some(place);
    }
    let wanted = GetCaptureRequest {
        capture_id: id.to_owned(),
    };
    let found = view.may(Right::ReadCaptures) && view.ask(app).get_capture(wanted).await.is_ok();
    found.then(|| format!("/revision-ocr/{}", encode(id)))
}

/// Equipment whose serial begins so, and readings of it.
pub(super) async fn by_serial(view: &View, app: &App, serial: &str) -> Plates {
    let ask = view.ask(app);
    let assets = async {
        if !view.may(Right::ReadAssets) {
            return Vec::new();
        }
        let wanted = ListAssetsRequest {
            page_size: MOST,
            search: serial.to_owned(),
            ..ListAssetsRequest::default()
        };
        let found = ask.list_assets(wanted).await;
        found.map(|found| found.assets).unwrap_or_default()
    };
    let captures = async {
        if !view.may(Right::ReadCaptures) {
            return Vec::new();
        }
        let wanted = ListCapturesRequest {
            page_size: MOST,
            serial: serial.to_owned(),
            ..ListCapturesRequest::default()
        };
        let found = ask.list_captures(wanted).await;
        found.map(|found| found.captures).unwrap_or_default()
    };
    let (assets, captures) = futures::join!(assets, captures);
    Plates { assets, captures }
}

/// Those that events tell of.
pub(super) async fn of_events(view: &View, app: &App, events: &[PublishedEvent]) -> Plates {
    let ids = |kind: &str| {
        let told = events.iter().filter(|event| event.r#type.contains(kind));
        let mut ids: Vec<_> = told.map(|event| event.aggregate_id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(LOOKED_UP);
        ids
    };
    let ask = view.ask(app);
    let assets = async {
        let mine = if view.may(Right::ReadAssets) {
            ids(".orders.v1.Asset")
        } else {
            Vec::new()
        };
        let asked = mine.iter().map(|id| asset(ask, id));
        let answers = join_all(asked).await.into_iter();
        answers.filter_map(|answer| answer.ok()?.asset).collect()
    };
    let captures = async {
        let mine = if view.may(Right::ReadCaptures) {
            ids(".v1.Capture")
        } else {
            Vec::new()
        };
        let asked = mine
            .into_iter()
            .map(|capture_id| ask.get_capture(GetCaptureRequest { capture_id }));
        let answers = join_all(asked).await.into_iter();
        answers.filter_map(|answer| answer.ok()?.capture).collect()
    };
    let (assets, captures) = futures::join!(assets, captures);
    Plates { assets, captures }
}

/// What was found, on the page.
pub(super) fn parts(view: &View, found: &Plates) -> Markup {
    html! {
        @if !found.assets.is_empty() { (part(view, w::FOUND_ASSETS, assets::table(view, &found.assets))) }
        @if !found.captures.is_empty() { (part(view, w::FOUND_CAPTURES, captures::table(view, &found.captures))) }
    }
}
