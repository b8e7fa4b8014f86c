//! An order's journey: every fact with the way that led to it and what it led to, put together from all services.
//!
//! Each question is bounded, and those that do not wait for each other run at the same time. What a service does not
//! answer is missing from the journey, and the journey says so.

use std::collections::HashMap;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use puente_proto::ingress::{Delivery, GetDeliveryRequest};
use puente_proto::notifications::{GetMessageRequest, ListMessagesRequest, Message};
use puente_proto::operations::{
    Effect, EventIds, ListEffectsRequest, ListEventsRequest, PublishedEvent, list_events_request::Key,
};
use puente_proto::orders::{GetJournalRequest, JournalEntry, OrderSummary};
use tonic::Status;

use super::questions::{Ask, Missing, missing};

/// Causes that are followed back; an order has fewer facts than that.
const MOST_CAUSES: usize = 100;
/// Messages whose timelines and calls are looked up.
const MOST_MESSAGES: usize = 40;
/// Questions at one time.
const AT_ONCE: usize = 8;

/// A message to the client, with its call.
#[derive(Debug)]
pub(crate) struct Notice {
    /// With its timeline.
    pub(crate) message: Message,
    /// The call that sent it; none when it was never sent.
    pub(crate) effect: Option<Effect>,
}

/// One fact of the order, with everything around it.
#[derive(Debug)]
pub(crate) struct Step {
    /// The fact.
    pub(crate) entry: JournalEntry,
    /// The request from outside that it began with.
    pub(crate) delivery: Option<Delivery>,
    /// The event that led to it.
    pub(crate) cause: Option<PublishedEvent>,
    /// What the client was told because of it.
    pub(crate) notices: Vec<Notice>,
}

/// The whole way of an order.
#[derive(Debug)]
pub(crate) struct Journey {
    /// Oldest first.
    pub(crate) steps: Vec<Step>,
    /// Messages about the order that no fact asked for.
    pub(crate) others: Vec<Notice>,
    /// Who did not answer.
    pub(crate) missing: Vec<Missing>,
}

/// Puts the journey of an order together.
pub(crate) async fn journey(ask: Ask<'_>, order: &OrderSummary) -> Result<Journey, Status> {
    let mut gone = Vec::new();
    let facts = GetJournalRequest {
        order_id: order.order_id.clone(),
    };
    let about = ListMessagesRequest {
        about: order.order_id.clone(),
        page_size: u32::try_from(MOST_MESSAGES).unwrap_or(u32::MAX),
        ..ListMessagesRequest::default()
    };
    let (facts, messages) = futures::join!(ask.get_journal(facts), ask.list_messages(about));
    let entries = facts?.entries;
    let messages = keep(&mut gone, "notifications", messages.map(|found| found.messages));
    let causes: Vec<String> = entries
        .iter()
        .map(|entry| entry.cause.clone())
        .filter(|cause| !cause.is_empty())
        .take(MOST_CAUSES)
        .collect();
    let ((events, deliveries), notices) =
        futures::join!(back(ask, causes, &mut gone), notices(ask, messages));
    let (notices, silent) = notices;
    gone.extend(silent);
    Ok(assemble(entries, &events, &deliveries, notices, gone))
}

fn keep<T: Default>(gone: &mut Vec<Missing>, service: &'static str, answer: Result<T, Status>) -> T {
    answer.unwrap_or_else(|status| {
        gone.push(missing(service, &status));
        T::default()
    })
}

type Events = HashMap<String, PublishedEvent>;
type Deliveries = HashMap<String, Delivery>;

/// The events that led to facts, and the deliveries that those were made of.
async fn back(ask: Ask<'_>, causes: Vec<String>, gone: &mut Vec<Missing>) -> (Events, Deliveries) {
    if causes.is_empty() {
        return (Events::new(), Deliveries::new());
    }
    let asked = ask.all().into_iter().map(|peer| {
        let wanted = ListEventsRequest {
            key: Some(Key::Ids(EventIds { ids: causes.clone() })),
            limit: 0,
            ..ListEventsRequest::default()
        };
        async move {
            ask.list_events(peer, wanted)
                .await
                .map_err(|status| missing(peer.name, &status))
        }
    });
    let mut events = Events::new();
    for answer in join_all(asked).await {
        match answer {
            Ok(found) => events.extend(found.events.into_iter().map(|event| (event.id.clone(), event))),
            Err(silent) => gone.push(silent),
        }
    }
    let mut ids: Vec<String> = events
        .values()
        .filter(|event| event.source.contains("ingress") && !event.cause.is_empty())
        .map(|event| event.cause.clone())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let deliveries = stream::iter(ids)
        .map(|id| async move { ask.get_delivery(GetDeliveryRequest { id }).await.ok()?.delivery })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .map(|delivery| (delivery.id.clone(), delivery))
        .collect()
        .await;
    (events, deliveries)
}

/// Timelines of the messages, and the calls that sent them.
async fn notices(ask: Ask<'_>, messages: Vec<Message>) -> (Vec<Notice>, Option<Missing>) {
    let asked = messages
        .into_iter()
        .take(MOST_MESSAGES)
        .map(|message| async move {
            let one = GetMessageRequest {
                message_id: message.message_id.clone(),
            };
            let (whole, effect) = futures::join!(ask.get_message(one), effect_of(ask, &message.message_id));
            let message = whole.ok().and_then(|found| found.message).unwrap_or(message);
            match effect {
                Ok(effect) => (Notice { message, effect }, None),
                Err(silent) => (
                    Notice {
                        message,
                        effect: None,
                    },
                    Some(silent),
                ),
            }
        });
    let all: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let silent = all.iter().find_map(|(_, silent)| *silent);
    (all.into_iter().map(|(notice, _)| notice).collect(), silent)
}

async fn effect_of(ask: Ask<'_>, message: &str) -> Result<Option<Effect>, Missing> {
    let Some(peer) = ask.named("notifications") else {
        return Ok(None);
    };
    let wanted = ListEffectsRequest {
        subject_id: message.to_owned(),
        page_size: 1,
        ..ListEffectsRequest::default()
    };
    let found = ask
        .list_effects(peer, wanted)
        .await
        .map_err(|status| missing(peer.name, &status))?;
    Ok(found.effects.into_iter().next())
}

fn assemble(
    entries: Vec<JournalEntry>,
    events: &Events,
    deliveries: &Deliveries,
    mut notices: Vec<Notice>,
    mut gone: Vec<Missing>,
) -> Journey {
    notices.sort_by_key(|notice| notice.message.queued_at.map(|at| (at.seconds, at.nanos)));
    let mut steps = Vec::with_capacity(entries.len());
    for entry in entries {
        let cause = events.get(&entry.cause).cloned();
        let delivery = cause
            .as_ref()
            .and_then(|event| deliveries.get(&event.cause))
            .cloned();
        let (mine, rest) = notices
            .into_iter()
            .partition(|notice| notice.message.cause == entry.event_id);
        notices = rest;
        steps.push(Step {
            entry,
            delivery,
            cause,
            notices: mine,
        });
    }
    gone.dedup();
    Journey {
        steps,
        others: notices,
        missing: gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: i64, event: &str, cause: &str) -> JournalEntry {
        JournalEntry {
            version,
            event_id: event.to_owned(),
            cause: cause.to_owned(),
            ..JournalEntry::default()
        }
    }

    fn notice(id: &str, cause: &str) -> Notice {
        Notice {
            message: Message {
                message_id: id.to_owned(),
                cause: cause.to_owned(),
                ..Message::default()
            },
            effect: None,
        }
    }

    #[test]
    fn each_fact_gets_the_way_to_it_and_what_followed_and_nothing_is_lost() {
        let event = PublishedEvent {
            id: "received".to_owned(),
            cause: "delivery".to_owned(),
            ..PublishedEvent::default()
        };
        let delivery = Delivery {
            id: "delivery".to_owned(),
            ..Delivery::default()
        };
        let journey = assemble(
            vec![entry(1, "opened", "received"), entry(2, "moved", "")],
            &Events::from([("received".to_owned(), event)]),
            &Deliveries::from([("delivery".to_owned(), delivery)]),
            vec![
                notice("m2", "moved"),
                notice("m1", "opened"),
                notice("m3", "elsewhere"),
            ],
            Vec::new(),
        );
        let told: Vec<Vec<&str>> = journey
            .steps
            .iter()
            .map(|step| {
                step.notices
                    .iter()
                    .map(|one| one.message.message_id.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(told, [vec!["m1"], vec!["m2"]]);
        assert!(journey.steps.iter().any(|step| step.delivery.is_some()));
        assert_eq!(journey.others.len(), 1);
    }
}
