//! `/activos`: which equipment is known?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{Asset, ListAssetsRequest};

use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, none, pager, pill};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Assets on one page.
const PAGE: u32 = 50;
/// What is told of an asset in a list.
const TOLD: [&str; 3] = ["brand", "model", "location"];

/// `GET /activos`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadAssets)?;
    let title = view.say(w::ASSETS_TITLE);
    let pairs = form(&view.query);
    let body = html! {
        div class="title" {
            h1 { (title) }
            @if view.may(Right::ChangeCaptures) { a class="button primary end" href="/activos/leer" { (view.say(w::READ_PLATE)) } }
        }
        p class="lede" { (view.say(w::ASSETS_LEDE)) }
        div class="panel block" {
            form class="filters" action="/activos" {
                div class="field" {
                    label for="f-serial" { (view.say(w::ASSETS_SEARCH)) }
                    input id="f-serial" name="serial" type="search" maxlength="40" autocomplete="off" value=(value(&pairs, "serial"));
                }
                button type="submit" { (view.say(w::SEARCH)) }
            }
            @for part in parts(view, app).await.1 { (part) }
        }
    };
    let page = Page::at("/activos", title, body);
    // A list that one reads page by page does not move under the reader.
    Ok(if view.query.is_empty() {
        page.live("assets")
    } else {
        page
    })
}

/// The list.
pub(crate) async fn parts(view: &View, app: &App) -> (String, Vec<Markup>) {
    let pairs = form(&view.query);
    let search = value(&pairs, "serial").trim();
    let wanted = ListAssetsRequest {
        page_size: PAGE,
        cursor: value(&pairs, "cursor").to_owned(),
        search: search.chars().take(40).collect(),
        ..ListAssetsRequest::default()
    };
    let found = view.ask(app).list_assets(wanted).await;
    let list = html! {
        div id="assets" {
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("orders", status))) },
                Ok(found) if found.assets.is_empty() => (none(view, w::ASSETS_NONE, !search.is_empty())),
                Ok(found) => {
                    (table(view, &found.assets))
                    (pager(view, found.assets.len(), &found.next_cursor))
                },
            }
        }
    };
    (String::new(), vec![list])
}

/// What is known of an asset, in one line.
fn told(one: &Asset) -> String {
    let known = TOLD.iter().filter_map(|name| one.data.get(*name));
    known.map(String::as_str).collect::<Vec<_>>().join(" · ")
}

/// A list of assets.
pub(super) fn table(view: &View, all: &[Asset]) -> Markup {
    let head = |word| html! { th role="columnheader" scope="col" { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::ASSETS_TABLE)) {
            thead role="rowgroup" {
                tr role="row" { (head(w::COL_SERIAL)) (head(w::ASSET)) (head(w::FACT_ORIGIN)) (head(w::COL_DATA)) (head(w::COL_ORDER)) (head(w::COL_CHANGED)) }
            }
            tbody role="rowgroup" {
                @for one in all {
                    tr role="row" data-key=(one.asset_id) data-row {
                        td role="cell" class="o1" { a href={ "/activos/" (encode(&one.number)) } { span class="serial" { (one.serial) } } }
                        td role="cell" class="o3 nowrap" { (one.number) }
                        td role="cell" class="o2 end" { (pill(view, states::origin(&one.origin))) }
                        td role="cell" class="o5 wide" { (told(one)) }
                        td role="cell" class="o4 end nowrap" { @if view.may(Right::ReadOrders) && !one.order_number.is_empty() { a href={ "/pedidos/" (encode(&one.order_number)) } { (one.order_number) } } @else { (one.order_number) } }
                        td role="cell" class="o6 wide faint nowrap" { (ago(view, one.updated_at.as_ref())) }
                    }
                }
            }
        }
    }
}
