//! `/pedidos/{number}`: where is it, in whose hands, and how did it get there? Every hop from the message to the receipt.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{ListPeopleRequest, OrderSummary, Person};

use super::hops;
use super::order_actions::actions;
use super::order_facts::facts;
use super::order_papers;
use super::order_plates;
use super::order_task;
use crate::application::journey::{Journey, Step, journey};
use crate::application::orders;
use crate::application::questions::{Missing, missing};
use crate::console::charts::shares;
use crate::console::layout::Page;
use crate::console::names::Names;
use crate::console::parts::{away, icon, pill, trace};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// People of the directory that a field offers.
const OFFERED: u32 = 100;

/// `GET /pedidos/{number}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(number): Path<String>) -> Response {
    let answer = page(&view, &app, &number, false).await;
    view.answer(answer)
}

/// The order of a number or id, for whoever may know of it.
pub(super) async fn find(view: &View, app: &App, number: &str) -> Result<OrderSummary, Problem> {
    view.see(Right::ReadOrders)?;
    let found = orders::order(view.ask(app), &view.principal, number).await;
    found.map_err(Problem::from)
}

/// The page of an order; with `bare`, its client's number as it is, for this one answer.
pub(super) async fn page(view: &View, app: &App, number: &str, bare: bool) -> Answer {
    let order = find(view, app, number).await?;
    let (title, parts) = parts_of(view, app, &order, bare).await;
    let done = value(&form(&view.query), "hecho") == "1";
    let body = html! {
        @if done { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        @if value(&form(&view.query), "falta") == "archivo" { p class="note bad" role="alert" { (icon("alert")) span { (view.say(w::FILE_NEEDED)) } } }
        @if value(&form(&view.query), "falta") == "valor" { p class="note bad" role="alert" { (icon("alert")) span { (view.say(w::AMOUNT_BAD)) } } }
        @for part in &parts { (part) }
        (order_papers::forms(view, &order))
        @if view.may(Right::ChangeOrders) { (actions(view, &order, &people(view, app).await)) }
    };
    let page = Page::at("/pedidos", title, body).below(view.say(w::ORDERS), "/pedidos");
    // What was shown would be masked again by the first update.
    Ok(if bare {
        page
    } else {
        page.live(format!("order:{}", order.number))
    })
}

/// Whom the order may be given to; without an answer people write the ids that they know.
async fn people(view: &View, app: &App) -> Vec<Person> {
    if !view.may(Right::ReadDirectory) {
        return Vec::new();
    }
    let wanted = ListPeopleRequest {
        page_size: OFFERED,
        ..ListPeopleRequest::default()
    };
    let found = view.ask(app).list_people(wanted).await;
    found.map(|found| found.people).unwrap_or_default()
}

/// The live parts of the page of an order.
pub(crate) async fn parts(view: &View, app: &App, number: &str) -> Result<(String, Vec<Markup>), Problem> {
    let order = find(view, app, number).await?;
    Ok(parts_of(view, app, &order, false).await)
}

async fn parts_of(view: &View, app: &App, order: &OrderSummary, bare: bool) -> (String, Vec<Markup>) {
    let (way, names, task, signature, papers, plates) = futures::join!(
        journey(view.ask(app), order),
        Names::of(view, app),
        order_task::task(view, app, order),
        shown(
            view.may(Right::ReadSignatures),
            order_papers::signature(view, app, order)
        ),
        shown(
            view.may(Right::ReadDocuments),
            order_papers::papers(view, app, order)
        ),
        shown(
            view.may(Right::ReadAssets),
            Box::pin(order_plates::plates(view, app, order))
        ),
    );
    let way = way.map_err(|status| missing("orders", &status));
    let title = view.fill(w::ORDER, &[("n", &order.number)]);
    let look = states::order(&order.state);
    let head = html! {
        section id="order" {
            div class="title" { h1 { (title) } (pill(view, look)) }
            p class="lede" { (order.service) }
        }
    };
    let path = html! {
        section id="journey" class="block" aria-labelledby="h-journey" {
            header { h2 id="h-journey" { (view.say(w::JOURNEY)) } }
            div class="panel" {
                (facts(view, order, bare, &task))
                @match &way {
                    Err(missing) => div class="pad" { (away(view, *missing)) },
                    Ok(way) => {
                        (hands(view, order, way))
                        @for missing in &way.missing { (partial(view, *missing)) }
                        (path(view, order, way, &names))
                    },
                }
            }
        }
    };
    let title = format!("{title} · {}", view.say(look.word));
    (title, vec![head, path, signature, plates, papers])
}

/// The part, for whoever may see it; else nothing in its place.
async fn shown(may: bool, part: impl Future<Output = Markup>) -> Markup {
    if may {
        part.await
    } else {
        html! {}
    }
}

fn partial(view: &View, missing: Missing) -> Markup {
    html! {
        @if let Missing::Away(service) = missing {
            div class="pad" { p class="note warn" { (icon("plug")) span { (view.fill(w::JOURNEY_PARTIAL, &[("service", service)])) } } }
        }
    }
}

/// Who a state waits for: the office, the client, the service provider.
fn holder(state: &str) -> Option<usize> {
    match state {
        "CotizacionEnviada" | "EnFirma" => Some(1),
        "Programada" | "EnEjecucion" => Some(2),
        state if states::is_final(state) => None,
        _ => Some(0),
    }
}

fn hands(view: &View, order: &OrderSummary, way: &Journey) -> Markup {
    let Some(begin) = when::local(order.opened_at.as_ref()) else {
        return html! {};
    };
    let mut held = [time::Duration::ZERO; 4];
    let mut last = begin;
    let mut state = "Nueva";
    for step in &way.steps {
        if let Some(at) = when::local(step.entry.at.as_ref()) {
            let span = (at - last).max(time::Duration::ZERO);
            if let Some(slot) = holder(state).and_then(|n| held.get_mut(n)) {
                *slot += span;
            }
            last = last.max(at);
        }
        state = &step.entry.after;
        if let (Some(slot), Some(worked)) = (held.get_mut(3), worked(step)) {
            *slot += worked;
        }
    }
    if let Some(slot) = holder(state).and_then(|n| held.get_mut(n)) {
        *slot += (view.now - last).max(time::Duration::ZERO);
    }
    let end = if states::is_final(state) { last } else { view.now };
    let parts: Vec<u64> = held
        .iter()
        .map(|span| u64::try_from(span.whole_milliseconds()).unwrap_or(0))
        .collect();
    let names = [
        w::HANDS_OFFICE,
        w::HANDS_CLIENT,
        w::HANDS_TECHNICIAN,
        w::HANDS_PUENTE,
    ];
    let whole = when::span(view.language, (end - begin).max(time::Duration::ZERO));
    html! {
        div class="share" {
            h3 { (view.fill(w::IN_WHOSE_HANDS, &[("time", &whole)])) }
            (shares(&parts))
            ul class="keys" {
                @for (n, (name, span)) in names.iter().zip(held).enumerate() {
                    @if !span.is_zero() {
                        li class={ "m" (n + 1) } { (view.say(*name)) " " b { (when::span(view.language, span)) } }
                    }
                }
            }
        }
    }
}

/// How long Puente took from the request outside to the fact.
fn worked(step: &Step) -> Option<time::Duration> {
    let delivery = step.delivery.as_ref()?;
    let received = when::local(delivery.received_at.as_ref())?;
    let fact = when::local(step.entry.at.as_ref())?;
    let span = fact - received;
    // A clock that runs ahead tells nothing, and neither does a cause from long ago.
    (span.is_positive() && span < time::Duration::minutes(10)).then_some(span)
}

fn path(view: &View, order: &OrderSummary, way: &Journey, names: &Names) -> Markup {
    let phase = |step: &Step| states::phase(&step.entry.after);
    let phases: Vec<(w::Word, Vec<&Step>)> = way.steps.iter().fold(Vec::new(), |mut all, step| {
        match all.last_mut() {
            Some((word, steps)) if *word == phase(step) => steps.push(step),
            _ => all.push((phase(step), vec![step])),
        }
        all
    });
    let next: Vec<_> = order
        .transitions
        .iter()
        .filter_map(|name| states::transition(name))
        .map(|word| view.say(word))
        .collect();
    html! {
        div class="path" {
            @if way.steps.is_empty() { p class="none" { (view.say(w::JOURNEY_EMPTY)) } }
            @for (n, (word, steps)) in phases.iter().enumerate() {
                p class="phase" { (view.say(*word)) }
                ol {
                    @for step in steps { (step_of(view, step, names)) }
                    @if n + 1 == phases.len() {
                        @for notice in &way.others { (hops::notice_step(view, notice)) }
                        @if !next.is_empty() {
                            li class="next rest" {
                                span class="time" { (view.say(w::STEP_NEXT)) }
                                (icon("ring"))
                                div { p { (view.fill(w::NEXT_IS, &[("list", &next.join(", "))])) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What came of checking the order's client in the ERP.
fn client_checked(outcome: &str) -> w::Word {
    match outcome {
        "known" => w::STEP_CLIENT_KNOWN,
        "unknown" => w::STEP_CLIENT_UNKNOWN,
        _ => w::STEP_CLIENT_UNCHECKED,
    }
}

fn step_of(view: &View, step: &Step, names: &Names) -> Markup {
    let entry = &step.entry;
    let look = states::order(&entry.after);
    let title = match entry.fact.as_str() {
        "opened" => view.say(w::STEP_OPENED).to_owned(),
        "assigned" => view.say(w::STEP_ASSIGNED).to_owned(),
        "noted" => view.say(w::STEP_NOTED).to_owned(),
        "client_checked" => view.say(client_checked(&entry.reason)).to_owned(),
        _ => view.fill(w::STEP_MOVED, &[("state", view.say(look.word))]),
    };
    let from_signers = entry.fact == "noted"
        || matches!(
            entry.transition.as_str(),
            "complete_signature" | "reject_documents" | "cancel_signature"
        );
    let or_nobody = |id: &str| {
        if id.is_empty() {
            view.say(w::NOBODY).to_owned()
        } else {
            id.to_owned()
        }
    };
    html! {
        li class=(look.family) data-key={ "step-" (entry.version) "-" (entry.fact) } data-row {
            @if let Some(at) = when::local(entry.at.as_ref()) { time datetime=(when::machine(at)) { (when::clock(at)) } } @else { span class="time" {} }
            (icon(look.icon))
            div {
                h3 { (title) }
                @if entry.fact == "assigned" {
                    p { (view.fill(w::STEP_ASSIGNED_TO, &[("agent", &or_nobody(&entry.agent)), ("provider", &or_nobody(&entry.service_provider))])) }
                }
                @if entry.fact == "client_checked" {} @else if entry.by.is_empty() { p { (view.say(if from_signers { w::STEP_BY_SIGNERS } else { w::STEP_BY_BOT })) } } @else { p { (view.fill(w::STEP_BY, &[("by", names.name(view, &entry.by))])) } }
                @if !entry.reason.is_empty() && entry.fact != "client_checked" { p { (view.fill(w::STEP_REASON, &[("reason", &entry.reason)])) } }
                @for notice in &step.notices { (hops::notice_line(view, notice)) }
                (hops::details(view, step))
                (trace(view, &entry.trace_id))
            }
        }
    }
}
