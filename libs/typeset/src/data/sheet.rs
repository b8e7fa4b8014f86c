//! What a record sheet is made of.

use std::collections::BTreeMap;
use std::fmt;

use time::OffsetDateTime;

/// Everything that the record sheet of a piece of equipment says (ORD-14).
#[derive(Clone, PartialEq, Eq)]
pub struct SheetData {
    /// Its number, such as `HV-000042`; must not be empty.
    pub number: String,
    /// Its serial as it is printed on the plate; must not be empty.
    pub serial: String,
    /// How the serial came about.
    pub origin: SheetOrigin,
    /// How sure the reading was, in thousandths; 0 when nothing was read.
    pub confidence_permille: u16,
    /// Who confirmed, corrected or wrote it; empty when the program decided. `contact` is the person of the chat.
    pub by: String,
    /// The order that it was first seen in.
    pub order_number: Option<String>,
    /// What is known of it, by name.
    pub data: BTreeMap<String, String>,
    /// Photographs, in the order in which they are printed.
    pub photos: Vec<SheetPhoto>,
    /// Photographs that are kept and not printed.
    pub more_photos: usize,
    /// What happened, in the order in which it is printed.
    pub history: Vec<SheetFact>,
    /// When it was registered.
    pub registered_at: OffsetDateTime,
    /// The moment that the sheet tells of. Also the creation date in the PDF.
    pub as_of: OffsetDateTime,
}

impl fmt::Debug for SheetData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SheetData")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// How a serial came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetOrigin {
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

/// A photograph.
#[derive(Clone, PartialEq, Eq)]
pub struct SheetPhoto {
    /// Its name for people; must not be empty.
    pub name: String,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// The file as it is stored; `None` when it is not there, or not what was stored. What it is, is told from its content.
    pub bytes: Option<Vec<u8>>,
}

impl fmt::Debug for SheetPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SheetPhoto")
            .field("bytes", &self.bytes.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// Something that happened to a piece of equipment.
#[derive(Clone, PartialEq, Eq)]
pub struct SheetFact {
    /// When.
    pub at: OffsetDateTime,
    /// What.
    pub kind: SheetFactKind,
    /// The serial that was read then; may be empty.
    pub serial: String,
    /// Who did it; empty when the program did.
    pub by: String,
    /// The order that it happened in.
    pub order_number: Option<String>,
    /// What became of data by it; an empty value was removed.
    pub data: BTreeMap<String, String>,
}

impl fmt::Debug for SheetFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SheetFact")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetFactKind {
    /// It has a record now.
    Registered,
    /// Its plate was read again.
    Seen,
    /// Somebody changed what is known of it.
    Changed,
    /// A plate that should be its own says another serial.
    Mismatch,
}
