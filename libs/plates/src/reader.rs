//! From a picture to the plate.
//!
//! A first look finds the lines in a small copy and reads each, cut out of the whole picture and straightened. Mostly that
//! is all: the serial number is there, beside its label, sure, and the model that knows worn plates reads it alike. Where it
//! is not, further looks are taken, each only while it may still help: the picture turned, the plate as if photographed from
//! in front, the picture with evened light, and the line of the serial number again in several versions that vote.

mod boxes;
mod closer;
mod columns;
mod light;
mod lines;
mod look;
mod reach;

use std::sync::Arc;

use puente_ports::TextRead;
use rten::{RunError, RunOptions, ThreadPool};

use crate::engine::outline::outline;
use crate::engine::plane::Plane;
use crate::geometry::Corners;
use crate::{Flaw, Found, Models, Patterns, Picture, Source, find, flaws};

/// Reads plates. One may be shared by several threads; each read keeps one busy.
pub struct Reader {
    models: Arc<Models>,
    options: RunOptions,
}

/// What a plate says.
#[derive(Debug, Clone, Default)]
pub struct Plate {
    /// Its text.
    pub text: TextRead,
    /// The serial numbers that it may have, and what else was understood.
    pub found: Found,
    /// What is wrong with the photograph, the worst first.
    pub flaws: Vec<Flaw>,
}

/// Why a picture was not read. A picture without text is no error.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The engine gave up.
    #[error("the text engine failed: {0}")]
    Engine(#[from] RunError),
}

/// From here, nothing is looked at again.
const SURE: f32 = 0.999_3;
/// Below, the picture with evened light may show it better.
const CLEAR: f32 = 0.9;
/// Below, what was found without a label is more likely grain than a serial number.
const FAINT: f32 = 0.02;
/// How many candidates' lines are looked at again.
const AGAIN: usize = 2;

impl Reader {
    /// A reader with these models.
    #[must_use]
    pub fn new(models: Arc<Models>) -> Self {
        Self {
            models,
            options: RunOptions::default().with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(1)))),
        }
    }

    /// Reads a picture: up to some seconds of one core. Blocking: never on a thread of the async runtime.
    ///
    /// # Errors
    /// [`ReadError`]
    pub fn read(&self, picture: &Picture, patterns: &Patterns) -> Result<Plate, ReadError> {
        let (regions, mut lines) = self.first_look(picture)?;
        let mut found = self.found(&lines, patterns);
        if !sure(&found) || !self.agreed(picture, &lines, &found)? {
            let even = light::Evened::of(picture);
            let plane = outline(picture.pixels()).map(|corners| Plane::of(&corners));
            if let Some(plane) = plane.as_ref().filter(|_| !settled(&found)) {
                lines = self.front_look(picture, plane, lines, &look::FRONT)?;
                found = self.found(&lines, patterns);
            }
            // Where hardly anything was found, other smoothings may show it; and the largest region may be the plate itself.
            let frame = look::plate_among(&regions, picture).map(|corners| Plane::of(&corners));
            let frame = plane.as_ref().or(frame.as_ref());
            for front in look::OTHER_FRONTS {
                if let Some(plane) = frame.filter(|_| !promising(&found)) {
                    lines = self.front_look(picture, plane, lines, front)?;
                    found = self.found(&lines, patterns);
                }
            }
            if found.candidates.is_empty() || plane.is_none() && !settled(&found) {
                lines = self.evened_look(&even, &regions, lines)?;
                found = self.found(&lines, patterns);
            }
            for candidate in found.candidates.clone().iter().take(AGAIN) {
                let others: Vec<Corners> = lines
                    .iter()
                    .map(|line| line.corners)
                    .filter(|corners| *corners != candidate.corners)
                    .collect();
                if let Some(line) = lines.iter_mut().find(|line| line.corners == candidate.corners) {
                    self.reach(picture, line, &others)?;
                    self.look_at_value(picture, &even, plane.as_ref(), line, &candidate.serial)?;
                }
                found = self.found(&lines, patterns);
                if settled(&found) {
                    break;
                }
            }
        }
        let text = lines::text(&lines);
        Ok(Plate {
            flaws: flaws(picture, &text),
            found,
            text,
        })
    }

    fn found(&self, lines: &[lines::Line], patterns: &Patterns) -> Found {
        find(&lines::text(lines), patterns, Source::Embedded)
    }
}

/// Whether there is nothing to look at again.
fn sure(found: &Found) -> bool {
    found
        .candidates
        .first()
        .is_some_and(|best| best.confidence >= SURE)
}

/// Whether what was found may be worth a closer look.
fn promising(found: &Found) -> bool {
    let best = found.candidates.first();
    best.is_some_and(|best| !best.label.is_empty() || best.confidence >= FAINT)
}

/// Whether a serial number was found at its label, clearly enough to look at it alone.
fn settled(found: &Found) -> bool {
    let best = found.candidates.first();
    best.is_some_and(|best| !best.label.is_empty() && best.confidence >= CLEAR)
}
