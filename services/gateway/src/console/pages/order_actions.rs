//! What people do to an order from its page: move it along the state table, give it to somebody.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{AssignOrderRequest, MoveOrderRequest, OrderSummary};
use uuid::Uuid;

use super::journey::find;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::parts::{csrf, reason};
use crate::console::problem::Problem;
use crate::console::states;
use crate::console::view::{View, encode, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// The forms below a journey.
pub(super) fn actions(view: &View, order: &OrderSummary) -> Markup {
    let steps: Vec<_> = order
        .transitions
        .iter()
        .filter(|name| *name != "assign")
        .filter_map(|name| Some((name, states::transition(name)?)))
        .collect();
    let once = Uuid::now_v7();
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
                            input type="hidden" name="once" value=(once);
                            div class="field" {
                                label for="step" { (view.say(w::MOVE_TO)) }
                                select id="step" name="step" required { option value="" { (view.say(w::CHOOSE)) } @for (name, word) in &steps { option value=(name) { (view.say(*word)) } } }
                            }
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
                        input type="hidden" name="once" value=(once);
                        div class="field" { label for="agent" { (view.say(w::ASSIGN_AGENT)) } input id="agent" name="agent" maxlength="100" value=(order.agent); }
                        div class="field" { label for="provider" { (view.say(w::ASSIGN_PROVIDER)) } input id="provider" name="provider" maxlength="100" value=(order.service_provider); }
                        p class="muted" { (view.say(w::ASSIGN_CONSEQUENCE)) }
                        p class="acts" { button class="primary" type="submit" { (view.say(w::ASSIGN_BUTTON)) } }
                    }
                }
            }
        }
    }
}

/// `POST /pedidos/{number}/mover`
pub(crate) async fn move_on(
    view: View,
    State(app): State<App>,
    Path(number): Path<String>,
    Form(fields): Fields,
) -> Response {
    let (step, why) = (value(&fields, "step"), change::reason(&fields));
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
        };
        let answer = view.ask(&app).move_order(command).await;
        answer.map_err(|status| Problem::of("orders", &status)).map(drop)
    };
    let moved = change::make(&view, &app, Right::ChangeOrders, entry, doing).await;
    change::done(&view, &format!("/pedidos/{}", encode(&number)), moved)
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
