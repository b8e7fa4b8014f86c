//! `/integraciones`: may the accounts that contracts go out by be used?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::signature::{Account, ListAccountsRequest};

use super::authorise::address;
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{away, date, icon, none, pill, provider};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// `GET /integraciones`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadConnections)?;
    let found = view.ask(app).list_accounts(ListAccountsRequest {}).await;
    let title = match &found {
        Err(_) => w::INTEGRATIONS_PAGE,
        Ok(found) if found.accounts.is_empty() => w::ACCOUNTS_TITLE_NONE,
        Ok(found) if found.accounts.iter().all(|one| one.state == "active") => w::ACCOUNTS_TITLE_GOOD,
        Ok(_) => w::ACCOUNTS_TITLE_BAD,
    };
    let title = view.say(title);
    let body = html! {
        @if value(&form(&view.query), "hecho") == "1" { p class="note good" role="status" { (icon("check")) span { (view.say(w::AUTHORISED)) } } }
        h1 { (title) }
        p class="lede" { (view.say(w::ACCOUNTS_LEDE)) }
        div class="panel block" {
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("signature", status))) },
                Ok(found) if found.accounts.is_empty() => (none(view, w::ACCOUNTS_NONE, false)),
                Ok(found) => (table(view, &found.accounts)),
            }
        }
    };
    Ok(Page::at("/integraciones", title, body))
}

fn table(view: &View, accounts: &[Account]) -> Markup {
    let head = |word| html! { th role="columnheader" scope="col" { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::ACCOUNTS_TABLE)) {
            thead role="rowgroup" {
                tr role="row" { (head(w::PROVIDER)) (head(w::STATE)) (head(w::COL_ACCOUNT)) (head(w::COL_TOKEN)) (head(w::SIGNATURE_ACTIONS)) }
            }
            tbody role="rowgroup" {
                @for one in accounts {
                    tr role="row" data-row {
                        td role="cell" class="o1" { b { (provider(&one.provider)) } br; small { (one.connection) } }
                        td role="cell" class="o2 end" { (pill(view, states::account(&one.state))) }
                        td role="cell" class="o3 wide" {
                            @if one.account_id.is_empty() { "—" } @else { code { (one.account_id) } }
                            @if !one.scope.is_empty() { br; small { (view.say(w::COL_GRANTED)) ": " (one.scope) } }
                            @if !one.problem.is_empty() { p class="bad ink" { (one.problem) } }
                        }
                        td role="cell" class="o4 wide" data-label=(view.say(w::COL_TOKEN)) {
                            @if one.expires_at.is_some() { (date(view, one.expires_at.as_ref())) br; small { (view.say(w::TOKEN_RENEWS)) } } @else { "—" }
                        }
                        td role="cell" class="o5 wide" {
                            @if view.may(Right::ManageConnections) {
                                @let word = if one.state == "never" { w::AUTHORISE } else { w::AUTHORISE_AGAIN };
                                a class={ "button small " (if one.state == "active" { "" } else { "primary" }) } href=(address(&one.provider, &one.connection)) { (view.say(word)) }
                            } @else { "—" }
                        }
                    }
                }
            }
        }
    }
}
