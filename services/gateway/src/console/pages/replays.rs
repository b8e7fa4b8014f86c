//! `/repeticiones`: doing deliveries again, in steps: filter, dry run with its count and differences, run with progress.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::ingress::{CancelReplayRequest, GetReplayRequest, ListReplaysRequest, Replay};

use crate::application::questions::missing;
use crate::audit::Entry;
use crate::console::change;
use crate::console::charts::bar;
use crate::console::layout::Page;
use crate::console::names::Names;
use crate::console::parts::{ago, away, csrf, date, fact, none, pager, pill};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, encode, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Replays on one page.
const PAGE: u32 = 50;

/// `GET /repeticiones`
pub(crate) async fn list(view: View, State(app): State<App>) -> Response {
    let answer = list_page(&view, &app).await;
    view.answer(answer)
}

async fn list_page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadTraffic)?;
    let wanted = ListReplaysRequest {
        page_size: PAGE,
        cursor: value(&form(&view.query), "cursor").to_owned(),
    };
    let found = view.ask(app).list_replays(wanted).await;
    let names = Names::of(view, app).await;
    let body = html! {
        div class="title" {
            h1 { (view.say(w::REPLAYS_TITLE)) }
            @if view.may(Right::Replay) { a class="button primary" href="/repeticiones/nueva" { (view.say(w::REPLAY_NEW)) } }
        }
        p class="lede" { (view.say(w::REPLAYS_LEDE)) }
        div class="panel block" {
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("ingress", status))) },
                Ok(found) if found.replays.is_empty() => (none(view, w::REPLAYS_NONE, false)),
                Ok(found) => { (table(view, &found.replays, &names)) (pager(view, found.replays.len(), &found.next_cursor)) },
            }
        }
    };
    Ok(Page::at("/repeticiones", view.say(w::REPLAYS_TITLE), body))
}

fn looked_at(replay: &Replay) -> u64 {
    replay.done.as_ref().map_or(0, |done| done.deliveries)
}

fn table(view: &View, replays: &[Replay], names: &Names) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::REPLAYS_TABLE)) {
            thead role="rowgroup" { tr role="row" { (head(w::REASON, "")) (head(w::STATE, "")) (head(w::COL_PROGRESS, "num")) (head(w::REPLAY_BY, "")) (head(w::COL_WHEN, "")) } }
            tbody role="rowgroup" {
                @for one in replays {
                    tr role="row" data-row {
                        td role="cell" class="o1" { a href={ "/repeticiones/" (one.id) } { (one.reason) } }
                        td role="cell" class="o2 end" { (pill(view, states::replay(&one.state))) }
                        td role="cell" class="num o4" { (when::count(view.language, looked_at(one))) " / " (when::count(view.language, one.total)) }
                        td role="cell" class="drop muted" { (names.name(view, &one.requested_by)) }
                        td role="cell" class="o5 end nowrap" { (ago(view, one.started_at.as_ref())) }
                    }
                }
            }
        }
    }
}

/// `GET /repeticiones/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = one_page(&view, &app, &id).await;
    view.answer(answer)
}

async fn one_page(view: &View, app: &App, id: &str) -> Answer {
    let (title, parts) = parts(view, app, id).await?;
    let body = html! { @for part in &parts { (part) } };
    let page = Page::at("/repeticiones", title, body).live(format!("replay:{id}"));
    Ok(page.below(view.say(w::REPLAYS), "/repeticiones"))
}

/// Verdict and progress.
pub(crate) async fn parts(view: &View, app: &App, id: &str) -> Result<(String, Vec<Markup>), Problem> {
    view.see(Right::ReadTraffic)?;
    let wanted = GetReplayRequest { id: id.to_owned() };
    let found = view.ask(app).get_replay(wanted).await;
    let found = found.map_err(|status| Problem::of("ingress", &status))?;
    let one = found.replay.ok_or(Problem::NotFound)?;
    let names = Names::of(view, app).await;
    let done = one.done.unwrap_or_default();
    let number = |n| when::count(view.language, n);
    let places = [("done", number(done.deliveries)), ("total", number(one.total))];
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let title = match one.state.as_str() {
        "done" => w::REPLAY_DONE,
        "cancelled" => w::REPLAY_CANCELLED,
        "failed" => w::REPLAY_FAILED,
        _ => w::REPLAY_RUNNING,
    };
    let title = view.fill(title, &places);
    let look = states::replay(&one.state);
    let part = html! {
        section id="replay" {
            div class="title" { h1 { (title) } (pill(view, look)) }
            @if !one.error.is_empty() { p class="lede" { (one.error) } }
            div class="panel block" {
                div class="pad progress" { (bar(done.deliveries, one.total, look.family)) }
                dl class="facts" {
                    @for (n, word) in [(done.same, w::REPLAY_SAME), (done.different, w::REPLAY_DIFFERENT), (done.fresh, w::REPLAY_FRESH), (done.skipped, w::REPLAY_SKIPPED)] {
                        (fact(view.say(word), html! { (number(n)) }))
                    }
                }
                dl class="facts" {
                    (fact(view.say(w::REASON), html! { (one.reason) }))
                    (fact(view.say(w::REPLAY_BY), html! { (names.name(view, &one.requested_by)) }))
                    (fact(view.say(w::COL_WHEN), date(view, one.started_at.as_ref())))
                }
                @if one.state == "running" && view.may(Right::Replay) {
                    form class="pad form" method="post" action={ "/repeticiones/" (one.id) "/detener" } {
                        (csrf(view))
                        p class="muted" { (view.say(w::REPLAY_CANCEL_ABOUT)) }
                        p class="acts" { button class="danger" type="submit" { (view.say(w::REPLAY_CANCEL)) } }
                    }
                }
            }
        }
    };
    Ok((title, vec![part]))
}

/// `POST /repeticiones/{id}/detener`
pub(crate) async fn cancel(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let entry = Entry {
        action: "replay.cancelled",
        object: &id,
        ..Entry::default()
    };
    let doing = async {
        let answer = view
            .ask(&app)
            .cancel_replay(CancelReplayRequest { id: id.clone() })
            .await;
        answer.map_err(|status| Problem::of("ingress", &status)).map(drop)
    };
    let cancelled = change::make(&view, &app, Right::Replay, entry, doing).await;
    change::done(&view, &format!("/repeticiones/{}", encode(&id)), cancelled)
}
