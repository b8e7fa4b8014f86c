//! What a batch became in the outbox, looked up event by event.

use std::collections::HashMap;

use puente_types::EventId;
use time::OffsetDateTime;
use uuid::Uuid;

/// The rows of the outbox that a statement wrote: four columns of one length.
pub(super) struct Written {
    pub(super) ids: Vec<Uuid>,
    pub(super) seqs: Vec<i64>,
    pub(super) versions: Vec<Option<i64>>,
    pub(super) at: OffsetDateTime,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) version: Option<i64>,
    pub(super) at: OffsetDateTime,
}

impl Written {
    /// To be asked for in the order in which events were given to the statement: that is the one they have.
    pub(super) const fn in_turn(self) -> InTurn {
        InTurn {
            rows: self,
            next: 0,
            places: None,
        }
    }
}

/// Rows that are asked for one after the other.
pub(super) struct InTurn {
    rows: Written,
    next: usize,
    /// Where each event's row is; only made when one is asked for that is not the next.
    places: Option<HashMap<Uuid, usize>>,
}

impl InTurn {
    pub(super) const fn len(&self) -> usize {
        self.rows.ids.len()
    }

    /// The row of this event. `None`: it was known already, and none was written.
    pub(super) fn of(&mut self, event: EventId) -> Option<Row> {
        let (rows, id) = (&self.rows, event.uuid());
        let at = if rows.ids.get(self.next) == Some(&id) {
            self.next
        } else {
            let places = || rows.ids.iter().copied().zip(0..).collect();
            *self.places.get_or_insert_with(places).get(&id)?
        };
        let row = Row {
            seq: *rows.seqs.get(at)?,
            version: *rows.versions.get(at)?,
            at: rows.at,
        };
        self.next = at + 1;
        Some(row)
    }
}
