//! Which deliveries are meant.

use time::OffsetDateTime;

/// Empty fields do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeliveryFilter {
    /// The provider's slug.
    pub(crate) provider: Option<String>,
    /// The connection.
    pub(crate) connection: Option<String>,
    /// Words of [`Outcome`](super::Outcome).
    pub(crate) outcomes: Vec<String>,
    /// Received at or after.
    pub(crate) since: Option<OffsetDateTime>,
    /// Received before.
    pub(crate) until: Option<OffsetDateTime>,
    /// 32 hex digits in lower case.
    pub(crate) trace_id: Option<String>,
}

impl DeliveryFilter {
    /// Whether it wants only those that a person may have to look at, which have an index of their own.
    #[must_use]
    pub(crate) fn wants_attention_only(&self) -> bool {
        const WORDS: [&str; 4] = ["unroutable", "malformed", "ignored", "refused"];
        !self.outcomes.is_empty() && self.outcomes.iter().all(|one| WORDS.contains(&one.as_str()))
    }
}
