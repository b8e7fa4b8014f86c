//! The facts of an order above its journey.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{OrderSummary, Quotation};

use super::journey::page;
use crate::audit::Entry;
use crate::console::change;
use crate::console::parts::{csrf, date, fact, masked, provider};
use crate::console::view::{View, encode};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Who an order is for and who has it. The number is masked; whoever may ask for it gets it for one answer. `task` is
/// the line about its task.
pub(super) fn facts(view: &View, order: &OrderSummary, bare: bool, task: &Markup) -> Markup {
    let or_nobody = |name: &str, id: &str| match (name, id) {
        ("", "") => view.say(w::NOBODY).to_owned(),
        ("", id) => id.to_owned(),
        (name, _) => name.to_owned(),
    };
    html! {
        dl class="facts" {
            @if view.may(Right::ReadClients) { (fact(view.say(w::FACT_CLIENT), html! { (order.client_name) })) }
            (fact(view.say(w::FACT_PHONE), phone(view, order, bare)))
            @if let Some(word) = checked(&order.client_check) { (fact(view.say(w::FACT_NIT), html! { (view.say(word)) })) }
            @if view.may(Right::ReadClients) { (fact(view.say(w::FACT_PLACE), html! { (order.location) })) }
            (fact(view.say(w::FACT_AGENT), html! { (or_nobody(&order.agent_name, &order.agent)) }))
            (fact(view.say(w::FACT_TECHNICIAN), html! { (or_nobody(&order.service_provider_name, &order.service_provider)) }))
            @if let Some(quotation) = &order.quotation { (fact(view.say(w::QUOTATION), price(view, quotation))) }
            (fact(view.say(w::FACT_CHANNEL), html! { (provider(&order.channel)) }))
            (fact(view.say(w::FACT_OPENED), date(view, order.opened_at.as_ref())))
            (task)
            @if view.may(Right::ReadConversations) && !order.conversation_id.is_empty() {
                (fact(view.say(w::CONVERSATIONS), html! {
                    a href={ "/conversaciones/" (order.conversation_id) } { (view.say(w::CONVERSATION_OF)) }
                }))
            }
        }
        @if view.may(Right::RevealPersonal) && !order.description.is_empty() {
            dl class="facts" { (fact(view.say(w::REQUEST), html! { (order.description) })) }
        }
    }
}

/// How the check of the client in the ERP stands, where there is one.
fn checked(check: &str) -> Option<w::Word> {
    match check {
        "pending" => Some(w::CLIENT_PENDING),
        "known" => Some(w::CLIENT_KNOWN),
        "unknown" => Some(w::CLIENT_UNKNOWN),
        "given_up" => Some(w::CLIENT_GIVEN_UP),
        _ => None,
    }
}

fn price(view: &View, quotation: &Quotation) -> Markup {
    let amount = when::money(view.language, quotation.amount_minor, &quotation.currency);
    html! {
        @match when::calendar_day(&quotation.valid_until) {
            Some(day) => {
                @let until = view.fill(w::VALID_UNTIL, &[("day", &when::day_of(view.language, day))]);
                (view.fill(w::QUOTATION_UNTIL, &[("amount", &amount), ("until", &until)]))
            },
            None => (amount),
        }
        @if !quotation.note.is_empty() && view.may(Right::RevealPersonal) { br; small { (quotation.note) } }
    }
}

fn phone(view: &View, order: &OrderSummary, bare: bool) -> Markup {
    html! {
        @if bare { (order.client_phone) } @else {
            (masked(&order.client_phone))
            @if view.may(Right::RevealPersonal) && !order.client_phone.is_empty() {
                form class="inline" method="post" action={ "/pedidos/" (order.number) "/mostrar" } {
                    (csrf(view))
                    button class="plain small" type="submit" { (view.say(w::SHOW)) }
                }
            }
        }
    }
}

/// `POST /pedidos/{number}/mostrar`
pub(crate) async fn reveal(view: View, State(app): State<App>, Path(number): Path<String>) -> Response {
    let entry = Entry {
        action: "client.revealed",
        object: &number,
        ..Entry::default()
    };
    let back = view.back_to(&format!("/pedidos/{}", encode(&number)));
    let doing = Box::pin(page(&back, &app, &number, true));
    change::shown(&back, &app, Right::RevealPersonal, entry, doing).await
}
