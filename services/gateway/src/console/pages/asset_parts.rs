//! Parts of a record sheet: what is known, photographs, history.

use std::borrow::Cow;

use maud::{Markup, html};
use puente_proto::documents::Document;
use puente_proto::orders::{Asset, AssetFact};

use super::asset::{KNOWN, by};
use super::capture::{is_shown, sees};
use crate::application::documents::{Wanted, list as documents};
use crate::application::failure::Failure;
use crate::application::questions::Missing;
use crate::console::names::Names;
use crate::console::parts::{away, date, fact, inked, pill, trace};
use crate::console::states;
use crate::console::view::View;
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::domain::documents::About;
use crate::state::App;

/// Photographs that the page shows, the newest first: each look at one is a row in the audit trail.
const SHOWN: u32 = 12;

/// What a value is called.
pub(super) fn what_is_known<'a>(view: &View, name: &'a str) -> Cow<'a, str> {
    match states::datum(name) {
        Some(word) => view.say(word).into(),
        None => name.replace('_', " ").into(),
    }
}

/// What is known of the asset.
pub(super) fn data(view: &View, one: &Asset) -> Markup {
    let known = KNOWN.into_iter().filter(|name| one.data.contains_key(*name));
    let mut others: Vec<_> = one
        .data
        .keys()
        .map(String::as_str)
        .filter(|name| !KNOWN.contains(name))
        .collect();
    others.sort_unstable();
    html! {
        section id="data" class="block" aria-labelledby="h-data" {
            header { h2 id="h-data" { (view.say(w::ASSET_DATA)) } }
            div class="panel" {
                @if one.data.is_empty() { p class="none" { (view.say(w::ASSET_DATA_NONE)) } }
                @else {
                    dl class="facts" {
                        @for name in known.chain(others) {
                            (fact(&what_is_known(view, name), html! { (one.data.get(name).map_or("", String::as_str)) }))
                        }
                    }
                }
            }
        }
    }
}

/// Its photographs.
pub(super) async fn photos(view: &View, app: &App, one: &Asset) -> Markup {
    let wanted = Wanted {
        about_kind: About::Asset.word().to_owned(),
        about_id: one.asset_id.clone(),
        kinds: vec!["photo".to_owned()],
        ..Wanted::default()
    };
    let found = documents(view.ask(app), &view.principal, &wanted, "", SHOWN).await;
    html! {
        section id="photos" class="block" aria-labelledby="h-photos" {
            header { h2 id="h-photos" { (view.say(w::ASSET_PHOTOS)) } }
            div class="panel pad" {
                @match &found {
                    _ if !sees(view) => p class="muted" { (view.say(w::PHOTO_HIDDEN)) },
                    Err(failure) => (gone(view, failure)),
                    Ok(found) => {
                        @for service in &found.unavailable { (away(view, Missing::Away(service))) }
                        @if found.items.is_empty() { @if found.unavailable.is_empty() { p class="muted" { (view.say(w::ASSET_PHOTOS_NONE)) } } }
                        @else { ul class="photos" { @for (_, document) in &found.items { (photo(view, document)) } } }
                    },
                }
            }
        }
    }
}

fn gone(view: &View, failure: &Failure) -> Markup {
    let missing = match failure {
        Failure::Away(service) | Failure::Busy(service) | Failure::Broken(service) => Missing::Away(service),
        Failure::NeedsTenant => Missing::OneTenant,
        _ => Missing::Nothing,
    };
    away(view, missing)
}

fn photo(view: &View, document: &Document) -> Markup {
    let at = when::local(document.stored_at.as_ref())
        .map(|at| when::date(view.language, at))
        .unwrap_or_default();
    let id = &document.document_id;
    html! {
        li data-key=(id) {
            @if is_shown(&document.media_type) {
                a href={ "/documentos/" (id) } { img loading="lazy" src={ "/documentos/" (id) "/imagen" } alt={ (view.say(w::PHOTO)) ", " (at) }; }
                small { (at) }
            } @else { a href={ "/documentos/" (id) } { (view.say(w::PHOTO)) ", " (at) } }
        }
    }
}

/// What happened to it, the newest first.
pub(super) fn history(view: &View, facts: &[AssetFact], names: &Names) -> Markup {
    html! {
        section id="history" class="block" aria-labelledby="h-history" {
            header { h2 id="h-history" { (view.say(w::ASSET_HISTORY)) } }
            ol class="panel signers" {
                @for one in facts.iter().rev() { (happened(view, one, names)) }
            }
        }
    }
}

fn happened(view: &View, one: &AssetFact, names: &Names) -> Markup {
    let (word, family, icon) = match one.fact.as_str() {
        "registered" => (w::AF_REGISTERED, "good", "check"),
        "seen" => (w::AF_SEEN, "wait", "again"),
        "mismatch" => (w::AF_MISMATCH, "warn", "alert"),
        _ => (w::AF_CHANGED, "rest", "person"),
    };
    let mut data: Vec<_> = one.data.iter().collect();
    data.sort();
    html! {
        li class=(family) data-key={ "fact-" (one.version) } data-row {
            (inked(icon))
            div {
                h3 { (view.fill(word, &[("serial", &one.serial)])) }
                p class="muted" { (date(view, one.at.as_ref())) " · " (by(view, names, &one.by)) }
                @for (name, value) in data {
                    p { (what_is_known(view, name)) ": " @if value.is_empty() { span class="muted" { (view.say(w::DATA_REMOVED)) } } @else { (value) } }
                }
                p class="links" {
                    @if !one.order_id.is_empty() && view.may(Right::ReadOrders) { a class="more" href={ "/pedidos/" (one.order_id) } { (view.say(w::OPEN_ORDER)) } " " }
                    @if !one.capture_id.is_empty() && view.may(Right::ReadCaptures) { a class="more" href={ "/revision-ocr/" (one.capture_id) } { (view.say(w::SEE_READING)) } " " }
                    (trace(view, &one.trace_id))
                }
            }
            @if !one.origin.is_empty() { (pill(view, states::origin(&one.origin))) }
        }
    }
}
