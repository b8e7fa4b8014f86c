//! Several dead letters at once: handled again or left with one reason. Each is a command of its own, with a row of its own
//! in the audit trail, so that what fails is told apart from what does not. The form needs no script.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures::{StreamExt as _, stream};
use maud::{Markup, html};
use puente_proto::operations::{CloseDeadLetterRequest, RetryDeadLetterRequest};

use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::parts::{csrf, icon, reason};
use crate::console::problem::Problem;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Letters of one form: as many as two pages hold.
const MOST: usize = 100;
/// Letters that services are asked about at the same time.
const ABREAST: usize = 8;
/// Longer than the words of any service, consumer and event.
const MAX_KEY: usize = 300;
/// The form that the boxes in the lists belong to.
const FORM: &str = "several";
const PAGE: &str = "/cartas-muertas";

/// Where a letter is: service, consumer, event.
struct Key {
    service: String,
    consumer: String,
    event: String,
}

/// The box beside a letter.
pub(super) fn tick(view: &View, service: &str, consumer: &str, event: &str) -> Markup {
    html! {
        input type="checkbox" name="letter" form=(FORM) value={ (service) " " (consumer) " " (event) }
            aria-label=(view.fill(w::DEAD_PICK, &[("id", event)]));
    }
}

/// What is done with the letters that are ticked.
pub(super) fn acts(view: &View) -> Markup {
    html! {
        form id=(FORM) class="form panel gap" method="post" {
            (csrf(view))
            h2 { (view.say(w::DEAD_SEVERAL)) }
            p class="muted" { (view.say(w::DEAD_SEVERAL_ABOUT)) }
            (reason(view, "why", false))
            p class="acts" {
                button class="primary" type="submit" formaction={ (PAGE) "/repetir" } { (view.say(w::DEAD_RETRY_SEVERAL)) }
                button class="danger" type="submit" formaction={ (PAGE) "/cerrar" } { (view.say(w::DEAD_CLOSE_SEVERAL)) }
            }
        }
    }
}

/// What became of the last form.
pub(super) fn outcome(view: &View) -> Markup {
    let pairs = form(&view.query);
    let count = |name: &str| value(&pairs, name).parse::<u64>().ok();
    let said = |n: u64| when::count(view.language, n);
    html! {
        @if value(&pairs, "falta") == "motivo" { p class="note bad" role="alert" { (icon("cross")) span { (view.say(w::DEAD_NO_REASON)) } } }
        @if value(&pairs, "falta") == "cartas" { p class="note bad" role="alert" { (icon("cross")) span { (view.fill(w::DEAD_NONE_PICKED, &[("n", &said(MOST as u64))])) } } }
        @if let Some(done) = count("hechas") { p class="note good" role="status" { (icon("check")) span { (view.fill(w::DEAD_SETTLED, &[("n", &said(done))])) } } }
        @if let Some(failed) = count("fallidas").filter(|failed| *failed > 0) { p class="note bad" role="alert" { (icon("cross")) span { (view.fill(w::DEAD_UNSETTLED, &[("n", &said(failed))])) } } }
    }
}

/// `POST /cartas-muertas/repetir`
pub(crate) async fn retry(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    let Some(keys) = keys(&fields) else {
        return Redirect::to(&format!("{PAGE}?falta=cartas")).into_response();
    };
    let (view, app) = (&view, &app);
    let each = stream::iter(keys).map(|key| async move {
        let entry = Entry {
            action: "dead_letter.retried",
            object: &key.event,
            ..Entry::default()
        };
        let doing = async {
            let ask = view.ask(app);
            let peer = ask.named(&key.service).ok_or(Problem::NotFound)?;
            let command = RetryDeadLetterRequest {
                event_id: key.event.clone(),
                consumer: key.consumer.clone(),
            };
            let answer = ask.retry_dead_letter(peer, command).await;
            answer.map_err(|status| Problem::of(peer.name, &status))
        };
        let retried = change::make(view, app, Right::SettleDeadLetters, entry, doing).await;
        retried.map(|answer| answer.handled)
    });
    told(view, each.buffered(ABREAST).collect().await)
}

/// `POST /cartas-muertas/cerrar`
pub(crate) async fn close(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    let Some(keys) = keys(&fields) else {
        return Redirect::to(&format!("{PAGE}?falta=cartas")).into_response();
    };
    let why = change::reason(&fields);
    if why.chars().count() < 3 {
        return Redirect::to(&format!("{PAGE}?falta=motivo")).into_response();
    }
    let (view, app, why) = (&view, &app, why.as_str());
    let each = stream::iter(keys).map(|key| async move {
        let entry = Entry {
            action: "dead_letter.closed",
            object: &key.event,
            reason: Some(why),
            ..Entry::default()
        };
        let doing = async {
            let ask = view.ask(app);
            let peer = ask.named(&key.service).ok_or(Problem::NotFound)?;
            let command = CloseDeadLetterRequest {
                event_id: key.event.clone(),
                consumer: key.consumer.clone(),
                reason: why.to_owned(),
            };
            let answer = ask.close_dead_letter(peer, command).await;
            answer.map_err(|status| Problem::of(peer.name, &status))
        };
        let closed = change::make(view, app, Right::SettleDeadLetters, entry, doing).await;
        closed.map(|_| true)
    });
    told(view, each.buffered(ABREAST).collect().await)
}

/// The letters that were ticked, each once; `None` for none, too many, or what is no letter.
fn keys(fields: &[(String, String)]) -> Option<Vec<Key>> {
    let mut ticked: Vec<&str> = fields
        .iter()
        .filter(|(name, _)| name == "letter")
        .map(|(_, value)| value.as_str())
        .collect();
    ticked.sort_unstable();
    ticked.dedup();
    if ticked.is_empty() || ticked.len() > MOST {
        return None;
    }
    let key = |text: &str| {
        let mut words = text.split(' ');
        let key = Key {
            service: words.next()?.to_owned(),
            consumer: words.next()?.to_owned(),
            event: words.next()?.to_owned(),
        };
        (words.next().is_none() && text.len() <= MAX_KEY).then_some(key)
    };
    ticked.into_iter().map(key).collect()
}

/// The page again, with how many are settled and how many are not.
fn told(view: &View, outcomes: Vec<Result<bool, Problem>>) -> Response {
    let settled = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(true)))
        .count();
    let failed = outcomes.len() - settled;
    // Whoever may not is told so, and not counted.
    match outcomes.into_iter().find_map(Result::err) {
        Some(problem @ Problem::Forbidden) => view.back_to(PAGE).answer(Err(problem)),
        _ => Redirect::to(&format!("{PAGE}?hechas={settled}&fallidas={failed}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticked(values: &[&str]) -> Vec<(String, String)> {
        let field = |value: &&str| ("letter".to_owned(), (*value).to_owned());
        values.iter().map(field).collect()
    }

    #[test]
    fn letters_are_read_once_each_and_only_when_each_is_one() {
        let fields = ticked(&["orders orders e-1", "ingress ingress e-2", "orders orders e-1"]);
        assert_eq!(keys(&fields).unwrap().len(), 2);
        for bad in [&["orders orders"][..], &["orders orders e-1 x"], &[""], &[]] {
            assert!(keys(&ticked(bad)).is_none(), "{bad:?}");
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("orders orders e-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(keys(&ticked(&many)).is_none());
        assert!(keys(&ticked(many.get(1..).unwrap())).is_some());
    }
}
