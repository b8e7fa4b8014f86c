//! Assets as they are shown.

use puente_types::OrderId;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::asset::{AssetId, AssetNumber, Confidence, Fact, Origin, Serial, Values};
use crate::domain::number::OrderNumber;

/// How an asset is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetKey {
    /// By its id.
    Id(AssetId),
    /// By the number that people use.
    Number(AssetNumber),
    /// By its serial.
    Serial(Serial),
}

/// Which assets are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetFilter {
    /// Only those of this number, or whose serial begins like this.
    pub search: Option<AssetSearch>,
    /// Only those of this order.
    pub order: Option<OrderId>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetSearch {
    /// A number, if it can be one.
    pub number: Option<AssetNumber>,
    /// The beginning of what is compared of a serial.
    pub serial: String,
}

impl AssetSearch {
    /// What a text looks for; `None` when it has nothing to compare.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let serial = Serial::key_of(text);
        (!serial.is_empty()).then(|| Self {
            number: AssetNumber::read(text),
            serial,
        })
    }
}

/// An asset as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetView {
    /// Its id.
    pub id: AssetId,
    /// The number that people use.
    pub number: AssetNumber,
    /// The serial as it is printed.
    pub serial: String,
    /// How it came about.
    pub origin: Origin,
    /// How sure it was.
    pub confidence: Confidence,
    /// Who decided; empty when the program did.
    pub by: String,
    /// What is known of it.
    pub data: Values,
    /// The order that it was first seen in, with its number.
    pub order: Option<(OrderId, OrderNumber)>,
    /// Grows by one with everything that happens to it.
    pub version: i64,
    /// When it was registered.
    pub registered_at: OffsetDateTime,
    /// When it last changed.
    pub changed_at: OffsetDateTime,
    /// The sheet that is in force, and the version that it shows.
    pub sheet: Option<(Uuid, i64)>,
    /// The trace that it was registered in.
    pub traceparent: Option<String>,
}

/// Something that happened to an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetFactView {
    /// The asset's version after it.
    pub version: i64,
    /// What.
    pub fact: Fact,
    /// The capture that led to it.
    pub capture: Option<Uuid>,
    /// The order that it was seen in.
    pub order: Option<OrderId>,
    /// The serial that the capture came to; empty when none led to it.
    pub serial: String,
    /// How that came about; empty when no capture led to it.
    pub origin: String,
    /// How sure it was.
    pub confidence: Confidence,
    /// Who did it; empty when the program did.
    pub by: String,
    /// What became of data by it.
    pub data: Values,
    /// When.
    pub at: OffsetDateTime,
    /// The trace.
    pub traceparent: Option<String>,
}
