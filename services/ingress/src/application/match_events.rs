//! Which events of today are which events of then. Pure.
//!
//! A duplicate key says it for certain. Keys are forgotten once the provider no longer redelivers; then an event that
//! was made of the same delivery tells, the one that differs least; and last, an event of the same aggregate with the
//! same content, since a repeated delivery made none of its own. What is none of these is a new happening. Only of a
//! delivery that was nothing but duplicates even that is not believed: what it holds was known once.

use std::collections::{HashMap, HashSet};

use puente_outbox::{Committed, NewEvent};
use uuid::Uuid;

use super::differing_fields;

/// A delivery as it is translated today.
pub(crate) struct Again {
    /// Its id.
    pub(crate) delivery: Uuid,
    /// Whether everything in it was known when it came in.
    pub(crate) duplicate: bool,
    /// Today's events with their duplicate keys.
    pub(crate) events: Vec<(Uuid, NewEvent)>,
}

/// What is known of then.
#[derive(Default)]
pub(crate) struct Then {
    /// Events by duplicate key, as far as keys are remembered.
    pub(crate) by_key: HashMap<Uuid, Uuid>,
    /// Stored events by id.
    pub(crate) stored: HashMap<Uuid, Committed>,
    /// Ids of stored events by the delivery that they were made of.
    pub(crate) by_delivery: HashMap<Uuid, Vec<Uuid>>,
    /// Ids of stored events by aggregate.
    pub(crate) by_aggregate: HashMap<String, Vec<Uuid>>,
}

/// What an event of today is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The event of then with this id; the fields in which it comes out differently now.
    Known(Uuid, Vec<String>),
    /// A new happening.
    Fresh,
    /// It was known once, and nobody can tell as which event; it is left alone.
    Untold,
}

/// One fate for each event, in their order, and the events of then that are not made any more.
#[must_use]
pub(crate) fn match_events(again: &Again, then: &Then) -> (Vec<Fate>, Vec<Uuid>) {
    let own = then
        .by_delivery
        .get(&again.delivery)
        .map_or(&[][..], Vec::as_slice);
    let mut used: HashSet<Uuid> = HashSet::new();
    let mut fates: Vec<Option<Fate>> = again
        .events
        .iter()
        .map(|(key, event)| {
            let id = *then.by_key.get(key)?;
            used.insert(id);
            // Its row may be past retention already; the key says that it happened.
            Some(match then.stored.get(&id) {
                Some(stored) => Fate::Known(id, fields(stored, event)),
                None => Fate::Untold,
            })
        })
        .collect();
    let mut pairs = Vec::new();
    for (at, (_, event)) in again.events.iter().enumerate() {
        if fates.get(at).is_some_and(Option::is_some) {
            continue;
        }
        for stored in own.iter().filter_map(|id| then.stored.get(id)) {
            if stored.event.event == event.event && stored.event.tenant == event.tenant {
                let fields = fields(stored, event);
                pairs.push((fields.len(), at, stored.event.id.uuid(), fields));
            }
        }
    }
    pairs.sort_by_key(|(differences, at, ..)| (*differences, *at));
    for (_, at, id, fields) in pairs {
        if let Some(fate @ None) = fates.get_mut(at)
            && used.insert(id)
        {
            *fate = Some(Fate::Known(id, fields));
        }
    }
    let fates = fates
        .into_iter()
        .zip(&again.events)
        .map(|(fate, (_, event))| fate.unwrap_or_else(|| elsewhere(again, then, event)))
        .collect();
    let gone = own.iter().filter(|id| !used.contains(id)).copied().collect();
    (fates, gone)
}

/// An event that neither a key nor the delivery knows.
fn elsewhere(again: &Again, then: &Then, event: &NewEvent) -> Fate {
    let alike = then
        .by_aggregate
        .get(&event.aggregate_id)
        .into_iter()
        .flatten()
        .filter_map(|id| then.stored.get(id))
        .find(|stored| {
            stored.event.event == event.event
                && stored.event.tenant == event.tenant
                && fields(stored, event).is_empty()
        });
    match alike {
        Some(stored) => Fate::Known(stored.event.id.uuid(), Vec::new()),
        None if again.duplicate => Fate::Untold,
        None => Fate::Fresh,
    }
}

fn fields(then: &Committed, now: &NewEvent) -> Vec<String> {
    if then.event.event != now.event {
        return vec!["*".to_owned()];
    }
    differing_fields(now.event.name, &then.event.payload, &now.payload)
}

#[cfg(test)]
#[path = "match_events_tests.rs"]
mod tests;
