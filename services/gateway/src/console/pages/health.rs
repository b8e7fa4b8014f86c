//! `/salud`: what is slow, failing, or near its limit? The worst first.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::operations::ConnectionHealth;

use crate::application::overview::health;
use crate::console::charts::bar;
use crate::console::layout::Page;
use crate::console::parts::{away, pill, provider, views};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

const HOUR: u32 = 3600;
/// From here on a quota is shown as a warning.
const NEARLY_FULL: u64 = 80;

/// `GET /salud`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadHealth)?;
    let hours = hours(view);
    let (title, parts) = parts(view, app, hours).await;
    let now = hours.to_string();
    let body = html! {
        @for part in parts.iter().take(1) { (part) }
        div class="panel block" {
            (views(view, "h", view.say(w::WINDOW), &now, &[("1", w::WINDOW_1H), ("6", w::WINDOW_6H), ("24", w::WINDOW_24H)]))
            @for part in parts.iter().skip(1) { (part) }
        }
    };
    Ok(Page::at("/salud", title, body).live(format!("health:{hours}")))
}

fn hours(view: &View) -> u32 {
    form(&view.query)
        .iter()
        .find(|(name, _)| name == "h")
        .and_then(|(_, hours)| hours.parse().ok())
        .filter(|hours| (1..=24).contains(hours))
        .unwrap_or(1)
}

/// The verdict and the table.
pub(crate) async fn parts(view: &View, app: &App, hours: u32) -> (String, Vec<Markup>) {
    let (all, missing) = health(view.ask(app), hours * HOUR).await;
    let title = verdict(view, &all);
    let head = html! {
        section id="verdict" {
            h1 { (title) }
            p class="lede" { (view.say(w::HEALTH_LEDE)) }
            @for one in missing { div class="gap" { (away(view, one)) } }
        }
    };
    let rows: Vec<_> = all.iter().collect();
    let list = html! {
        div id="health" {
            @if rows.is_empty() { p class="none" { (view.say(w::HEALTH_CALM)) } }
            @else { (table(view, &rows)) }
        }
    };
    (title, vec![head, list])
}

fn verdict(view: &View, all: &[ConnectionHealth]) -> String {
    let paused = all.iter().filter(|one| one.breaker == "open").count();
    let trying = all.iter().filter(|one| one.breaker == "half_open").count();
    let number = |n: usize| when::count(view.language, n as u64);
    match all.len() {
        0 => view.say(w::HEALTH_TITLE_NONE).to_owned(),
        1 if paused + trying == 0 => view.say(w::HEALTH_TITLE_ONE).to_owned(),
        all if paused + trying == 0 => view.fill(w::HEALTH_TITLE_GOOD, &[("n", &number(all))]),
        all => view.fill(
            w::HEALTH_TITLE_BAD,
            &[
                ("paused", &number(paused)),
                ("trying", &number(trying)),
                ("good", &number(all - paused - trying)),
            ],
        ),
    }
}

/// One line a connection.
pub(crate) fn table(view: &View, all: &[&ConnectionHealth]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::HEALTH_TABLE)) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::PROVIDER, "")) (head(w::STATE, "")) (head(w::COL_SUCCESS, "num")) (head(w::COL_P50, "num"))
                    (head(w::COL_P95, "num")) (head(w::COL_QUOTA, "num")) (head(w::COL_QUEUE, "num")) (head(w::COL_FAILURES, ""))
                }
            }
            tbody role="rowgroup" { @for one in all { (row(view, one)) } }
        }
    }
}

fn row(view: &View, one: &ConnectionHealth) -> Markup {
    let calls = one.done + one.failed;
    let look = states::breaker(&one.breaker, calls + one.waiting > 0);
    let success = when::percent(view.language, one.done, calls).unwrap_or_else(|| "—".to_owned());
    let ms = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |ms| when::ms(view.language, ms));
    html! {
        tr role="row" data-key=(one.connection) data-row {
            td role="cell" class="o1" {
                @if view.may(Right::ReadEffects) {
                    a href={ "/inciertos?estado=todos&servicio=" (one.provider) } { (provider(&one.provider)) }
                } @else { (provider(&one.provider)) }
                br; small { (one.connection) }
            }
            td role="cell" class="o2 end" {
                (pill(view, look))
                @if let (Some(at), "open" | "half_open") = (when::local(one.breaker_since.as_ref()), one.breaker.as_str()) {
                    " " small { (view.fill(w::SINCE, &[("at", &when::short(at))])) }
                }
            }
            td role="cell" class="num o3" data-label=(view.say(w::COL_SUCCESS)) { (success) }
            td role="cell" class="num drop" { (ms(one.p50_ms)) }
            td role="cell" class="num o4 end" data-label=(view.say(w::COL_P95)) { (ms(one.p95_ms)) }
            td role="cell" class="num drop" { (quota(view, one)) }
            td role="cell" class="num o5" data-label=(view.say(w::COL_QUEUE)) {
                (when::count(view.language, one.waiting))
                @if let (Some(at), true) = (when::local(one.oldest_waiting.as_ref()), one.waiting > 0) {
                    " · " (view.fill(w::OLDEST, &[("age", &when::ago(view.language, view.now, at))]))
                }
            }
            td role="cell" class="o6 wide muted" { (failures(view, one)) }
        }
    }
}

fn quota(view: &View, one: &ConnectionHealth) -> Markup {
    let Some(quota) = &one.quota else {
        return html! { "—" };
    };
    let (used, limit) = (u64::from(quota.used), u64::from(quota.limit));
    let full = used.saturating_mul(100).checked_div(limit).unwrap_or(0);
    let family = if full >= NEARLY_FULL { "warn" } else { "rest" };
    html! { span class="quota" { (bar(used, limit, family)) (when::percent(view.language, used, limit).unwrap_or_default()) } }
}

fn failures(view: &View, one: &ConnectionHealth) -> Markup {
    html! {
        @if one.failures.is_empty() { (view.say(w::NONE)) }
        @for (n, failure) in one.failures.iter().take(3).enumerate() {
            @if n > 0 { ", " }
            @let class = states::failure(&failure.class).map_or(failure.class.as_str(), |word| view.say(word));
            (view.fill(w::FAILURES_OF, &[("n", &when::count(view.language, failure.count)), ("class", class)]))
        }
    }
}
