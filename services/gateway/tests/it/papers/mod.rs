//! Signatures, documents and the directory, with the services behind them told what to answer.

mod authorise;
mod directory;
mod documents;
mod links;
mod pages;
mod places;
mod signatures;
mod unrecorded;

/// The least that is a PDF.
pub(crate) const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\nstartxref\n45\n%%EOF\n";
