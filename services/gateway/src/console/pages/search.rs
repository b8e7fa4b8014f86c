//! `/buscar?q=`: any number, serial, phone, trace or id leads to the order it belongs to, in two steps at most.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use futures::future::join_all;
use maud::{Markup, html};
use puente_proto::ingress::{Delivery, DeliveryFilter, GetDeliveryRequest, ListDeliveriesRequest};
use puente_proto::notifications::{GetMessageRequest, ListMessagesRequest, Message};
use puente_proto::operations::{
    GetEffectRequest, ListEventsRequest, PublishedEvent, list_events_request::Key as EventKey,
};
use puente_proto::orders::{
    Conversation, GetConversationRequest, ListConversationsRequest, ListOrdersRequest, OrderSummary,
};
use uuid::Uuid;

use super::search_plates::{self, Plates};
use super::{conversations, deliveries, orders};
use crate::application::orders::{list, order};
use crate::application::plates::{is_asset_number, may_be_serial};
use crate::console::layout::Page;
use crate::console::parts::{event_name, fine_time, pill};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Fewer digits than that are no phone number.
const PHONE_DIGITS: usize = 7;
/// Results of a kind.
const MOST: u32 = 20;

/// What was found.
#[derive(Default)]
struct Found {
    orders: Vec<OrderSummary>,
    talks: Vec<Conversation>,
    messages: Vec<Message>,
    deliveries: Vec<Delivery>,
    events: Vec<PublishedEvent>,
    plates: Plates,
}

/// `GET /buscar`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let pairs = form(&view.query);
    let query = value(&pairs, "q").trim().to_owned();
    if let Some(place) = direct(&view, &app, &query).await {
        return Redirect::to(&place).into_response();
    }
    let answer = page(&view, &app, &query).await;
    view.answer(answer)
}

/// The one page that a number or id names.
async fn direct(view: &View, app: &App, query: &str) -> Option<String> {
    if query.parse::<Uuid>().is_ok() {
        return of_id(view, app, query).await;
    }
    if is_asset_number(query) {
        return search_plates::sheet(view, app, query).await;
    }
    let digits = query.trim_start_matches(|c: char| !c.is_ascii_digit());
    let prefixed = query.to_ascii_uppercase().starts_with("OT");
    let short = digits.len() < PHONE_DIGITS && !digits.is_empty() && digits.len() == query.len();
    if view.may(Right::ReadOrders) && (prefixed || short) {
        let number: u64 = digits.parse().ok()?;
        let number = format!("OT-{number:06}");
        let found = order(view.ask(app), &view.principal, &number).await;
        return found.ok().map(|_| format!("/pedidos/{number}"));
    }
    None
}

async fn of_id(view: &View, app: &App, id: &str) -> Option<String> {
    let ask = view.ask(app);
    let owned = || id.to_owned();
    if view.may(Right::ReadOrders)
        && let Ok(order) = order(ask, &view.principal, id).await
    {
        return Some(format!("/pedidos/{}", encode(&order.number)));
    }
    if let Some(place) = search_plates::of_id(view, app, id).await {
        return Some(place);
    }
    if view.may(Right::ReadTraffic) && ask.get_delivery(GetDeliveryRequest { id: owned() }).await.is_ok() {
        return Some(format!("/entregas/{id}"));
    }
    if view.may(Right::ReadConversations) {
        if ask
            .get_conversation(GetConversationRequest {
                conversation_id: owned(),
            })
            .await
            .is_ok()
        {
            return Some(format!("/conversaciones/{id}"));
        }
        let message = ask
            .get_message(GetMessageRequest { message_id: owned() })
            .await
            .ok();
        if let Some(message) = message
            .and_then(|found| found.message)
            .filter(|one| !one.about.is_empty())
        {
            return Some(format!("/pedidos/{}", encode(&message.about)));
        }
    }
    if view.may(Right::ReadEffects) {
        let asked = ask
            .all()
            .into_iter()
            .map(|peer| ask.get_effect(peer, GetEffectRequest { id: owned() }));
        if join_all(asked).await.into_iter().any(|answer| answer.is_ok()) {
            return Some(format!("/inciertos/{id}"));
        }
    }
    None
}

async fn page(view: &View, app: &App, query: &str) -> Answer {
    let digits: String = query.chars().filter(char::is_ascii_digit).collect();
    let trace = query.to_ascii_lowercase();
    let is_trace = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = if is_trace {
        by_trace(view, app, &trace).await
    } else if query.is_empty() {
        Found::default()
    } else {
        by_text(view, app, query, &digits).await
    };
    let title = if query.is_empty() {
        view.say(w::SEARCH_EMPTY_TITLE).to_owned()
    } else {
        view.fill(w::SEARCH_TITLE, &[("q", query)])
    };
    let nothing = found.orders.is_empty()
        && found.talks.is_empty()
        && found.messages.is_empty()
        && found.deliveries.is_empty()
        && found.events.is_empty()
        && found.plates.is_empty();
    let body = html! {
        h1 { (title) }
        p class="lede" { (view.say(w::SEARCH_HELP)) }
        @if nothing && !query.is_empty() { div class="panel none block" { p { (view.fill(w::SEARCH_NOTHING, &[("q", query)])) } } }
        @if !found.orders.is_empty() { (part(view, w::FOUND_ORDERS, orders::table(view, &found.orders))) }
        (search_plates::parts(view, &found.plates))
        @if !found.talks.is_empty() { (part(view, w::FOUND_TALKS, conversations::table(view, &found.talks))) }
        @if !found.messages.is_empty() { (part(view, w::FOUND_MESSAGES, messages(view, &found.messages))) }
        @if !found.deliveries.is_empty() { (part(view, w::FOUND_DELIVERIES, deliveries::table(view, &found.deliveries))) }
        @if !found.events.is_empty() { (part(view, w::FOUND_EVENTS, events(view, &found.events))) }
    };
    Ok(Page::at("", title, body))
}

/// A kind of result.
pub(super) fn part(view: &View, title: w::Word, table: Markup) -> Markup {
    html! { section class="block" { header { h2 { (view.say(title)) } } div class="panel" { (table) } } }
}

async fn by_text(view: &View, app: &App, query: &str, digits: &str) -> Found {
    let ask = view.ask(app);
    let phone = digits.len() >= PHONE_DIGITS;
    let orders = async {
        if !view.may(Right::ReadOrders) {
            return Vec::new();
        }
        let search = if phone { digits } else { query };
        let wanted = ListOrdersRequest {
            page_size: MOST,
            search: search.to_owned(),
            ..ListOrdersRequest::default()
        };
        list(ask, &view.principal, wanted)
            .await
            .map(|found| found.orders)
            .unwrap_or_default()
    };
    let talks = async {
        if !phone || !view.may(Right::ReadConversations) {
            return Vec::new();
        }
        let wanted = ListConversationsRequest {
            page_size: MOST,
            phone: digits.to_owned(),
            ..ListConversationsRequest::default()
        };
        ask.list_conversations(wanted)
            .await
            .map(|found| found.conversations)
            .unwrap_or_default()
    };
    let plates = async {
        if may_be_serial(query) {
            search_plates::by_serial(view, app, query).await
        } else {
            Plates::default()
        }
    };
    let (orders, talks, plates) = futures::join!(orders, talks, plates);
    Found {
        orders,
        talks,
        plates,
        ..Found::default()
    }
}

async fn by_trace(view: &View, app: &App, trace: &str) -> Found {
    let ask = view.ask(app);
    let deliveries = async {
        if !view.may(Right::ReadTraffic) {
            return Vec::new();
        }
        let filter = DeliveryFilter {
            trace_id: trace.to_owned(),
            ..DeliveryFilter::default()
        };
        let wanted = ListDeliveriesRequest {
            filter: Some(filter),
            page_size: MOST,
            cursor: String::new(),
        };
        ask.list_deliveries(wanted)
            .await
            .map(|found| found.deliveries)
            .unwrap_or_default()
    };
    let messages = async {
        if !view.may(Right::ReadConversations) {
            return Vec::new();
        }
        let wanted = ListMessagesRequest {
            trace_id: trace.to_owned(),
            page_size: MOST,
            ..ListMessagesRequest::default()
        };
        ask.list_messages(wanted)
            .await
            .map(|found| found.messages)
            .unwrap_or_default()
    };
    let events = async {
        if !view.may(Right::ReadTraffic) {
            return Vec::new();
        }
        let asked = ask.all().into_iter().map(|peer| {
            let wanted = ListEventsRequest {
                key: Some(EventKey::TraceId(trace.to_owned())),
                limit: MOST,
                ..ListEventsRequest::default()
            };
            ask.list_events(peer, wanted)
        });
        let answers = join_all(asked).await;
        answers
            .into_iter()
            .filter_map(Result::ok)
            .flat_map(|found| found.events)
            .collect()
    };
    let (deliveries, messages, mut events) = futures::join!(deliveries, messages, events);
    events.sort_by_key(|event: &PublishedEvent| event.committed_at.map(|at| (at.seconds, at.nanos)));
    let mut ids: Vec<String> = messages.iter().map(|one| one.about.clone()).collect();
    let orders_events = events
        .iter()
        .filter(|event| event.r#type.contains(".orders.v1.Order"));
    ids.extend(orders_events.map(|event| event.aggregate_id.clone()));
    let (orders, plates) = futures::join!(
        orders_of(view, app, ids),
        search_plates::of_events(view, app, &events)
    );
    Found {
        orders,
        talks: Vec::new(),
        messages,
        deliveries,
        events,
        plates,
    }
}

async fn orders_of(view: &View, app: &App, mut ids: Vec<String>) -> Vec<OrderSummary> {
    if !view.may(Right::ReadOrders) {
        return Vec::new();
    }
    ids.retain(|id| !id.is_empty());
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(5);
    let ask = view.ask(app);
    let asked = ids.iter().map(|id| order(ask, &view.principal, id));
    let answers = join_all(asked).await;
    answers.into_iter().filter_map(Result::ok).collect()
}

fn messages(view: &View, messages: &[Message]) -> Markup {
    html! {
        ul class="steps pad" {
            @for one in messages {
                li {
                    (crate::console::parts::icon("mail"))
                    p {
                        (one.template) " " (pill(view, states::message(one.state(), one.parked))) " "
                        @if !one.about.is_empty() && view.may(Right::ReadOrders) { a class="more" href={ "/pedidos/" (encode(&one.about)) } { (view.say(w::OPEN_ORDER)) } }
                    }
                }
            }
        }
    }
}

fn events(view: &View, events: &[PublishedEvent]) -> Markup {
    html! {
        ol class="steps pad" aria-label=(view.say(w::FOUND_EVENTS)) {
            @for event in events {
                li { (crate::console::parts::icon("ring")) p { (event_name(&event.r#type)) " · " span class="muted" { (event.source) " · " (fine_time(event.committed_at.as_ref())) } } }
            }
        }
    }
}
