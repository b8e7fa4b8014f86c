//! What a replay found and did, in numbers.

use uuid::Uuid;

/// Differences that are told; the rest is only counted.
pub(crate) const MAX_DIFFERENCES: usize = 20;

/// Deliveries and events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Deliveries that were looked at.
    pub(crate) deliveries: u64,
    /// Events made exactly as then.
    pub(crate) same: u64,
    /// Events that come out with other content, or are not made any more.
    pub(crate) different: u64,
    /// Events that were not made then.
    pub(crate) fresh: u64,
    /// Deliveries that cannot be translated, or are not verified.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Adds those of a further part.
    pub(crate) fn add(&mut self, more: Self) {
        self.deliveries += more.deliveries;
        self.same += more.same;
        self.different += more.different;
        self.fresh += more.fresh;
        self.skipped += more.skipped;
    }
}

/// One difference between then and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The delivery.
    pub(crate) delivery: Uuid,
    /// The event of then; `None` when it is new.
    pub(crate) event: Option<Uuid>,
    /// The event's full protobuf name.
    pub(crate) kind: &'static str,
    /// Names of the fields that differ, never their values; none when the event is new, or not made any more.
    pub(crate) fields: Vec<String>,
}
