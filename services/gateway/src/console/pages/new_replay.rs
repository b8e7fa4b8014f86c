//! `/repeticiones/nueva`: a replay in steps: filter, then a dry run with its count and differences, then the run.
//!
//! # Never
//! A run of more than was rehearsed: the form of the last step carries the whole filter of the dry run with its end, and a
//! filter that is not understood, or has no end, is refused.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use puente_proto::ingress::{DeliveryFilter, PlanReplayRequest, PlanReplayResponse, StartReplayRequest};
use time::Duration;
use uuid::Uuid;

use super::delivery_filter::{PARTS, filter, kept, outcomes, providers, said, unclear};
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::parts::{csrf, event_name, icon, reason};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, encode, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Where a new replay begins when nobody said so.
const USUAL_SPAN: Duration = Duration::hours(1);

/// `GET /repeticiones/nueva`
pub(crate) async fn new(view: View) -> Response {
    let answer = new_page(&view);
    view.answer(answer)
}

fn new_page(view: &View) -> Answer {
    view.see(Right::Replay)?;
    let pairs = form(&view.query);
    let since = match value(&pairs, "desde") {
        "" => when::field(view.now - USUAL_SPAN),
        given => given.to_owned(),
    };
    let body = html! {
        h1 { (view.say(w::REPLAY_NEW_TITLE)) }
        p class="lede" { (view.say(w::REPLAY_STEP_1)) }
        @if value(&pairs, "falta") == "1" { p class="note bad gap" role="alert" { (icon("alert")) span { (view.say(w::REPLAY_BAD_TIME)) } } }
        @if value(&pairs, "falta") == "2" { p class="note bad gap" role="alert" { (icon("alert")) span { (view.say(w::REPLAY_UNCLEAR)) } } }
        form class="panel pad form block" method="get" action="/repeticiones/ensayo" {
            div class="fields" {
                div class="field" {
                    label for="r-provider" { (view.say(w::PROVIDER)) } small { (view.say(w::ALL)) }
                    (providers(view, "r-provider", value(&pairs, "servicio")))
                }
                div class="field" { label for="r-connection" { (view.say(w::CONNECTION)) } small { (view.say(w::ALL)) } input id="r-connection" name="conexion" maxlength="100" autocomplete="off" autocapitalize="none" spellcheck="false" value=(value(&pairs, "conexion")); }
                div class="field" { label for="r-outcome" { (view.say(w::COL_OUTCOME)) } small { (view.say(w::ALL)) } (outcomes(view, "r-outcome", value(&pairs, "vista"))) }
                div class="field" { label for="r-since" { (view.say(w::REPLAY_SINCE)) } small { (view.say(w::REPLAY_SINCE_HINT)) } input id="r-since" name="desde" type="datetime-local" required value=(since); }
                div class="field" { label for="r-until" { (view.say(w::REPLAY_UNTIL)) } small { (view.say(w::REPLAY_SINCE_HINT)) } input id="r-until" name="hasta" type="datetime-local" value=(value(&pairs, "hasta")); }
                div class="field" { label for="r-trace" { (view.say(w::TRACE)) } small { (view.say(w::ALL)) } input id="r-trace" name="traza" maxlength="32" value=(value(&pairs, "traza")); }
            }
            p class="acts" { button class="primary" type="submit" { (view.say(w::REPLAY_PREVIEW)) } }
        }
    };
    let page = Page::at("/repeticiones", view.say(w::REPLAY_NEW_TITLE), body);
    Ok(page.below(view.say(w::REPLAYS), "/repeticiones"))
}

/// `GET /repeticiones/ensayo`
pub(crate) async fn plan(view: View, State(app): State<App>) -> Response {
    let pairs = form(&view.query);
    let missing = match (unclear(&ended(&view, pairs.clone())), value(&pairs, "desde")) {
        (_, "") => Some("1"),
        (true, _) => Some("2"),
        (false, _) => None,
    };
    if let Some(missing) = missing {
        let back = format!("/repeticiones/nueva?falta={missing}&{}", kept(&pairs));
        return Redirect::to(&back).into_response();
    }
    let answer = plan_page(&view, &app).await;
    view.answer(answer)
}

async fn plan_page(view: &View, app: &App) -> Answer {
    view.see(Right::Replay)?;
    let pairs = ended(view, form(&view.query));
    let meant = filter(&pairs);
    let wanted = PlanReplayRequest {
        filter: Some(meant.clone()),
    };
    let plan = view.ask(app).plan_replay(wanted).await;
    let plan = plan.map_err(|status| Problem::of("ingress", &status))?;
    let counts = plan.counts.unwrap_or_default();
    let number = |n| when::count(view.language, n);
    let title = if counts.deliveries == 0 {
        view.say(w::REPLAY_PLAN_NONE).to_owned()
    } else {
        view.fill(w::REPLAY_PLAN_TITLE, &[("n", &number(counts.deliveries))])
    };
    // As it was asked for: an end that nobody gave is given anew.
    let back = format!("/repeticiones/nueva?{}", kept(&form(&view.query)));
    let body = html! {
        h1 { (title) }
        p class="lede" { (view.say(w::REPLAY_STEP_2)) }
        div class="panel block" {
            (said(view, &pairs, &meant))
            dl class="figures" {
                @for (n, word) in [(counts.same, w::REPLAY_SAME), (counts.different, w::REPLAY_DIFFERENT), (counts.fresh, w::REPLAY_FRESH), (counts.skipped, w::REPLAY_SKIPPED)] {
                    div { dt class="hidden" { (view.say(word)) } dd class="big" { (number(n)) } dd class="faint" aria-hidden="true" { (view.say(word)) } }
                }
            }
        }
        @if plan.sampled { p class="note warn gap" { (icon("alert")) span { (view.say(w::REPLAY_SAMPLED)) } } }
        (differences(view, &plan))
        @if counts.deliveries > 0 {
            form class="panel pad form block" method="post" action="/repeticiones" {
                (csrf(view))
                input type="hidden" name="once" value=(Uuid::now_v7());
                @for name in PARTS {
                    @if !value(&pairs, name).is_empty() { input type="hidden" name=(name) value=(value(&pairs, name)); }
                }
                p class="muted" { (view.say(w::REPLAY_RUN_ABOUT)) }
                (reason(view, "why", true))
                p class="acts" {
                    button class="primary" type="submit" { (view.fill(w::REPLAY_RUN, &[("n", &number(counts.deliveries))])) }
                    a class="button" href=(back) { (view.say(w::REPLAY_CHANGE)) }
                }
            }
        } @else { p class="acts gap" { a class="button" href=(back) { (view.say(w::REPLAY_CHANGE)) } } }
    };
    let page = Page::at("/repeticiones", title, body);
    Ok(page.below(view.say(w::REPLAYS), "/repeticiones"))
}

/// The pairs with an end of the filter: what comes in after the dry run was not rehearsed.
fn ended(view: &View, mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    if value(&pairs, "hasta").is_empty() {
        pairs.retain(|(name, _)| name != "hasta");
        pairs.push(("hasta".to_owned(), when::exact_field(view.now)));
    }
    pairs
}

fn differences(view: &View, plan: &PlanReplayResponse) -> Markup {
    html! {
        @if !plan.differences.is_empty() {
            section class="block" aria-labelledby="h-diff" {
                header { h2 id="h-diff" { (view.say(w::REPLAY_DIFFS)) } }
                ul class="panel pad steps" {
                    @for one in &plan.differences {
                        li {
                            (icon("alert"))
                            div {
                                p { (event_name(&one.r#type)) ": " @if one.event_id.is_empty() { (view.say(w::REPLAY_NEW_EVENT)) } @else { code { (one.fields.join(", ")) } } }
                                a class="more" href={ "/entregas/" (one.delivery_id) } { (view.say(w::HOP_DELIVERY_OPEN)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether it can be what a dry run showed: understood, with a beginning and an end.
fn whole(fields: &[(String, String)], filter: &DeliveryFilter) -> bool {
    !unclear(fields) && filter.since.is_some() && filter.until.is_some()
}

/// `POST /repeticiones`
pub(crate) async fn start(view: View, State(app): State<App>, Form(fields): Fields) -> Response {
    let reason = change::reason(&fields);
    let wanted = filter(&fields);
    if view.may(Right::Replay) && !whole(&fields, &wanted) {
        let why = view.say(w::REPLAY_UNCLEAR).to_owned();
        return view
            .back_to("/repeticiones/nueva")
            .answer(Err(Problem::Refused(why)));
    }
    let entry = Entry {
        action: "replay.started",
        object: value(&fields, "once"),
        after: Some(serde_json::json!({
            "provider": wanted.provider,
            "connection": wanted.connection,
            "outcomes": wanted.outcomes,
            "trace_id": wanted.trace_id,
            "since": value(&fields, "desde"),
            "until": value(&fields, "hasta"),
        })),
        reason: Some(&reason),
        ..Entry::default()
    };
    let doing = async {
        let command = StartReplayRequest {
            filter: Some(wanted.clone()),
            reason: reason.clone(),
            idempotency_key: change::once(&view, &fields),
        };
        let answer = view.ask(&app).start_replay(command).await;
        let answer = answer.map_err(|status| Problem::of("ingress", &status))?;
        answer.replay.ok_or(Problem::NotFound)
    };
    match change::make(&view, &app, Right::Replay, entry, doing).await {
        Ok(replay) => Redirect::to(&format!("/repeticiones/{}", encode(&replay.id))).into_response(),
        Err(problem) => view.back_to("/repeticiones").answer(Err(problem)),
    }
}
