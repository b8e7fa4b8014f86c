//! Which documents orders keeps: papers of service providers, and what belongs to an order beside its contract.

use puente_blob::{Container, MediaType};
use puente_documents::Kept;

/// Larger scans are made by mistake.
const MAX_BYTES: usize = 25 * 1024 * 1024;

/// All kinds; people bring them.
pub(crate) static KEPT: [Kept; 11] = [
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
