//! A piece of equipment and its record ("hoja de vida"): one per serial and tenant, told of by captures of its plate and by
//! people.
//!
//! A serial never changes: a capture that was meant for this asset and says another serial is noted as that, and no more.
//! What plates say and what people write are kept apart; where both say something, people are right.

mod data;
mod number;
mod serial;

use std::fmt;

use puente_types::OrderId;
use uuid::Uuid;

pub use data::{BadData, Data, Values, facts};
pub use number::AssetNumber;
pub use serial::Serial;

/// An asset's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetId(Uuid);

impl AssetId {
    /// The plain UUID, for storage and the wire.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for AssetId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a serial came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read, and sure enough.
    Read,
    /// Read, and confirmed by a person.
    Confirmed,
    /// Read, and corrected by a person.
    Corrected,
    /// Written by a person.
    Manual,
    /// Made up, since nobody can read the plate.
    Generated,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Confirmed,
        Self::Corrected,
        Self::Manual,
        Self::Generated,
    ];

    /// Its name in events and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Confirmed => "confirmed",
            Self::Corrected => "corrected",
            Self::Manual => "manual",
            Self::Generated => "generated",
        }
    }

    /// The origin of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// How sure a reading is, in thousandths; 0 when nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Confidence(u16);

impl Confidence {
    /// So many thousandths; more than all are all.
    #[must_use]
    pub fn permille(permille: u32) -> Self {
        Self(u16::try_from(permille.min(1_000)).unwrap_or(1_000))
    }

    /// In thousandths.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// As people read it, ` (95 %)`; rounded down, so that nothing seems surer than it is. Empty when nothing was read.
    #[must_use]
    pub fn in_brackets(self) -> String {
        match self.0 {
            0 => String::new(),
            permille => format!(" ({} %)", permille / 10),
        }
    }
}

/// What a capture came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The capture.
    pub capture: Uuid,
    /// The serial.
    pub serial: Serial,
    /// How it came about.
    pub origin: Origin,
    /// How sure it is.
    pub confidence: Confidence,
    /// Who decided; empty when the program did.
    pub by: String,
    /// What else stands on the plate.
    pub facts: Values,
    /// The order that it was seen in.
    pub order: Option<OrderId>,
}

/// An asset as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// The number that people use.
    pub number: AssetNumber,
    /// Its serial.
    pub serial: Serial,
    /// How that came about.
    pub origin: Origin,
    /// How sure it was.
    pub confidence: Confidence,
    /// Who decided; empty when the program did.
    pub by: String,
    /// What is known of it.
    pub data: Data,
    /// The order that it was first seen in.
    pub order: Option<OrderId>,
    /// Grows by one with everything that happens to it.
    pub version: i64,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// It has a record now.
    Registered,
    /// Its plate was read again.
    Seen,
    /// A person changed what is known of it.
    Changed,
    /// A plate that should be its own says another serial.
    Mismatch,
}

impl Fact {
    /// The fact of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = [Self::Registered, Self::Seen, Self::Changed, Self::Mismatch].into_iter();
        all.find(|fact| fact.name() == name)
    }

    /// Its name in events and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Seen => "seen",
            Self::Changed => "changed",
            Self::Mismatch => "mismatch",
        }
    }
}

/// Something that happened to an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub fact: Fact,
    /// The asset's version after it.
    pub version: i64,
    /// What the capture came to, if one led to it.
    pub reading: Option<Reading>,
    /// Who did it; empty when the program did.
    pub by: String,
    /// What became of data by it; an empty value was removed.
    pub data: Values,
}

impl Asset {
    /// A new record.
    #[must_use]
    pub fn register(id: AssetId, number: AssetNumber, reading: &Reading) -> (Self, Happened) {
        let mut asset = Self {
            id,
            number,
            serial: reading.serial.clone(),
            origin: reading.origin,
            confidence: reading.confidence,
            by: reading.by.clone(),
            data: Data::default(),
            order: reading.order,
            version: 0,
        };
        let data = asset.data.read(&reading.facts);
        let happened = asset.happened(Fact::Registered, Some(reading), &reading.by, data);
        (asset, happened)
    }

    /// Its plate was read again; or one that should be its own, and is another's. That a plate can no longer be read says
    /// nothing about whose it is.
    pub fn see(&mut self, reading: &Reading) -> Happened {
        let fits = reading.serial.is_same(&self.serial) || reading.origin == Origin::Generated;
        if !fits {
            return self.happened(Fact::Mismatch, Some(reading), &reading.by, Values::new());
        }
        self.order = self.order.or(reading.order);
        let data = self.data.read(&reading.facts);
        self.happened(Fact::Seen, Some(reading), &reading.by, data)
    }

    /// A person changes what is known of it; `None` when nothing changes by it.
    ///
    /// # Errors
    /// [`BadData`] when a record would hold too much.
    pub fn write(&mut self, changes: &Values, by: &str) -> Result<Option<Happened>, BadData> {
        let data = self.data.write(changes)?;
        if data.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.happened(Fact::Changed, None, by, data)))
    }

    fn happened(&mut self, fact: Fact, reading: Option<&Reading>, by: &str, data: Values) -> Happened {
        self.version += 1;
        Happened {
            fact,
            version: self.version,
            reading: reading.cloned(),
            by: by.to_owned(),
            data,
        }
    }
}

#[cfg(test)]
#[path = "asset_tests.rs"]
mod tests;
