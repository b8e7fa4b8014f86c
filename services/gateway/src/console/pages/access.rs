//! `/accesos`: who may enter. Nothing secret is shown, because nothing secret is kept.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use crate::accounts::{self, Account};
use crate::console::layout::{self, Page};
use crate::console::parts::pill;
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::View;
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::keys::{self, Key};
use crate::state::App;

/// `GET /accesos`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ManageAccess)?;
    let scope = &view.principal.scope;
    let people = accounts::list(&app.pool, scope).await?;
    let keys = keys::list(&app.pool, scope).await?;
    let body = html! {
        h1 { (view.say(w::ACCESS_TITLE)) }
        p class="lede" { (view.say(w::ACCESS_LEDE)) }
        section class="block" aria-labelledby="h-people" {
            header { h2 id="h-people" { (view.say(w::PEOPLE)) } }
            div class="panel" { (table_of_people(view, &people)) }
        }
        section class="block" aria-labelledby="h-keys" {
            header { h2 id="h-keys" { (view.say(w::KEYS)) } }
            div class="panel" { @if keys.is_empty() { p class="none" { (view.say(w::NONE)) } } @else { (table_of_keys(view, &keys)) } }
        }
    };
    Ok(Page::at("/accesos", view.say(w::ACCESS_TITLE), body))
}

fn head(view: &View, word: w::Word) -> Markup {
    html! { th role="columnheader" scope="col" { (view.say(word)) } }
}

fn role_word(view: &View, role: &str) -> String {
    role.parse().map_or_else(
        |_| role.to_owned(),
        |role| view.say(layout::role(role)).to_owned(),
    )
}

fn table_of_people(view: &View, people: &[Account]) -> Markup {
    html! {
        table class="stack" role="table" aria-label=(view.say(w::PEOPLE)) {
            thead role="rowgroup" { tr role="row" { (head(view, w::COL_NAME)) (head(view, w::STATE)) (head(view, w::LOGIN_EMAIL)) (head(view, w::COL_ROLE)) } }
            tbody role="rowgroup" {
                @for one in people {
                    tr role="row" data-row {
                        td role="cell" class="o1" { (one.name) }
                        td role="cell" class="o2 end" { (pill(view, states::access(one.disabled_at.is_none()))) }
                        td role="cell" class="o3 wide muted" { (one.email) }
                        td role="cell" class="o4" { (role_word(view, &one.role)) }
                    }
                }
            }
        }
    }
}

fn table_of_keys(view: &View, keys: &[Key]) -> Markup {
    html! {
        table class="stack" role="table" aria-label=(view.say(w::KEYS)) {
            thead role="rowgroup" { tr role="row" { (head(view, w::COL_NAME)) (head(view, w::STATE)) (head(view, w::COL_KEY)) (head(view, w::COL_ROLE)) (head(view, w::COL_USED)) } }
            tbody role="rowgroup" {
                @for one in keys {
                    @let good = one.revoked_at.is_none() && one.expires_at.is_none_or(|end| end > view.now);
                    tr role="row" data-row {
                        td role="cell" class="o1" { (one.name) }
                        td role="cell" class="o2 end" { (pill(view, states::access(good))) }
                        td role="cell" class="o3" { code { (one.prefix) "…" } }
                        td role="cell" class="o4 end" { (role_word(view, &one.role)) }
                        td role="cell" class="o5 wide faint" { (one.last_used_at.map_or_else(|| view.say(w::NEVER).to_owned(), |at| when::ago(view.language, view.now, at))) }
                    }
                }
            }
        }
    }
}
