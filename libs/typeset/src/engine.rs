//! From a layout and its data to the bytes of a PDF: the only file that drives typst.
//!
//! The world that a layout sees is closed: its own sources, the data in `sys.inputs`, a logo and photographs. No file, package, clock
//! or network can be reached from it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, UtcOffset};
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::data::Rendered;
use crate::error::TypesetError;
use crate::fonts::Fonts;
use crate::limits;
use crate::templates::Logo;

/// Layouts keep what they computed for the next document, in one cache of the process. What this many documents in a row
/// did not use is forgotten, so that it does not grow.
const CACHE_DOCUMENTS: usize = 3;

/// What a document is set by.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    Contract,
    Summary,
    Sheet,
}

/// The layouts, parsed once.
pub(crate) struct Engine {
    sources: Vec<Source>,
    contract: FileId,
    summary: FileId,
    sheet: FileId,
    logos: [FileId; 3],
    photos: Vec<FileId>,
}

/// What goes into one document.
pub(crate) struct Job<'a, T> {
    pub(crate) layout: Layout,
    pub(crate) data: T,
    pub(crate) logo: Option<&'a Logo>,
    /// JPEG files; the layout finds the first one as [`photo_path`] 0.
    pub(crate) photos: &'a [Vec<u8>],
    pub(crate) created_at: OffsetDateTime,
    pub(crate) offset: UtcOffset,
}

impl Engine {
    pub(crate) fn new() -> Result<Self, TypesetError> {
        let common = file("/common.typ")?;
        let contract = file("/contract.typ")?;
        let summary = file("/summary.typ")?;
        let sheet = file("/sheet.typ")?;
        Ok(Self {
            sources: vec![
                Source::new(common, include_str!("../layouts/common.typ").to_owned()),
                Source::new(contract, include_str!("../layouts/contract.typ").to_owned()),
                Source::new(summary, include_str!("../layouts/summary.typ").to_owned()),
                Source::new(sheet, include_str!("../layouts/sheet.typ").to_owned()),
            ],
            contract,
            summary,
            sheet,
            photos: (0..limits::PHOTOS)
                .map(|at| file(&photo_path(at)))
                .collect::<Result<_, _>>()?,
            logos: [file("/logo.png")?, file("/logo.jpg")?, file("/logo.svg")?],
        })
    }

    /// Sets a document and writes it as PDF.
    pub(crate) fn render<T: Serialize>(&self, job: &Job<'_, T>) -> Result<Rendered, TypesetError> {
        let document_id = document_id(job)?;
        let document = self.set(job, &document_id)?;
        let rendered = export(job, &document, &document_id);
        typst::comemo::evict(CACHE_DOCUMENTS);
        rendered
    }

    /// Sets a document as pages that are not written yet.
    fn set<T: Serialize>(&self, job: &Job<'_, T>, document_id: &str) -> Result<PagedDocument, TypesetError> {
        let logo = job
            .logo
            .map(|logo| (self.logo_file(logo), Bytes::new(logo.bytes.clone())));
        let photos = job.photos.iter().map(|bytes| Bytes::new(bytes.clone()));
        let photos = self.photos.iter().copied().zip(photos);
        let inputs = serde_json::json!({
            "data": &job.data,
            "document_id": document_id,
            "logo": logo.as_ref().map(|(id, _)| id.get().vpath().get_with_slash()),
        });
        let Value::Dict(inputs) = Value::deserialize(inputs).map_err(layout_error)? else {
            return Err(layout_error("the data is no dictionary"));
        };
        let sheet = Sheet {
            library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
            engine: self,
            main: match job.layout {
                Layout::Contract => self.contract,
                Layout::Summary => self.summary,
                Layout::Sheet => self.sheet,
            },
            pictures: logo.into_iter().chain(photos).collect(),
        };
        typst::compile::<PagedDocument>(&sheet)
            .output
            .map_err(|errors| told(&errors))
    }

    fn logo_file(&self, logo: &Logo) -> FileId {
        let [png, jpg, svg] = self.logos;
        match logo.kind {
            crate::templates::LogoKind::Png => png,
            crate::templates::LogoKind::Jpeg => jpg,
            crate::templates::LogoKind::Svg => svg,
        }
    }
}

fn export<T>(job: &Job<'_, T>, document: &PagedDocument, id: &str) -> Result<Rendered, TypesetError> {
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
        .map_err(|error| layout_error(error.message()))?;
    let options = PdfOptions {
        ident: Smart::Custom(id.to_owned()),
        creator: Smart::Custom(Some("Puente".to_owned())),
        timestamp: Some(timestamp(job.created_at, job.offset)?),
        standards,
        ..PdfOptions::default()
    };
    let pages = document.pages().len();
    let pdf = typst_pdf::pdf(document, &options).map_err(|errors| told(&errors))?;
    if pages > limits::PAGES || pdf.len() > limits::PDF_BYTES {
        return Err(TypesetError::TooLarge {
            pages,
            bytes: pdf.len(),
        });
    }
    Ok(Rendered {
        pdf,
        pages,
        document_id: id.to_owned(),
    })
}

/// A name for this content: the first digits of a hash over all that goes in. Enough to tell two prints apart; the hash of
/// the finished file is what proves it.
fn document_id<T: Serialize>(job: &Job<'_, T>) -> Result<String, TypesetError> {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&job.data).map_err(layout_error)?);
    if let Some(logo) = job.logo {
        hash.update(&logo.bytes);
    }
    for photo in job.photos {
        hash.update(photo);
    }
    hash.update(job.created_at.unix_timestamp().to_be_bytes());
    let digits = format!(
        "{:016X}",
        hash.finalize()
            .iter()
            .take(8)
            .fold(0_u64, |id, byte| id << 8 | u64::from(*byte))
    );
    let (left, right) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    Ok(format!("{left}-{right}"))
}

fn timestamp(at: OffsetDateTime, offset: UtcOffset) -> Result<Timestamp, TypesetError> {
    let local = at.checked_to_offset(offset).unwrap_or(at);
    let datetime = Datetime::from_ymd_hms(
        local.year(),
        local.month().into(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
    );
    datetime
        .and_then(|datetime| Timestamp::new_local(datetime, i32::from(local.offset().whole_minutes())))
        .ok_or_else(|| layout_error("the date cannot be written"))
}

/// Where a layout finds a photograph.
pub(crate) fn photo_path(at: usize) -> String {
    format!("/photo-{}.jpg", at + 1)
}

fn file(path: &str) -> Result<FileId, TypesetError> {
    let path = VirtualPath::new(path).map_err(|_| layout_error("a layout's path is wrong"))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

fn layout_error(error: impl ToString) -> TypesetError {
    TypesetError::Layout(error.to_string())
}

/// What typst says of its first error, up to the point where it would quote the document.
fn told(errors: &[SourceDiagnostic]) -> TypesetError {
    let message = errors
        .first()
        .map_or("no reason given", |error| error.message.as_str());
    let end = message.find(['"', '`', '\'', '(']).unwrap_or(message.len());
    layout_error(message.get(..end).unwrap_or_default().trim())
}

/// One document's closed world.
struct Sheet<'a> {
    library: LazyHash<Library>,
    engine: &'a Engine,
    main: FileId,
    pictures: Vec<(FileId, Bytes)>,
}

impl World for Sheet<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &Fonts::get().book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let source = self.engine.sources.iter().find(|source| source.id() == id);
        source.cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let picture = self.pictures.iter().find(|(picture, _)| *picture == id);
        picture
            .map(|(_, bytes)| bytes.clone())
            .ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        Fonts::get().faces.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::contract::sample;
    use crate::fonts::Fonts;
    use crate::{Templates, limits};

    /// PDF/A refuses glyphs that are missing: what `Fonts` promises must hold for each character, and for marks on it.
    #[test]
    fn every_character_that_the_fonts_promise_can_be_printed() {
        let promised: Vec<char> = ('!'..=char::MAX).filter(|c| Fonts::get().draw(*c)).collect();
        assert!(promised.len() > 2_000, "{}", promised.len());
        let templates = Templates::open(None).unwrap();
        let tenant = "acme".parse().unwrap();
        for marks in [vec![], vec!['\u{301}', '\u{330}']] {
            let text: Vec<char> = promised
                .iter()
                .flat_map(|c| [*c].into_iter().chain(marks.clone()))
                .collect();
            for part in text.chunks(limits::LONG_TEXT) {
                let mut data = sample();
                data.description = part.iter().collect();
                let result = templates.contract(&tenant, &data);
                assert!(result.is_ok(), "{result:?}");
            }
        }
    }
}
