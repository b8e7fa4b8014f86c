//! `/auditoria`: who did or saw what.

use axum::extract::State;
use axum::response::Response;
use maud::html;

use crate::audit;
use crate::console::layout::Page;
use crate::console::parts::{none, pager};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Rows on one page.
const PAGE: usize = 50;

/// `GET /auditoria`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadAudit)?;
    let below = value(&form(&view.query), "cursor").parse().ok();
    let scope = &view.principal.scope;
    let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
    let mut rows = audit::list(&app.readers, scope, None, below, limit)
        .await
        .map_err(Problem::from)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|row| row.id.to_string())
        .unwrap_or_default();
    let head = |word| html! { th role="columnheader" scope="col" { (view.say(word)) } };
    let body = html! {
        h1 { (view.say(w::AUDIT_TITLE)) }
        p class="lede" { (view.say(w::AUDIT_LEDE)) }
        div class="panel block" {
            @if rows.is_empty() { (none(view, w::AUDIT_EMPTY, false)) } @else {
                table class="stack" role="table" aria-label=(view.say(w::AUDIT_TITLE)) {
                    thead role="rowgroup" { tr role="row" { (head(w::COL_WHEN)) (head(w::COL_WHO)) (head(w::COL_ACTION)) (head(w::COL_OBJECT)) (head(w::REASON)) } }
                    tbody role="rowgroup" {
                        @for row in &rows {
                            tr role="row" data-row {
                                td role="cell" class="o2 end nowrap" { time datetime=(when::machine(row.at)) { (when::date(view.language, row.at)) } }
                                td role="cell" class="o1" { (row.name) }
                                td role="cell" class="o3" { code { (row.action) } }
                                td role="cell" class="o5 wide muted" { (row.object) }
                                td role="cell" class="o4 wide" { (row.reason.as_deref().unwrap_or_default()) }
                            }
                        }
                    }
                }
                (pager(view, rows.len(), &next))
            }
        }
    };
    Ok(Page::at("/auditoria", view.say(w::AUDIT_TITLE), body))
}
