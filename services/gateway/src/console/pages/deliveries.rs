//! `/entregas`: did it arrive, and what became of it? The list of everything that providers sent.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::ingress::{Delivery, ListDeliveriesRequest};

use super::delivery_filter::{PARTS, VIEWS, filter, kept, providers};
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{away, fine_time, none, pager, pill, provider, views};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Deliveries on one page.
const PAGE: u32 = 50;
/// The parts of a filter that people write here.
const FIELDS: [&str; 3] = ["servicio", "desde", "hasta"];

/// `GET /entregas`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadTraffic)?;
    let pairs = form(&view.query);
    let request = ListDeliveriesRequest {
        filter: Some(filter(&pairs)),
        page_size: PAGE,
        cursor: value(&pairs, "cursor").to_owned(),
    };
    let found = view.ask(app).list_deliveries(request).await;
    let kept = kept(&pairs);
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let newest = found
        .as_ref()
        .ok()
        .and_then(|found| found.deliveries.first())
        .map_or(0, |first| first.receipt_sequence);
    let body = html! {
        div class="title" {
            h1 { (view.say(w::DELIVERIES_TITLE)) }
            @if view.may(Right::Replay) { a class="button small" href={ "/repeticiones/nueva?" (kept) } { (view.say(w::REPLAY_NEW)) } }
        }
        p class="lede" { (view.say(w::DELIVERIES_LEDE)) }
        div class="panel block" {
            (views(view, "vista", view.say(w::DELIVERIES), value(&pairs, "vista"), &tabs))
            (filters(view, &pairs))
            div id="fresh" role="status" {}
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("ingress", status))) },
                Ok(found) if found.deliveries.is_empty() => (none(view, w::DELIVERIES_NONE, !kept.is_empty())),
                Ok(found) => {
                    (table(view, &found.deliveries))
                    (pager(view, found.deliveries.len(), &found.next_cursor))
                },
            }
        }
    };
    let page = Page::at("/entregas", view.say(w::DELIVERIES_TITLE), body);
    let first_page = value(&pairs, "cursor").is_empty();
    Ok(if first_page {
        page.live(format!("deliveries:{newest}?{kept}"))
    } else {
        page
    })
}

/// How many of those that the list shows came in after the one at its top; the list itself never moves under its reader.
/// `of` names that one, and the filter of the list: `42?vista=rechazadas`.
pub(crate) async fn fresh(view: &View, app: &App, of: &str) -> Markup {
    let (newest, query) = of.split_once('?').unwrap_or((of, ""));
    let newest: i64 = newest.parse().unwrap_or_default();
    let pairs = form(query);
    let kept = kept(&pairs);
    let request = ListDeliveriesRequest {
        filter: Some(filter(&pairs)),
        page_size: PAGE,
        ..ListDeliveriesRequest::default()
    };
    let found = view.ask(app).list_deliveries(request).await;
    let all = found.map(|found| found.deliveries).unwrap_or_default();
    let count = all.iter().filter(|one| one.receipt_sequence > newest).count();
    let shown = if count == all.len() && count > 1 {
        format!("{count}+")
    } else {
        count.to_string()
    };
    html! {
        div id="fresh" role="status" class=[(count > 0).then_some("fresh")] {
            @if count > 0 {
                span { (view.fill(w::NEW_WAIT, &[("n", &shown)])) }
                a href={ "/entregas" @if !kept.is_empty() { "?" (kept) } } { (view.say(w::SHOW_THEM)) }
            }
        }
    }
}

fn filters(view: &View, pairs: &[(String, String)]) -> Markup {
    html! {
        form class="filters" method="get" action="/entregas" {
            // What has no field of its own here.
            @for name in PARTS.into_iter().filter(|name| !FIELDS.contains(name)) {
                @if !value(pairs, name).is_empty() { input type="hidden" name=(name) value=(value(pairs, name)); }
            }
            div class="field" {
                label for="f-provider" { (view.say(w::PROVIDER)) }
                (providers(view, "f-provider", value(pairs, "servicio")))
            }
            div class="field" { label for="f-since" { (view.say(w::REPLAY_SINCE)) } input id="f-since" name="desde" type="datetime-local" value=(value(pairs, "desde")); }
            div class="field" { label for="f-until" { (view.say(w::REPLAY_UNTIL)) } input id="f-until" name="hasta" type="datetime-local" value=(value(pairs, "hasta")); }
            button class="small" type="submit" { (view.say(w::FILTER)) }
        }
    }
}

/// Deliveries, one a line; also for the results of a search.
pub(crate) fn table(view: &View, deliveries: &[Delivery]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::DELIVERIES_TABLE)) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::RECEIVED, "")) (head(w::COL_ORIGIN, "")) (head(w::COL_OUTCOME, "")) (head(w::COL_ABOUT, "")) (head(w::COL_EVENTS, "num")) (head(w::COL_SIZE, "num"))
                }
            }
            tbody role="rowgroup" {
                @for one in deliveries {
                    tr role="row" data-key=(one.id) data-row {
                        td role="cell" class="o4 nowrap muted" { (fine_time(one.received_at.as_ref())) }
                        td role="cell" class="o1" { a href={ "/entregas/" (one.id) } { (provider(&one.provider)) } }
                        td role="cell" class="o2 end" { (pill(view, states::delivery(&one.outcome))) }
                        td role="cell" class="o3 wide muted" { @if one.reason.is_empty() { (one.connection) } @else { (one.reason) } }
                        td role="cell" class="num o5 end" data-label=(view.say(w::COL_EVENTS)) { (one.events) }
                        td role="cell" class="num drop" { (when::count(view.language, u64::from(one.body_bytes))) " B" }
                    }
                }
            }
        }
    }
}
