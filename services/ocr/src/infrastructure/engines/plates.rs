//! Between the finder of serials and what is kept of a reading; pure.

use puente_plates::{Candidate as Found, Flaw, Picture, Plate, Source};
use puente_ports::TextRead;

use crate::infrastructure::engines::EMBEDDED;
use crate::infrastructure::reading::{Candidate, LONGEST_LINE, Line, MOST_CANDIDATES, MOST_LINES, Reading};
use crate::infrastructure::settings::TenantSettings;

/// Whose confidences these are.
pub(crate) fn source(engine: &str) -> Source {
    match engine {
        EMBEDDED => Source::Embedded,
        "azure_vision" => Source::AzureVision,
        "google_vision" => Source::GoogleVision,
        _ => Source::Other,
    }
}

/// What a text, read by an engine, says. Takes a processor for a moment.
pub(crate) fn understood(
    engine: &str,
    picture: &Picture,
    text: TextRead,
    settings: &TenantSettings,
) -> Reading {
    let found = puente_plates::find(&text, &settings.patterns, source(engine));
    let flaws = puente_plates::flaws(picture, &text);
    kept(&Plate { text, found, flaws })
}

/// What is kept of it.
pub(crate) fn kept(plate: &Plate) -> Reading {
    let lines = plate.text.lines.iter().take(MOST_LINES).map(|line| Line {
        text: short(&line.text),
        confidence: line.confidence,
        corners: flat(line.corners),
    });
    let candidates = plate.found.candidates.iter().take(MOST_CANDIDATES);
    let facts = plate.found.facts.iter();
    Reading {
        model: short(&plate.text.model),
        candidates: candidates.map(candidate).collect(),
        lines: lines.collect(),
        facts: facts.map(|(name, value)| (short(name), short(value))).collect(),
        flaws: plate
            .flaws
            .iter()
            .map(|flaw: &Flaw| flaw.as_str().to_owned())
            .collect(),
    }
}

fn candidate(found: &Found) -> Candidate {
    Candidate {
        serial: short(&found.serial),
        confidence: found.confidence,
        characters: found.characters.iter().copied().take(LONGEST_LINE).collect(),
        label: short(&found.label),
        corners: flat(found.corners),
    }
}

/// No table holds NUL, and no plate has endless lines.
fn short(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LONGEST_LINE).collect()
}

fn flat(corners: [(f32, f32); 4]) -> Vec<f32> {
    corners.into_iter().flat_map(|(x, y)| [x, y]).collect()
}
