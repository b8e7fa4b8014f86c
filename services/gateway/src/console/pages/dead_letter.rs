//! One dead letter: what happened, what is safe, handle it again or leave it with a reason.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use puente_proto::operations::{
    CloseDeadLetterRequest, DeadLetter, GetDeadLetterRequest, RetryDeadLetterRequest,
};

use super::dead_letters::address;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::names::Names;
use crate::console::parts::{csrf, date, event_name, fact, icon, pill, reason, trace_id};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::peers::Peer;
use crate::state::App;

/// Where a letter is: service, consumer, event.
type Key = Path<(String, String, String)>;

/// `GET /cartas-muertas/{service}/{consumer}/{event}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(key): Key) -> Response {
    let answer = one_page(&view, &app, &key).await;
    view.answer(answer)
}

fn peer<'a>(view: &'a View, app: &'a App, service: &str) -> Result<&'a Peer, Problem> {
    view.ask(app).named(service).ok_or(Problem::NotFound)
}

async fn one_page(view: &View, app: &App, key: &(String, String, String)) -> Answer {
    view.see(Right::ReadDeadLetters)?;
    let (service, consumer, event) = key;
    let peer = peer(view, app, service)?;
    let wanted = GetDeadLetterRequest {
        event_id: event.clone(),
        consumer: consumer.clone(),
    };
    let found = view.ask(app).get_dead_letter(peer, wanted).await;
    let found = found.map_err(|status| Problem::of(peer.name, &status))?;
    let letter = found.letter.ok_or(Problem::NotFound)?;
    let pairs = form(&view.query);
    let again = value(&pairs, "otra");
    let names = Names::of(view, app).await;
    let body = html! {
        @if value(&pairs, "hecho") == "1" { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        @if again == "1" { p class="note bad" role="alert" { (icon("cross")) span { (view.fill(w::DEAD_AGAIN, &[("reason", &letter.reason)])) } } }
        div class="title" { h1 { (view.say(w::DEAD_ONE)) } (pill(view, states::letter(&letter.resolution))) }
        (story(view, peer.name, &letter, &names))
        (facts(view, peer.name, &letter))
    };
    let page = Page::at("/cartas-muertas", view.say(w::DEAD_ONE), body);
    Ok(page.below(view.say(w::DEAD_LETTERS), "/cartas-muertas"))
}

fn story(view: &View, service: &str, letter: &DeadLetter, names: &Names) -> Markup {
    let action = address(service, &letter.consumer, &letter.event_id);
    let attempts = when::count(view.language, u64::from(letter.attempts));
    let happened = if letter.attempts == 1 {
        w::DEAD_HAPPENED_ONE
    } else {
        w::DEAD_HAPPENED
    };
    html! {
        div class="panel split block" {
            dl class="three" {
                dt { (view.say(w::WHAT_HAPPENED)) } dd { (view.fill(happened, &[("service", service), ("n", &attempts), ("reason", &letter.reason)])) }
                dt { (view.say(w::WHAT_IS_SAFE)) } dd { (view.say(w::DEAD_SAFE)) }
                @if !letter.resolved_by.is_empty() {
                    dt { (view.fill(w::DEAD_BY, &[("by", names.name(view, &letter.resolved_by))])) } dd { (letter.resolution_reason) }
                }
            }
            @if letter.resolution.is_empty() && view.may(Right::SettleDeadLetters) {
                div {
                    form class="form" method="post" action={ (action) "/repetir" } {
                        (csrf(view))
                        p class="muted" { (view.say(w::DEAD_RETRY_ABOUT)) }
                        p class="acts" { button class="primary" type="submit" { (view.say(w::DEAD_RETRY)) } }
                    }
                    form class="form gap" method="post" action={ (action) "/cerrar" } {
                        (csrf(view))
                        p class="muted" { (view.say(w::DEAD_CLOSE_ABOUT)) }
                        (reason(view, "why", true))
                        p class="acts" { button class="danger" type="submit" { (view.say(w::DEAD_CLOSE)) } }
                    }
                }
            }
        }
    }
}

fn facts(view: &View, service: &str, letter: &DeadLetter) -> Markup {
    let size = when::count(view.language, letter.payload.len() as u64);
    html! {
        dl class="panel facts block" {
            (fact(view.say(w::COL_EVENT), html! { (event_name(&letter.r#type)) }))
            (fact(view.say(w::COL_CONSUMER), html! { (service) @if service != letter.consumer { " · " (letter.consumer) } }))
            (fact(view.say(w::COL_DEAD_AT), date(view, letter.dead_at.as_ref())))
            (fact(view.say(w::COL_ATTEMPTS), html! { (letter.attempts) }))
            (fact(view.say(w::DEAD_PAYLOAD), html! { (view.fill(w::DEAD_BYTES, &[("n", &size), ("type", event_name(&letter.r#type))])) }))
            @if !letter.trace_id.is_empty() { (fact(view.say(w::TRACE), trace_id(&letter.trace_id))) }
        }
    }
}

/// `POST …/repetir`
pub(crate) async fn retry(view: View, State(app): State<App>, Path(key): Key) -> Response {
    let (service, consumer, event) = &key;
    let page = address(service, consumer, event);
    let entry = Entry {
        action: "dead_letter.retried",
        object: event,
        ..Entry::default()
    };
    let doing = async {
        let peer = peer(&view, &app, service)?;
        let command = RetryDeadLetterRequest {
            event_id: event.clone(),
            consumer: consumer.clone(),
        };
        let answer = view.ask(&app).retry_dead_letter(peer, command).await;
        answer.map_err(|status| Problem::of(peer.name, &status))
    };
    match change::make(&view, &app, Right::SettleDeadLetters, entry, doing).await {
        Ok(answer) if !answer.handled => Redirect::to(&format!("{page}?otra=1")).into_response(),
        other => change::done(&view, &page, other.map(drop)),
    }
}

/// `POST …/cerrar`
pub(crate) async fn close(
    view: View,
    State(app): State<App>,
    Path(key): Key,
    Form(fields): Fields,
) -> Response {
    let (service, consumer, event) = &key;
    let page = address(service, consumer, event);
    let reason = change::reason(&fields);
    let entry = Entry {
        action: "dead_letter.closed",
        object: event,
        reason: Some(&reason),
        ..Entry::default()
    };
    let doing = async {
        let peer = peer(&view, &app, service)?;
        let command = CloseDeadLetterRequest {
            event_id: event.clone(),
            consumer: consumer.clone(),
            reason: reason.clone(),
        };
        let answer = view.ask(&app).close_dead_letter(peer, command).await;
        answer.map_err(|status| Problem::of(peer.name, &status)).map(drop)
    };
    let closed = change::make(&view, &app, Right::SettleDeadLetters, entry, doing).await;
    change::done(&view, &page, closed)
}
