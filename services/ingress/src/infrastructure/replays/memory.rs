//! What a replica remembers from one replay to the next.

use uuid::Uuid;

/// Replays whose total stays unknown that are remembered; with more of them some are counted once more.
const UNCOUNTED: usize = 100;

/// Whose turn it is not, and what need not be counted.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Replays that failed since each of them had its turn: others go first.
    pub(super) failed: Vec<Uuid>,
    /// Replays that take too long to count.
    pub(super) uncounted: Vec<Uuid>,
}

impl Memory {
    /// This one's total stays unknown.
    pub(super) fn give_up_counting(&mut self, replay: Uuid) {
        if self.uncounted.len() >= UNCOUNTED {
            self.uncounted.clear();
        }
        self.uncounted.push(replay);
    }
}
