//! `/entregas/{id}`: one request from outside: how it was verified, what it held, what it led to.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::ingress::{Delivery, GetDeliveryRequest, GetDeliveryResponse};
use puente_proto::operations::{EventIds, ListEventsRequest, PublishedEvent, list_events_request::Key};
use time::{Duration, OffsetDateTime};

use super::delivery_filter::kept;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::mask;
use crate::console::parts::{csrf, date, event_name, fact, fine_time, icon, pill, provider, trace, trace_id};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, encode};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Bytes of a body that are shown.
const SHOWN: usize = 64 * 1024;
/// The span of a field for a time.
const MINUTE: Duration = Duration::MINUTE;

/// `GET /entregas/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = page(&view, &app, &id, false).await;
    view.answer(answer)
}

/// `POST /entregas/{id}/mostrar`: the body as it came, for this one answer.
pub(crate) async fn reveal(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let why = change::reason(&fields);
    let entry = Entry {
        action: "delivery.revealed",
        object: &id,
        reason: Some(&why),
        ..Entry::default()
    };
    let back = view.back_to(&format!("/entregas/{}", encode(&id)));
    let doing = page(&back, &app, &id, true);
    change::shown(&back, &app, Right::RevealPayload, entry, doing).await
}

async fn page(view: &View, app: &App, id: &str, bare: bool) -> Answer {
    view.see(Right::ReadTraffic)?;
    let ask = view.ask(app);
    let wanted = GetDeliveryRequest { id: id.to_owned() };
    let found = ask
        .get_delivery(wanted)
        .await
        .map_err(|status| Problem::of("ingress", &status))?;
    let one = found.delivery.clone().ok_or(Problem::NotFound)?;
    let events = events(view, app, &found.event_ids).await;
    let name = provider(&one.provider);
    let at = when::local(one.received_at.as_ref())
        .map(when::fine)
        .unwrap_or_default();
    let title = view.fill(w::DELIVERY_AT, &[("name", &name), ("at", &at)]);
    let body = html! {
        div class="title" {
            h1 { (title) } (pill(view, states::delivery(&one.outcome)))
            @if view.may(Right::Replay) { a class="button small" href=(again(&one)) { (view.say(w::REPLAY_THIS)) } }
        }
        @if !one.reason.is_empty() { p class="lede" { (one.reason) } }
        div class="panel block" {
            dl class="facts" {
                (fact(view.say(w::RECEIVED), date(view, one.received_at.as_ref())))
                (fact(view.say(w::CONNECTION), html! { @if one.connection.is_empty() { "—" } @else { (one.connection) } }))
                (fact(view.say(w::COL_SIZE), html! { (when::count(view.language, u64::from(one.body_bytes))) " B" }))
                (fact(view.say(w::SEQUENCE), html! { (one.receipt_sequence) }))
                @if !one.trace_id.is_empty() { (fact(view.say(w::TRACE), trace_id(&one.trace_id))) }
            }
            div class="pad" {
                h2 { (view.say(w::VERIFICATION)) }
                (steps(view, &one))
            }
        }
        section class="block" aria-labelledby="h-led" {
            header { h2 id="h-led" { (view.say(w::LED_TO)) } }
            div class="panel pad" { (led_to(view, &events)) }
        }
        (content(view, &one, &found, bare))
    };
    Ok(Page::at("/entregas", title, body).below(view.say(w::DELIVERIES), "/entregas"))
}

/// Where it is replayed: it alone, as far as a filter can say that. A trace is looked for within the times that are given.
fn again(one: &Delivery) -> String {
    let since = when::local(one.received_at.as_ref());
    let minute = |at: Option<OffsetDateTime>| at.map(when::field).unwrap_or_default();
    let parts = [
        ("servicio", one.provider.clone()),
        ("conexion", one.connection.clone()),
        ("desde", minute(since)),
        ("hasta", minute(since.map(|at| at + MINUTE))),
        ("traza", one.trace_id.clone()),
    ];
    let parts = parts.map(|(name, value)| (name.to_owned(), value));
    format!("/repeticiones/nueva?{}", kept(&parts))
}

fn steps(view: &View, one: &Delivery) -> Markup {
    let verified = one.verification == "verified";
    html! {
        ol class="steps gap" {
            @if verified {
                li class="good" { (icon("check")) span { (view.say(w::VERIFY_OK)) } }
                @if !one.connection.is_empty() { li class="good" { (icon("check")) span { (view.fill(w::VERIFY_BY, &[("name", &one.connection)])) } } }
            } @else {
                li class="bad" { (icon("cross")) span { (view.say(w::VERIFY_BAD)) } }
            }
            li class="good" { (icon("check")) span { (view.fill(w::VERIFY_SIZE, &[("n", &when::count(view.language, u64::from(one.body_bytes)))])) } }
            li class="good" { (icon("check")) span { (view.fill(w::VERIFY_STORED, &[("n", &one.receipt_sequence.to_string())])) } }
        }
    }
}

/// The events that were made of it; what led on from there is found by their trace.
async fn events(view: &View, app: &App, ids: &[String]) -> Vec<PublishedEvent> {
    let ask = view.ask(app);
    let Some(peer) = ask.named("ingress") else {
        return Vec::new();
    };
    if ids.is_empty() {
        return Vec::new();
    }
    let ids = ids.iter().take(100).cloned().collect();
    let wanted = ListEventsRequest {
        key: Some(Key::Ids(EventIds { ids })),
        limit: 0,
        ..ListEventsRequest::default()
    };
    ask.list_events(peer, wanted)
        .await
        .map(|found| found.events)
        .unwrap_or_default()
}

fn led_to(view: &View, events: &[PublishedEvent]) -> Markup {
    html! {
        @if events.is_empty() { p class="muted" { (view.say(w::LED_TO_NONE)) } }
        ul class="steps" {
            @for event in events {
                li class="good" {
                    (icon("check"))
                    div {
                        p { (event_name(&event.r#type)) " · " span class="muted" { (fine_time(event.committed_at.as_ref())) } }
                        p class="faint" { code { (event.id) } }
                        (trace(view, &event.trace_id))
                    }
                }
            }
        }
    }
}

fn content(view: &View, one: &Delivery, found: &GetDeliveryResponse, bare: bool) -> Markup {
    let cut = found.body.len() > SHOWN;
    let body: Vec<u8> = found.body.iter().copied().take(SHOWN).collect();
    let text = std::str::from_utf8(&body).ok().or_else(|| {
        // The cut may fall into the middle of a letter.
        std::str::from_utf8(&body)
            .err()
            .and_then(|error| body.get(..error.valid_up_to()))
            .and_then(|part| std::str::from_utf8(part).ok())
            .filter(|_| cut)
    });
    html! {
        section class="block" aria-labelledby="h-raw" {
            header { h2 id="h-raw" { (view.say(w::RAW)) } p class="faint" { (view.say(w::HASH)) " " code { (found.body_sha256.chars().take(16).collect::<String>()) "…" } } }
            @if bare { p class="note warn" role="status" { (icon("alert")) span { (view.say(w::RAW_SHOWN)) } } }
            div class="panel" {
                dl class="facts" { (fact(view.say(w::PATH), html! { code { (one.path) @if !found.query.is_empty() { "?" (mask::query(&found.query)) } } })) }
                div class="pad" {
                    @match text {
                        None => p class="muted" { (view.say(w::RAW_BINARY)) },
                        Some(text) if bare => pre class="payload" tabindex="0" { (mask::pretty(text)) },
                        Some(text) => pre class="payload" tabindex="0" { (mask::masked(view, text)) },
                    }
                    @if cut { p class="faint" { (view.fill(w::RAW_CUT, &[("n", &when::count(view.language, found.body.len() as u64))])) } }
                }
                @if !bare {
                    div class="pad" {
                        p class="muted" { (view.say(w::RAW_MASKED)) }
                        @if view.may(Right::RevealPayload) {
                            form class="form gap" method="post" action={ "/entregas/" (one.id) "/mostrar" } {
                                (csrf(view))
                                (crate::console::parts::reason(view, "why", true))
                                p class="acts" { button type="submit" { (view.say(w::RAW_SHOW)) } }
                            }
                        }
                    }
                }
                div class="pad" {
                    details {
                        summary { (view.say(w::HEADERS)) }
                        dl class="facts" {
                            @for header in &found.headers { (fact(&header.name, html! { code { (header.value) } })) }
                        }
                    }
                }
            }
        }
    }
}
