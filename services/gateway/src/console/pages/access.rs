//! `/accesos`: who may enter, and how somebody is let in. Nothing secret is shown, because nothing secret is kept.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use crate::accounts::{self, Account};
use crate::console::layout::{self, Page};
use crate::console::parts::{csrf, pager_of, pill};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::{Right, Role};
use crate::keys::{self, Key};
use crate::state::App;

/// Rows of one list on one page.
const PAGE: u32 = 100;
/// The lists, by their names in the address.
const PEOPLE: &str = "personas";
const KEYS: &str = "llaves";

/// `GET /accesos`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ManageAccess)?;
    let scope = &view.principal.scope;
    let mut people = accounts::page(&app.pool, scope, below(view, PEOPLE), PAGE + 1).await?;
    let more_people = cut(&mut people, |one| one.id);
    let mut keys = keys::page(&app.pool, scope, below(view, KEYS), PAGE + 1).await?;
    let more_keys = cut(&mut keys, |one| one.id);
    let body = html! {
        h1 { (view.say(w::ACCESS_TITLE)) }
        p class="lede" { (view.say(w::ACCESS_LEDE)) }
        section class="block" aria-labelledby="h-people" {
            header { h2 id="h-people" { (view.say(w::PEOPLE)) } }
            div class="panel" { (table_of_people(view, &people)) (more(view, PEOPLE, people.len(), &more_people)) }
            (person_form(view))
        }
        section class="block" aria-labelledby="h-keys" {
            header { h2 id="h-keys" { (view.say(w::KEYS)) } }
            div class="panel" { @if keys.is_empty() { p class="none" { (view.say(w::NONE)) } } @else { (table_of_keys(view, &keys)) } (more(view, KEYS, keys.len(), &more_keys)) }
            (key_form(view))
        }
    };
    Ok(Page::at("/accesos", view.say(w::ACCESS_TITLE), body))
}

/// Where the list goes on; `de` says which of the two the cursor is of.
fn below(view: &View, list: &str) -> Option<Uuid> {
    let pairs = form(&view.query);
    let cursor = Uuid::try_parse(value(&pairs, "cursor")).ok();
    cursor.filter(|_| value(&pairs, "de") == list)
}

/// Cuts off what is more than a page; the cursor of the next one.
fn cut<T>(rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> String {
    let page = PAGE as usize;
    let more = rows.len() > page;
    rows.truncate(page);
    let last = rows.last().filter(|_| more);
    last.map(|row| id(row).to_string()).unwrap_or_default()
}

/// The way to the rest of a list that one page does not hold.
fn more(view: &View, list: &str, shown: usize, next: &str) -> Markup {
    let many = !next.is_empty() || below(view, list).is_some();
    html! { @if many { (pager_of(view, list, shown, next)) } }
}

/// The roles to choose from.
pub(super) fn roles(view: &View, id: &str, now: Role) -> Markup {
    html! {
        div class="field" {
            label for=(id) { (view.say(w::COL_ROLE)) }
            select id=(id) name="role" {
                @for role in Role::ALL { option value=(role.word()) selected[role == now] { (view.say(layout::role(role))) } }
            }
        }
    }
}

fn person_form(view: &View) -> Markup {
    html! {
        details class="panel pad gap bring" {
            summary { (view.say(w::PEOPLE_NEW)) }
            p class="muted" { (view.say(w::PEOPLE_NEW_ABOUT)) }
            form class="form gap" method="post" action="/accesos/personas" {
                (csrf(view))
                div class="fields" {
                    div class="field" { label for="a-name" { (view.say(w::COL_NAME)) } input id="a-name" name="name" required maxlength=(accounts::LONGEST_TEXT) autocomplete="off"; }
                    div class="field" { label for="a-email" { (view.say(w::LOGIN_EMAIL)) } input id="a-email" name="email" type="email" required maxlength=(accounts::LONGEST_TEXT) autocomplete="off"; }
                    (roles(view, "a-role", Role::Viewer))
                    div class="field" {
                        label for="a-language" { (view.say(w::PEOPLE_LANGUAGE)) }
                        select id="a-language" name="language" { option value="es" { (view.say(w::SPANISH)) } option value="en" { (view.say(w::ENGLISH)) } }
                    }
                }
                p class="acts" { button class="primary" type="submit" { (view.say(w::PEOPLE_ADD)) } }
            }
        }
    }
}

fn key_form(view: &View) -> Markup {
    html! {
        details class="panel pad gap bring" {
            summary { (view.say(w::KEY_NEW)) }
            p class="muted" { (view.say(w::KEY_NEW_ABOUT)) }
            form class="form gap" method="post" action="/accesos/llaves" {
                (csrf(view))
                div class="fields" {
                    div class="field" { label for="k-name" { (view.say(w::KEY_NAME)) } input id="k-name" name="name" required maxlength=(keys::LONGEST_NAME) autocomplete="off"; }
                    (roles(view, "k-role", Role::Viewer))
                    div class="field" { label for="k-minute" { (view.say(w::KEY_PER_MINUTE)) } input id="k-minute" name="per_minute" type="number" inputmode="numeric" required min="1" max=(keys::MOST_PER_MINUTE) value=(keys::USUAL_PER_MINUTE); }
                    div class="field" { label for="k-days" { (view.say(w::KEY_DAYS)) } input id="k-days" name="days" type="number" inputmode="numeric" min="1" max="3650"; }
                }
                p class="acts" { button class="primary" type="submit" { (view.say(w::KEY_ADD)) } }
            }
        }
    }
}

/// Opened first, so that nobody revokes by a slip.
fn revoke(view: &View, key: &Key) -> Markup {
    html! {
        details {
            summary aria-label=(view.fill(w::KEY_REVOKE_NAMED, &[("name", &key.name)])) { (view.say(w::KEY_REVOKE)) "…" }
            form class="form gap" method="post" action={ "/accesos/llaves/" (key.id) "/revocar" } {
                (csrf(view))
                p class="muted" { (view.say(w::KEY_REVOKE_ABOUT)) }
                button class="danger" type="submit" aria-label=(view.fill(w::KEY_REVOKE_NAMED, &[("name", &key.name)])) { (view.say(w::KEY_REVOKE)) }
            }
        }
    }
}

fn head(view: &View, word: w::Word) -> Markup {
    html! { th role="columnheader" scope="col" { (view.say(word)) } }
}

pub(super) fn role_word(view: &View, role: &str) -> String {
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
                        td role="cell" class="o1" { a href={ "/accesos/personas/" (one.id) } { (one.name) } }
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
            thead role="rowgroup" { tr role="row" { (head(view, w::COL_NAME)) (head(view, w::STATE)) (head(view, w::COL_KEY)) (head(view, w::COL_ROLE)) (head(view, w::COL_USED)) th role="columnheader" scope="col" { span class="hidden" { (view.say(w::KEY_REVOKE)) } } } }
            tbody role="rowgroup" {
                @for one in keys {
                    @let good = one.revoked_at.is_none() && one.expires_at.is_none_or(|end| end > view.now);
                    tr role="row" data-row {
                        td role="cell" class="o1" { (one.name) }
                        td role="cell" class="o2 end" { (pill(view, states::access(good))) }
                        td role="cell" class="o3" { code { (one.prefix) "…" } }
                        td role="cell" class="o4 end" { (role_word(view, &one.role)) }
                        td role="cell" class="o5 wide faint" { (one.last_used_at.map_or_else(|| view.say(w::NEVER).to_owned(), |at| when::ago(view.language, view.now, at))) }
                        td role="cell" class="o6 wide" { @if good { (revoke(view, one)) } }
                    }
                }
            }
        }
    }
}
