//! What people do to an order from its page: move it along the state table, give it to somebody.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use puente_proto::orders::{AssignOrderRequest, MoveOrderRequest, OrderSummary, Person, Quotation};
use uuid::Uuid;

use super::journey::find;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::parts::{csrf, reason};
use crate::console::problem::Problem;
use crate::console::states;
use crate::console::view::{View, encode, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Currencies that a quotation may have; all of them have hundredths.
const CURRENCIES: [&str; 3] = ["COP", "USD", "EUR"];

/// The forms below a journey.
pub(super) fn actions(view: &View, order: &OrderSummary, people: &[Person]) -> Markup {
    let steps: Vec<_> = order
        .transitions
        .iter()
        // These have forms of their own.
        .filter(|name| !matches!(name.as_str(), "assign" | "send_to_signature"))
        .filter_map(|name| Some((name, states::transition(name)?)))
        .collect();
    html! {
        section class="block" aria-labelledby="h-actions" {
            header { h2 id="h-actions" { (view.say(w::ACTIONS)) } }
            div class="two" {
                div class="panel pad" {
                    h3 { (view.say(w::MOVE)) }
                    @if steps.is_empty() { p class="muted gap" { (view.say(w::NOTHING_TO_MOVE)) } }
                    @else {
                        form class="form gap" method="post" action={ "/pedidos/" (order.number) "/mover" } {
                            (csrf(view))
                            input type="hidden" name="version" value=(order.version);
                            input type="hidden" name="once" value=(Uuid::now_v7());
                            div class="field" {
                                label for="step" { (view.say(w::MOVE_TO)) }
                                select id="step" name="step" required { option value="" { (view.say(w::CHOOSE)) } @for (name, word) in &steps { option value=(name) { (view.say(*word)) } } }
                            }
                            @if order.transitions.iter().any(|name| name == "send_quotation") { (price(view, order)) }
                            (reason(view, "move-reason", false))
                            p class="muted" { (view.say(w::MOVE_CONSEQUENCE)) " " (view.say(w::MOVE_REASON_NEEDED)) }
                            p class="acts" { button class="primary" type="submit" { (view.say(w::MOVE_BUTTON)) } }
                        }
                    }
                }
                div class="panel pad" {
                    h3 { (view.say(w::ASSIGN)) }
                    form class="form gap" method="post" action={ "/pedidos/" (order.number) "/asignar" } {
                        (csrf(view))
                        input type="hidden" name="version" value=(order.version);
                        input type="hidden" name="once" value=(Uuid::now_v7());
                        div class="field" { label for="agent" { (view.say(w::ASSIGN_AGENT)) } input id="agent" name="agent" maxlength="100" list="agents" autocomplete="off" value=(order.agent); (choices("agents", "agent", people)) }
                        div class="field" { label for="provider" { (view.say(w::ASSIGN_PROVIDER)) } input id="provider" name="provider" maxlength="100" list="providers" autocomplete="off" value=(order.service_provider); (choices("providers", "service_provider", people)) }
                        p class="muted" { (view.say(w::ASSIGN_CONSEQUENCE)) }
                        p class="acts" { button class="primary" type="submit" { (view.say(w::ASSIGN_BUTTON)) } }
                    }
                }
            }
        }
    }
}

/// Whom the directory offers for a field.
fn choices(id: &str, kind: &str, people: &[Person]) -> Markup {
    html! {
        datalist id=(id) {
            @for person in people.iter().filter(|person| person.kind == kind && person.active) { option value=(person.person_id) { (person.name) } }
        }
    }
}

/// What a quotation says; for the step that sends it.
fn price(view: &View, order: &OrderSummary) -> Markup {
    let known = order.quotation.clone().unwrap_or_default();
    let amount = known.amount_minor / 100;
    html! {
        fieldset class="form" {
            legend { (view.say(w::QUOTATION_FIELDS)) }
            div class="fields" {
                div class="field" {
                    label for="amount" { (view.say(w::AMOUNT)) }
                    input id="amount" name="amount" inputmode="decimal" maxlength="24" autocomplete="off" value=[(amount > 0).then_some(amount)] aria-describedby="amount-hint";
                    small id="amount-hint" { (view.say(w::AMOUNT_HINT)) }
                }
                div class="field" {
                    label for="currency" { (view.say(w::CURRENCY)) }
                    select id="currency" name="currency" { @for currency in CURRENCIES { option value=(currency) selected[known.currency == currency] { (currency) } } }
                }
                div class="field" { label for="valid-until" { (view.say(w::QUOTE_UNTIL)) } input id="valid-until" name="valid_until" type="date" value=(known.valid_until); }
                div class="field" { label for="quote-note" { (view.say(w::QUOTE_NOTE)) } input id="quote-note" name="note" maxlength="500" autocomplete="off" value=(known.note); }
            }
        }
    }
}

/// The price of a form; an empty amount is none, and one that cannot be read is a mistake.
fn quotation(fields: &[(String, String)]) -> Result<Option<Quotation>, ()> {
    let text = |name: &str, most: usize| value(fields, name).trim().chars().take(most).collect::<String>();
    if value(fields, "step") != "send_quotation" || text("amount", 24).is_empty() {
        return Ok(None);
    }
    let currency = text("currency", 3);
    let amount_minor = when::amount(&text("amount", 24)).ok_or(())?;
    if !CURRENCIES.contains(&currency.as_str()) {
        return Err(());
    }
    Ok(Some(Quotation {
        amount_minor,
        currency,
        note: text("note", 500),
        valid_until: text("valid_until", 10),
    }))
}

/// `POST /pedidos/{number}/mover`
pub(crate) async fn move_on(
    view: View,
    State(app): State<App>,
    Path(number): Path<String>,
    Form(fields): Fields,
) -> Response {
    let (step, why) = (value(&fields, "step"), change::reason(&fields));
    let page = format!("/pedidos/{}", encode(&number));
    let Ok(quotation) = quotation(&fields) else {
        return Redirect::to(&format!("{page}?falta=valor")).into_response();
    };
    let entry = Entry {
        action: "order.moved",
        object: &number,
        after: Some(serde_json::json!({ "transition": step })),
        reason: (!why.is_empty()).then_some(why.as_str()),
        ..Entry::default()
    };
    let doing = async {
        let command = MoveOrderRequest {
            order_id: find(&view, &app, &number).await?.order_id,
            transition: step.to_owned(),
            reason: why.clone(),
            expected_version: value(&fields, "version").parse().unwrap_or_default(),
            idempotency_key: change::once(&view, &fields),
            quotation,
        };
        let answer = view.ask(&app).move_order(command).await;
        answer.map_err(|status| Problem::of("orders", &status)).map(drop)
    };
    let moved = change::make(&view, &app, Right::ChangeOrders, entry, doing).await;
    change::done(&view, &page, moved)
}

/// `POST /pedidos/{number}/asignar`
pub(crate) async fn assign(
    view: View,
    State(app): State<App>,
    Path(number): Path<String>,
    Form(fields): Fields,
) -> Response {
    let (agent, provider) = (value(&fields, "agent").trim(), value(&fields, "provider").trim());
    let entry = Entry {
        action: "order.assigned",
        object: &number,
        after: Some(serde_json::json!({ "agent": agent, "service_provider": provider })),
        ..Entry::default()
    };
    let doing = async {
        let order = find(&view, &app, &number).await?;
        let changed = |now: &str, wanted: &str| (wanted != now).then(|| wanted.to_owned());
        let command = AssignOrderRequest {
            agent: changed(&order.agent, agent),
            service_provider: changed(&order.service_provider, provider),
            order_id: order.order_id,
            expected_version: value(&fields, "version").parse().unwrap_or_default(),
            idempotency_key: change::once(&view, &fields),
        };
        let answer = view.ask(&app).assign_order(command).await;
        answer.map_err(|status| Problem::of("orders", &status)).map(drop)
    };
    let assigned = change::make(&view, &app, Right::ChangeOrders, entry, doing).await;
    change::done(&view, &format!("/pedidos/{}", encode(&number)), assigned)
}
