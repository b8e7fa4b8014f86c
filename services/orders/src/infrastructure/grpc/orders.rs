//! Questions about orders and their facts.

use puente_proto::orders::{
    CountOrdersRequest, CountOrdersResponse, GetJournalRequest, GetJournalResponse, GetOrderRequest,
    GetOrderResponse, JournalEntry, ListOrdersRequest, ListOrdersResponse, OrderSummary, StateCount,
    get_order_request,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, cursor};
use puente_types::PhoneEnding;
use tonic::Status;

use super::super::store::PgQueries;
use super::super::wire;
use super::ask;
use crate::application::list_orders::list_orders;
use crate::domain::number::OrderNumber;
use crate::domain::queries::OrderQueries;
use crate::domain::state::{State, Transition};
use crate::domain::view::{JournalView, OrderFilter, OrderKey, OrderSearch, OrderView};

/// Characters of an assignee's id, as an assignment may name it.
const MAX_WHO: usize = 128;
/// The kind of cursors of orders: the number of the last one.
const CURSOR: u8 = 1;

pub(super) async fn get(
    queries: &PgQueries,
    caller: Caller,
    question: GetOrderRequest,
) -> Result<GetOrderResponse, Status> {
    let key = match question.key {
        Some(get_order_request::Key::OrderId(id)) => ask::id(&id, "an order").ok().map(OrderKey::Id),
        Some(get_order_request::Key::Number(number)) => OrderNumber::read(&number).map(OrderKey::Number),
        None => None,
    };
    let key = key.ok_or_else(|| Status::invalid_argument("give an order's id or its number"))?;
    let found = OrderQueries::find(queries, caller.tenant()?, key)
        .await
        .map_err(ask::failed)?;
    Ok(GetOrderResponse {
        order: Some(summary(found.ok_or_else(unknown)?)),
    })
}

pub(super) async fn list(
    queries: &PgQueries,
    caller: Caller,
    question: ListOrdersRequest,
) -> Result<ListOrdersResponse, Status> {
    let filter = OrderFilter {
        states: states(&question.states)?,
        client: ask::optional_id(&question.client_id, "a client")?,
        search: search(&question.search)?,
        assignee: assignee(question.assignee)?,
    };
    let below = below(&question.cursor)?;
    let page = list_orders(queries, caller.tenant()?, &filter, below, question.page_size)
        .await
        .map_err(ask::failed)?;
    let last = page.last_of_many().map(|order| order.number);
    Ok(ListOrdersResponse {
        next_cursor: last
            .map(|number| cursor::of_key(CURSOR, &number.count().to_be_bytes()))
            .unwrap_or_default(),
        orders: page.entries.into_iter().map(summary).collect(),
    })
}

pub(super) async fn journal(
    queries: &PgQueries,
    caller: Caller,
    question: GetJournalRequest,
) -> Result<GetJournalResponse, Status> {
    let id = ask::id(&question.order_id, "an order")?;
    let facts = queries.journal(caller.tenant()?, id).await.map_err(ask::failed)?;
    // An order has at least the fact that it was opened.
    if facts.is_empty() {
        return Err(unknown());
    }
    Ok(GetJournalResponse {
        entries: facts.into_iter().map(entry).collect(),
    })
}

pub(super) async fn count(
    queries: &PgQueries,
    caller: Caller,
    question: CountOrdersRequest,
) -> Result<CountOrdersResponse, Status> {
    let assignee = assignee(question.assignee)?;
    let counts = queries
        .count(caller.tenant()?, assignee.as_deref())
        .await
        .map_err(ask::failed)?;
    let states = counts.states.into_iter().map(|(state, count)| StateCount {
        state: state.name().to_owned(),
        count,
    });
    Ok(CountOrdersResponse {
        states: states.collect(),
        opened_today: counts.opened_today,
    })
}

pub(super) fn unknown() -> Status {
    Status::not_found("there is no such order")
}

pub(super) fn summary(order: OrderView) -> OrderSummary {
    OrderSummary {
        order_id: order.id.to_string(),
        number: order.number.to_string(),
        state: order.state.name().to_owned(),
        service: order.service,
        description: order.description,
        client_name: order.client_name,
        version: order.version,
        opened_at: Some(timestamp(order.opened_at)),
        updated_at: Some(timestamp(order.changed_at)),
        client_id: order.client.to_string(),
        client_phone: order.client_phone,
        location: order.location,
        conversation_id: order.conversation.map(|id| id.to_string()).unwrap_or_default(),
        agent: order.assignment.agent.unwrap_or_default(),
        service_provider: order.assignment.service_provider.unwrap_or_default(),
        channel: order.channel.name().to_owned(),
        transitions: order
            .state
            .open_to_people()
            .map(Transition::name)
            .map(str::to_owned)
            .collect(),
        quotation: order.quotation.as_ref().map(wire::quotation),
        agent_name: order.agent_name,
        service_provider_name: order.service_provider_name,
        trace_id: ask::trace(order.traceparent.as_deref()),
        client_check: order.check.name().to_owned(),
    }
}

fn entry(fact: JournalView) -> JournalEntry {
    // What led a person to a command is not known; the key of the command is nobody's business here.
    let cause = fact.cause.filter(|_| fact.by.is_empty());
    JournalEntry {
        version: fact.version,
        event_id: fact.event.to_string(),
        fact: fact.fact,
        transition: fact.transition,
        before: fact.before,
        after: fact.after,
        reason: fact.reason,
        agent: fact.agent,
        service_provider: fact.service_provider,
        at: Some(timestamp(fact.at)),
        by: fact.by,
        cause: cause.unwrap_or_default(),
        trace_id: ask::trace(fact.traceparent.as_deref()),
        quotation: fact.quotation.as_ref().map(wire::quotation),
        document_id: fact.document_id,
        request_trace_id: ask::trace(fact.asked_in.as_deref()),
    }
}

fn states(names: &[String]) -> Result<Vec<State>, Status> {
    let states: Result<Vec<State>, _> = names.iter().map(|name| name.parse()).collect();
    states.map_err(|error| Status::invalid_argument(error.to_string()))
}

/// Whose orders; an id of the directory, or of the account of whoever has them.
fn assignee(given: String) -> Result<Option<String>, Status> {
    let given = ask::text(given, "an assignee", MAX_WHO)?;
    Ok(Some(given).filter(|given| !given.is_empty()))
}

/// Seven digits and more are a phone's, fewer an order's; with its letters an order's number is known at any length.
fn search(text: &str) -> Result<Option<OrderSearch>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let by_phone = PhoneEnding::parse(text).ok().map(OrderSearch::Phone);
    let found = by_phone.or_else(|| OrderNumber::read(text).map(OrderSearch::Number));
    found.map(Some).ok_or_else(|| {
        Status::invalid_argument(
            "search for an order's number, a phone number with its `+`, or at least its last 7 digits",
        )
    })
}

fn below(text: &str) -> Result<Option<OrderNumber>, Status> {
    let Some(count) = cursor::key::<8>(CURSOR, text)? else {
        return Ok(None);
    };
    let number = OrderNumber::new(i64::from_be_bytes(count));
    number
        .map(Some)
        .ok_or_else(|| Status::invalid_argument("the cursor is none of ours"))
}
