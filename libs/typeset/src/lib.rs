//! Documents as PDF: contracts, order summaries and the record sheets of equipment, set with typst.
//!
//! - **Pure and blocking.** No clock, no network, no file is touched while a document is made; the same data and templates
//!   give the same bytes. A call takes a processor for up to a second: asynchronous callers use `spawn_blocking`.
//! - **Text is data.** Whatever comes from people or tenants enters the layouts as strings in `sys.inputs` and is never read
//!   as markup. Layouts are part of this crate; a tenant brings texts and a logo, never code.
//! - **Signature anchors** ([`ANCHORS`]) are printed once each, in white, in the signature blocks. No text from
//!   outside can print one: a signing service would put a signature there.
//! - **Archival.** PDF/A-2a and PDF/UA-1: fonts embedded, tagged, Spanish.
//!
//! This is the only crate that may use typst: it is heavy to build.

mod anchors;
mod checked;
mod clean;
mod contract;
mod data;
mod engine;
mod error;
mod fonts;
mod letterhead;
pub mod limits;
mod photo;
mod sheet;
mod spanish;
mod summary;
mod templates;

pub use anchors::ANCHORS;
pub use data::{
    ContractData, Party, Rendered, SheetData, SheetFact, SheetFactKind, SheetOrigin, SheetPhoto, SummaryData,
    SummaryDocument, SummaryStep,
};
pub use error::TypesetError;
pub use templates::{Brand, Logo, LogoKind, TemplateProblem, Templates};
