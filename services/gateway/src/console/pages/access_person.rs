//! `/accesos/personas/{id}`: one person who logs in, and what may be changed about them.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use super::access::{role_word, roles};
use crate::accounts::{self, Account};
use crate::console::layout::Page;
use crate::console::parts::{csrf, fact, pill};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::View;
use crate::console::words as w;
use crate::domain::{Right, Role, Who};
use crate::state::App;

/// `GET /accesos/personas/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = page(&view, &app, &id).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App, id: &str) -> Answer {
    view.see(Right::ManageAccess)?;
    let id: Uuid = id.parse().map_err(|_| Problem::NotFound)?;
    let found = accounts::get(&app.pool, &view.principal.scope, id).await?;
    let account = found.ok_or(Problem::NotFound)?;
    let body = html! {
        h1 { (account.name) }
        div class="panel pad" {
            dl class="facts" {
                (fact(view.say(w::STATE), pill(view, states::access(account.disabled_at.is_none()))))
                (fact(view.say(w::LOGIN_EMAIL), html! { (account.email) }))
                (fact(view.say(w::COL_ROLE), html! { (role_word(view, &account.role)) }))
            }
        }
        @if view.principal.who == Who::Person(id) {
            p class="note" { (view.say(w::PEOPLE_SELF)) }
        } @else if account.disabled_at.is_none() {
            (acts(view, &account))
        }
    };
    Ok(Page::at("/accesos", account.name.clone(), body).below(view.say(w::ACCESS_TITLE), "/accesos"))
}

fn acts(view: &View, account: &Account) -> Markup {
    let place = format!("/accesos/personas/{}", account.id);
    let role = account.role.parse().unwrap_or(Role::Viewer);
    html! {
        section class="block" aria-labelledby="h-role" {
            header { h2 id="h-role" { (view.say(w::PEOPLE_ROLE)) } }
            form class="form panel pad" method="post" action={ (place) "/funcion" } {
                (csrf(view))
                p class="muted" { (view.say(w::PEOPLE_ROLE_ABOUT)) }
                (roles(view, "role", role))
                p class="acts" { button class="primary" type="submit" { (view.say(w::PEOPLE_ROLE)) } }
            }
        }
        section class="block" aria-labelledby="h-password" {
            header { h2 id="h-password" { (view.say(w::PEOPLE_PASSWORD)) } }
            form class="form panel pad" method="post" action={ (place) "/clave" } {
                (csrf(view))
                p class="muted" { (view.say(w::PEOPLE_PASSWORD_ABOUT)) }
                p class="acts" { button type="submit" { (view.say(w::PEOPLE_PASSWORD_DO)) } }
            }
        }
        section class="block" aria-labelledby="h-out" {
            header { h2 id="h-out" { (view.say(w::PEOPLE_DISABLE)) } }
            form class="form panel pad" method="post" action={ (place) "/cerrar" } {
                (csrf(view))
                p class="muted" { (view.say(w::PEOPLE_DISABLE_ABOUT)) }
                p class="acts" { button class="danger" type="submit" { (view.say(w::PEOPLE_DISABLE)) } }
            }
        }
    }
}
