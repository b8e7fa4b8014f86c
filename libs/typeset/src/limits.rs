//! What a document may hold. Layout cannot be interrupted, so its time and memory are bounded by what goes into it: with
//! everything below at its limit, a contract takes seconds, not minutes (a test holds it).

/// Characters of names, cities, numbers, and whatever else is printed in one line.
pub const LINE: usize = 200;
/// Characters of an address, a place, or a step's detail.
pub const SHORT_TEXT: usize = 500;
/// Characters of a description or a quotation's note: three pages.
pub const LONG_TEXT: usize = 10_000;
/// Paragraphs of such a text: a page takes about fifty lines.
pub const PARAGRAPHS: usize = 200;
/// Steps of a summary: what is more belongs into the console, where it can be searched.
pub const STEPS: usize = 200;
/// Documents of a summary.
pub const DOCUMENTS: usize = 50;
/// Values of a record sheet.
pub const VALUES: usize = 80;
/// Things that happened, in a record sheet.
pub const FACTS: usize = 200;
/// Photographs in a record sheet: what is more stays where it is kept.
pub const PHOTOS: usize = 8;
/// Bytes of a photograph as it comes.
pub const PHOTO_BYTES: usize = 25 * 1024 * 1024;
/// Pixels of a photograph as it comes: unfolded, it takes four bytes of memory each.
pub const PHOTO_PIXELS: u64 = 50_000_000;
/// The longer side of a photograph as it is printed, in pixels: 300 to the inch on half a page.
pub const PHOTO_SIDE: u32 = 1_000;
/// Clauses of a contract.
pub const CLAUSES: usize = 40;
/// Characters of a clause, before its placeholders are filled.
pub const CLAUSE_TEXT: usize = 6_000;
/// Placeholders in one clause: each may bring a whole line of text.
pub const CLAUSE_PLACEHOLDERS: usize = 24;
/// Bytes of a tenant's text file.
pub const FILE_BYTES: u64 = 256 * 1024;
/// Bytes of a logo: it is embedded in every document.
pub const LOGO_BYTES: u64 = 512 * 1024;
/// Pixels of a logo: a small file can unfold into gigabytes.
pub const LOGO_PIXELS: u64 = 4_000_000;
/// Tenants with texts of their own in one installation.
pub const TENANTS: usize = 1_000;
/// Pages of a document.
pub const PAGES: usize = 80;
/// Bytes of a document: what is mailed and signed elsewhere.
pub const PDF_BYTES: usize = 8 * 1024 * 1024;
