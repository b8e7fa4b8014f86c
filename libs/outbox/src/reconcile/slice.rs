//! The ids of the stream between two bounds, in as much memory as was granted.

use uuid::Uuid;

/// Ids above one bound and up to another. The upper bound falls while more ids come than there is room for.
#[derive(Debug)]
pub(super) struct Slice {
    room: usize,
    after: Option<Uuid>,
    upto: Uuid,
    ids: Vec<u128>,
    closed: bool,
}

impl Slice {
    /// From the lowest id on, with room for so many.
    pub(super) fn first(room: usize) -> Self {
        Self {
            room: room.max(1),
            after: None,
            upto: Uuid::max(),
            ids: Vec::new(),
            closed: false,
        }
    }

    /// The lower bound, which does not belong to it.
    pub(super) fn after(&self) -> Option<Uuid> {
        self.after
    }

    /// The upper bound, which does.
    pub(super) fn upto(&self) -> Uuid {
        self.upto
    }

    /// Takes an id that is within the bounds.
    pub(super) fn take(&mut self, id: Uuid) {
        if self.after.is_some_and(|after| id <= after) || id > self.upto {
            return;
        }
        self.ids.push(id.as_u128());
        self.closed = false;
        if self.ids.len() >= self.room * 2 {
            self.close();
        }
    }

    /// Puts the ids in order, and drops what there is no room for: that is the next slice's.
    pub(super) fn close(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        if self.ids.len() > self.room {
            self.ids.truncate(self.room);
            if let Some(last) = self.ids.last() {
                self.upto = Uuid::from_u128(*last);
            }
        }
        self.closed = true;
    }

    /// Whether the stream holds an id of this slice. To be asked when the slice is closed.
    pub(super) fn holds(&self, id: Uuid) -> bool {
        debug_assert!(self.closed, "asked before it was in order");
        self.ids.binary_search(&id.as_u128()).is_ok()
    }

    /// What follows, in the same memory; nothing after the last one.
    pub(super) fn next(mut self) -> Option<Self> {
        if self.upto == Uuid::max() {
            return None;
        }
        self.ids.clear();
        Some(Self {
            after: Some(self.upto),
            upto: Uuid::max(),
            closed: false,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `stream` as often as it takes; returns every slice's bounds and ids.
    fn walk(stream: &[u128], room: usize) -> Vec<(Option<Uuid>, Uuid, Vec<u128>)> {
        let mut all = Vec::new();
        let mut slice = Slice::first(room);
        loop {
            stream.iter().for_each(|id| slice.take(Uuid::from_u128(*id)));
            slice.close();
            all.push((slice.after(), slice.upto(), slice.ids.clone()));
            match slice.next() {
                Some(next) => slice = next,
                None => return all,
            }
        }
    }

    #[test]
    fn slices_hold_every_id_once_in_order_and_never_more_than_there_is_room_for() {
        // Scrambled, with every third one twice.
        let stream: Vec<u128> = (0..1_000_u128)
            .flat_map(|n| {
                let id = (n * 7_919) % 1_000 * 1_000;
                std::iter::repeat_n(id, if n % 3 == 0 { 2 } else { 1 })
            })
            .collect();
        for room in [1, 7, 100, 999, 1_000, 5_000] {
            let slices = walk(&stream, room);
            let ids: Vec<u128> = slices.iter().flat_map(|(_, _, ids)| ids.clone()).collect();
            assert!(slices.iter().all(|(_, _, ids)| ids.len() <= room));
            assert!(
                ids.iter().copied().eq((0..1_000).map(|n| n * 1_000)),
                "room {room}"
            );
            for pair in slices.windows(2) {
                assert_eq!(Some(pair[0].1), pair[1].0, "no gap between two slices");
            }
            assert_eq!(slices.last().unwrap().1, Uuid::max());
        }
    }

    #[test]
    fn what_is_not_in_the_stream_is_not_held() {
        let mut slice = Slice::first(10);
        slice.take(Uuid::from_u128(5));
        slice.close();
        assert!(slice.holds(Uuid::from_u128(5)) && !slice.holds(Uuid::from_u128(6)));
    }
}
