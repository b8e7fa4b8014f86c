//! `/`: does anything need me? Verdict, then work, then figures.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::ingress::GetTrafficResponse;
use puente_proto::notifications::CountMessagesResponse;

use super::health;
use super::overview_charts::charts;
use crate::application::overview::{Overview, overview};
use crate::application::questions::Missing;
use crate::console::charts::spark;
use crate::console::layout::Page;
use crate::console::parts::{away, icon, inked, provider};
use crate::console::view::View;
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// Connections shown here; the rest is on their own page.
const IN_TROUBLE_FIRST: usize = 5;
/// Providers that wait longer for an answer begin to send again.
const ANSWER_LIMIT_MS: f64 = 250.0;

/// `GET /`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let (title, parts) = parts(&view, &app).await;
    let body = html! { @for part in &parts { (part) } };
    view.answer(Ok(Page::at("/", title, body).live("overview")))
}

/// The page's title and its live parts.
pub(crate) async fn parts(view: &View, app: &App) -> (String, Vec<Markup>) {
    let all = overview(view.ask(app), &view.principal).await;
    let waiting = matters(&all);
    let title = if waiting == 0 {
        view.say(w::OVERVIEW).to_owned()
    } else {
        format!("({waiting}) {}", view.say(w::OVERVIEW))
    };
    let mut parts = vec![
        verdict(view, &all, waiting),
        work(view, &all),
        figures(view, &all),
    ];
    if view.may(Right::ReadHealth) {
        parts.push(integrations(view, &all));
    }
    parts.push(charts(view, &all));
    (title, parts)
}

fn matters(all: &Overview) -> u64 {
    let unknown: u64 = all.unknown.iter().map(|one| one.count).sum();
    let dead: u64 = all.dead.iter().map(|one| one.count).sum();
    unknown + dead + signatures(all) + plates(all)
}

/// Serial plates that wait for a person.
fn plates(all: &Overview) -> u64 {
    let counted = all.captures.as_ref().and_then(|part| part.as_ref().ok());
    counted.map_or(0, |counted| counted.waiting)
}

/// Signatures that wait for a person.
fn signatures(all: &Overview) -> u64 {
    let counted = all.signatures.as_ref().and_then(|part| part.as_ref().ok());
    counted.map_or(0, |counted| counted.troubled + counted.manual + counted.untold)
}

fn verdict(view: &View, all: &Overview, waiting: u64) -> Markup {
    let blind = all.missing.iter().any(|one| *one != Missing::OneTenant);
    let text = match waiting {
        _ if blind => view.say(w::VERDICT_BLIND).to_owned(),
        0 => view.say(w::VERDICT_CALM).to_owned(),
        1 => view.say(w::VERDICT_ONE).to_owned(),
        n => view.fill(w::VERDICT_MANY, &[("n", &when::count(view.language, n))]),
    };
    let paused = all.health.iter().find(|one| one.breaker == "open");
    html! {
        section id="verdict" aria-labelledby="h-now" {
            h1 id="h-now" { (text) }
            @if let Some(paused) = paused {
                p class="lede" { (view.fill(w::LEDE_PAUSED, &[("name", &provider(&paused.provider))])) }
            } @else if all.missing.is_empty() && view.may(Right::ReadHealth) {
                p class="lede" { (view.say(w::LEDE_CALM)) }
            }
            @for missing in &all.missing { div class="gap" { (away(view, *missing)) } }
        }
    }
}

fn work(view: &View, all: &Overview) -> Markup {
    let paused: Vec<_> = all.health.iter().filter(|one| one.breaker == "open").collect();
    let any = matters(all) > 0 || !paused.is_empty();
    let dead: u64 = all.dead.iter().map(|one| one.count).sum();
    let newest = all
        .dead
        .iter()
        .filter_map(|one| one.newest.as_ref()?.dead_at.as_ref())
        .max_by_key(|at| (at.seconds, at.nanos));
    html! {
        section id="work" aria-label=(view.say(w::PENDING_COUNT)) {
            @if any {
                ul class="tasks panel block" {
                    @for one in all.unknown.iter().filter(|one| one.count > 0) {
                        @let name = one.newest.as_ref().map(|effect| provider(&effect.provider)).unwrap_or_default();
                        li data-row class="doubt" data-key={ "unknown-" (name) } {
                            (inked("doubt"))
                            div {
                                h2 { (count(view, one.count, w::WORK_UNKNOWN_ONE, w::WORK_UNKNOWN_MANY)) }
                                @let at = one.newest.as_ref().and_then(|effect| effect.called_at.as_ref());
                                p { (view.fill(w::WORK_UNKNOWN_ABOUT, &[("name", &name), ("age", &age(view, at))])) }
                            }
                            a class="button small" href="/inciertos" { (view.say(w::DECIDE)) }
                        }
                    }
                    @if dead > 0 {
                        li data-row class="bad" data-key="dead" {
                            (inked("mail"))
                            div {
                                h2 { (count(view, dead, w::WORK_DEAD_ONE, w::WORK_DEAD_MANY)) }
                                p { (view.fill(w::WORK_DEAD_ABOUT, &[("age", &age(view, newest))])) }
                            }
                            a class="button small" href="/cartas-muertas" { (view.say(w::REVIEW)) }
                        }
                    }
                    @if let (Some(Ok(counted)), true) = (&all.signatures, signatures(all) > 0) {
                        li data-row class="warn" data-key="signatures" {
                            (inked("alert"))
                            div {
                                h2 { (count(view, signatures(all), w::WORK_SIGN_ONE, w::WORK_SIGN_MANY)) }
                                p { (view.fill(w::WORK_SIGN_ABOUT, &[("stuck", &when::count(view.language, counted.troubled)), ("manual", &when::count(view.language, counted.manual))]))
                                    @if counted.untold > 0 { " " (count(view, counted.untold, w::WORK_SIGN_UNTOLD_ONE, w::WORK_SIGN_UNTOLD_MANY)) }
                                }
                            }
                            a class="button small" href="/firmas?estado=persona" { (view.say(w::REVIEW)) }
                        }
                    }
                    @if plates(all) > 0 {
                        li data-row class="warn" data-key="plates" {
                            (inked("seek"))
                            div {
                                h2 { (count(view, plates(all), w::WORK_PLATES_ONE, w::WORK_PLATES_MANY)) }
                                p { (view.say(w::WORK_PLATES_ABOUT)) }
                            }
                            a class="button small" href="/revision-ocr" { (view.say(w::CONFIRM)) }
                        }
                    }
                    @for one in paused {
                        li data-row class="warn" data-key={ "paused-" (one.connection) } {
                            (inked("alert"))
                            div {
                                h2 { (view.fill(w::WORK_PAUSED, &[("name", &provider(&one.provider))])) }
                                p { (view.fill(w::WORK_PAUSED_ABOUT, &[("n", &when::count(view.language, one.waiting))])) }
                            }
                            a class="button small" href="/salud" { (view.say(w::REVIEW)) }
                        }
                    }
                }
            }
        }
    }
}

fn count(view: &View, n: u64, one: w::Word, many: w::Word) -> String {
    if n == 1 {
        view.say(one).to_owned()
    } else {
        view.fill(many, &[("n", &when::count(view.language, n))])
    }
}

fn age(view: &View, at: Option<&when::Stamp>) -> String {
    when::local(at).map_or_else(|| "—".to_owned(), |at| when::ago(view.language, view.now, at))
}

fn figures(view: &View, all: &Overview) -> Markup {
    html! {
        section id="figures" class="block" aria-labelledby="h-figures" {
            header { h2 id="h-figures" { (view.say(w::TODAY)) } p class="faint" { (view.say(w::LAST_HOUR)) } }
            dl class="panel figures" {
                @if let Some(Ok(traffic)) = &all.traffic {
                    (received(view, traffic))
                    (answered(view, traffic))
                }
                @if let Some(Ok(orders)) = &all.orders {
                    @let open: u64 = orders.states.iter().filter(|one| !states::is_final(&one.state)).map(|one| one.count).sum();
                    (figure(view, w::FIG_ORDERS, &when::count(view.language, open), &view.fill(w::FIG_NEW_TODAY, &[("n", &when::count(view.language, orders.opened_today))]), None))
                }
                @if let Some(Ok(messages)) = &all.messages { (sent(view, messages)) }
            }
        }
    }
}

fn received(view: &View, traffic: &GetTrafficResponse) -> Markup {
    let values: Vec<u64> = traffic
        .buckets
        .iter()
        .map(|one| one.accepted + one.duplicate + one.ignored + one.troubled + one.refused)
        .collect();
    let refused: u64 = traffic.buckets.iter().map(|one| one.refused).sum();
    let about = view.fill(w::FIG_REFUSED, &[("n", &when::count(view.language, refused))]);
    let total = when::count(view.language, values.iter().sum());
    figure(view, w::FIG_RECEIVED, &total, &about, Some(&values))
}

fn answered(view: &View, traffic: &GetTrafficResponse) -> Markup {
    let value = traffic
        .p99_ms
        .map_or_else(|| "—".to_owned(), |ms| when::ms(view.language, ms));
    let over = traffic.p99_ms.is_some_and(|ms| ms > ANSWER_LIMIT_MS);
    html! {
        div {
            dt { (view.say(w::FIG_ANSWER)) }
            dd class="big" { (value) }
            @if over { dd class="warn ink" { (icon("alert")) " " (view.say(w::FIG_OVER)) } }
            @else { dd class="faint" { (view.say(w::FIG_LIMIT)) } }
        }
    }
}

fn sent(view: &View, messages: &CountMessagesResponse) -> Markup {
    let values: Vec<u64> = messages.buckets.iter().map(|one| one.sent).collect();
    let failed: u64 = messages.buckets.iter().map(|one| one.failed).sum();
    let about = view.fill(w::FIG_FAILED, &[("n", &when::count(view.language, failed))]);
    let total = when::count(view.language, values.iter().sum());
    figure(view, w::FIG_SENT, &total, &about, Some(&values))
}

fn figure(view: &View, term: w::Word, value: &str, about: &str, line: Option<&[u64]>) -> Markup {
    html! {
        div {
            dt { (view.say(term)) }
            dd class="big" { (value) }
            dd class="faint" { (about) }
            @if let Some(line) = line {
                @let most = when::count(view.language, line.iter().copied().max().unwrap_or(0));
                dd { (spark(line, &view.fill(w::FIG_SPARK, &[("max", &most)]))) }
            }
        }
    }
}

fn integrations(view: &View, all: &Overview) -> Markup {
    let first: Vec<_> = all.health.iter().take(IN_TROUBLE_FIRST).collect();
    html! {
        section id="integrations" class="block" aria-labelledby="h-integrations" {
            header { h2 id="h-integrations" { (view.say(w::INTEGRATIONS)) } a class="more" href="/salud" { (view.say(w::SEE_ALL)) } }
            div class="panel" {
                @if first.is_empty() { p class="none" { (view.say(w::HEALTH_CALM)) } }
                @else { (health::table(view, &first)) }
            }
        }
    }
}
