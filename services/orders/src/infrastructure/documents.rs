//! Which documents orders keeps: papers of service providers, what belongs to an order beside its contract, and what
//! belongs to equipment.

use puente_blob::{Container, MediaType};
use puente_documents::Kept;

/// What documents of equipment are about.
pub(crate) const ASSET: &str = "asset";
/// A photograph of it.
pub(crate) const PHOTO: &str = "photo";
/// Its record sheet.
pub(crate) const SHEET: &str = "sheet";
/// What photographs are.
static PHOTOS: [MediaType; 5] = [
    MediaType::Jpeg,
    MediaType::Png,
    MediaType::Webp,
    MediaType::Heic,
    MediaType::Tiff,
];

/// Larger scans are made by mistake.
const MAX_BYTES: usize = 25 * 1024 * 1024;

/// All kinds. People bring them, but for what belongs to equipment: its photographs come by captures, its sheet is made.
pub(crate) static KEPT: [Kept; 13] = [
    paper("arl"),
    paper("eps"),
    paper("rut"),
    paper("camara_comercio"),
    paper("policy"),
    paper("certificate"),
    // Whatever else was asked for: several are in force side by side.
    Kept {
        one: false,
        ..paper("other")
    },
    of_order("report", Container::Reports),
    of_order("photo", Container::Orders),
    of_order("quotation", Container::Orders),
    of_order("other", Container::Orders),
    Kept {
        kind: PHOTO,
        about: ASSET,
        container: Container::Assets,
        media: &PHOTOS,
        max_bytes: MAX_BYTES,
        one: false,
        from_people: false,
    },
    Kept {
        kind: SHEET,
        about: ASSET,
        container: Container::Reports,
        media: &[MediaType::Pdf],
        max_bytes: MAX_BYTES,
        one: true,
        from_people: false,
    },
];

/// A paper of a service provider; a newer one takes its place.
const fn paper(kind: &'static str) -> Kept {
    Kept {
        kind,
        about: "service_provider",
        container: Container::Providers,
        media: &MediaType::SCANS,
        max_bytes: MAX_BYTES,
        one: true,
        from_people: true,
    }
}

/// A document of an order; all of them stay.
const fn of_order(kind: &'static str, container: Container) -> Kept {
    Kept {
        kind,
        about: "order",
        container,
        media: &MediaType::SCANS,
        max_bytes: MAX_BYTES,
        one: false,
        from_people: true,
    }
}
