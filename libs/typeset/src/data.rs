//! What a document is made of: plain data, already read and already allowed. No clock is read here: every date comes with
//! the data, so that the same data always gives the same bytes.

mod sheet;

use std::fmt;

use puente_types::Money;
use time::{Date, OffsetDateTime};

pub use sheet::{SheetData, SheetFact, SheetFactKind, SheetOrigin, SheetPhoto};

/// One side of a contract. Its part in it (client, provider, agent) is said by the field that holds it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// Full or company name; must not be empty.
    pub name: String,
    /// NIT or identity card, as it should be printed.
    pub tax_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone, as it should be printed.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
}

/// Personal data reaches no log by way of `{:?}`.
impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").finish_non_exhaustive()
    }
}

/// Everything a contract says of one order.
#[derive(Clone, PartialEq, Eq)]
pub struct ContractData {
    /// Its own number, such as `CT-OT-000042-1`; must not be empty.
    pub number: String,
    /// The order's number, such as `OT-000042`; must not be empty.
    pub order_number: String,
    /// Where it is signed; must not be empty.
    pub city: String,
    /// The day it is made. Also the creation date in the PDF.
    pub issued_on: Date,
    /// Who asked for the service.
    pub client: Party,
    /// Who does it.
    pub provider: Party,
    /// Who coordinates it for the company of the letterhead.
    pub agent: Party,
    /// The service in a few words; must not be empty.
    pub service: String,
    /// What is to be done; may be empty. Line breaks are kept as paragraphs.
    pub description: String,
    /// Where it is to be done; may be empty.
    pub location: String,
    /// The price of the approved quotation. Never negative.
    pub amount: Option<Money>,
    /// The last day of the contract.
    pub valid_until: Option<Date>,
    /// What the quotation says besides the price (taxes, materials, terms).
    pub quotation_note: Option<String>,
}

impl fmt::Debug for ContractData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContractData")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Everything an order's summary says (ORD-05).
#[derive(Clone, PartialEq, Eq)]
pub struct SummaryData {
    /// The order's number; must not be empty.
    pub order_number: String,
    /// The state as people read it, such as `Póliza asignada`; must not be empty.
    pub state_label: String,
    /// Who asked for the service.
    pub client: Party,
    /// The service in a few words; must not be empty.
    pub service: String,
    /// What is to be done; may be empty.
    pub description: String,
    /// Where it is to be done; may be empty.
    pub location: String,
    /// When the order was opened.
    pub opened_at: OffsetDateTime,
    /// The moment that the summary tells of. Also the creation date in the PDF.
    pub as_of: OffsetDateTime,
    /// The agent's name, where one is assigned.
    pub agent: Option<String>,
    /// The provider's name, where one is assigned.
    pub provider: Option<String>,
    /// The price, where one is agreed.
    pub amount: Option<Money>,
    /// What happened, in the order in which it is printed.
    pub steps: Vec<SummaryStep>,
    /// The documents that belong to the order.
    pub documents: Vec<SummaryDocument>,
}

impl fmt::Debug for SummaryData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SummaryData")
            .field("order_number", &self.order_number)
            .finish_non_exhaustive()
    }
}

/// One thing that happened to an order.
#[derive(Clone, PartialEq, Eq)]
pub struct SummaryStep {
    /// When.
    pub at: OffsetDateTime,
    /// What, in one line; must not be empty.
    pub title: String,
    /// More about it; may be empty.
    pub detail: String,
}

/// A document named in a summary.
#[derive(Clone, PartialEq, Eq)]
pub struct SummaryDocument {
    /// Its name for people; must not be empty.
    pub name: String,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// A finished document.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The bytes: PDF/A-2a and PDF/UA-1, without any outside reference.
    pub pdf: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
    /// The short id in its footer: made of everything that went into it, so another content has another id.
    pub document_id: String,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("document_id", &self.document_id)
            .field("pages", &self.pages)
            .field("bytes", &self.pdf.len())
            .finish_non_exhaustive()
    }
}
