//! What simulated engines read: texts by the SHA-256 of a picture, and how unwell they are told to be.
//!
//! ```text
//! GET    /sim/<slug>/_control/readings             how many pictures were read, by SHA-256
//! POST   /sim/<slug>/_control/readings             {"sha256": "…", "lines": [{"text": "S/N 123", "confidence": 0.97}]}
//! PUT    /sim/<slug>/_control/readings/default     {"lines": […]}: what stands in every other picture; nothing at first
//! PUT    /sim/<slug>/_control/readings/trouble     {"running_polls": 2, "expire": 1, "fail": 0, "confidence": 0.3, "empty": 1}
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::sim::{Hub, reply};

/// Pictures whose texts are known; the smallest hash goes first.
const MAX_TEXTS: usize = 10_000;

/// A line that a simulated engine reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadLine {
    /// What it says.
    pub text: String,
    /// How sure the engine is of each of its words.
    #[serde(default = "sure")]
    pub confidence: f32,
    /// Its corners in pixels; spread over the picture when absent.
    #[serde(default)]
    pub corners: Option<[(f32, f32); 4]>,
}

impl ReadLine {
    /// A line of which the engine is as sure as engines mostly are.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            confidence: sure(),
            corners: None,
        }
    }

    /// With another confidence.
    #[must_use]
    pub const fn sure_by(mut self, confidence: f32) -> Self {
        self.confidence = confidence;
        self
    }
}

/// What is wrong with a simulated engine. Each number counts down with what it strikes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadTrouble {
    /// Every operation of Read 3.2 is running for so many questions.
    pub running_polls: u32,
    /// So many operations are not known any more when they are asked about.
    pub expire: u32,
    /// So many operations fail.
    pub fail: u32,
    /// So many pictures have no text.
    pub empty: u32,
    /// Every word of every picture is as sure as this.
    pub confidence: Option<f32>,
}

/// What all simulated engines know, by slug.
#[derive(Default)]
pub(crate) struct Readings(Mutex<BTreeMap<String, Shelf>>);

#[derive(Default)]
pub(crate) struct Shelf {
    texts: BTreeMap<String, Vec<ReadLine>>,
    unknown: Vec<ReadLine>,
    pub(crate) trouble: ReadTrouble,
    counts: BTreeMap<String, u64>,
}

impl Hub {
    /// Tells a simulated engine what stands in a picture.
    pub fn teach(&self, slug: &str, sha256: &str, lines: Vec<ReadLine>) {
        with(self, slug, |shelf| {
            if shelf.texts.len() >= MAX_TEXTS {
                shelf.texts.pop_first();
            }
            shelf.texts.insert(sha256.to_ascii_lowercase(), lines);
        });
    }

    /// Tells a simulated engine what stands in every picture that it was not taught.
    pub fn teach_default(&self, slug: &str, lines: Vec<ReadLine>) {
        with(self, slug, |shelf| shelf.unknown = lines);
    }

    /// Makes a simulated engine unwell, or well again.
    pub fn trouble_reading(&self, slug: &str, trouble: ReadTrouble) {
        with(self, slug, |shelf| shelf.trouble = trouble);
    }

    /// How often a simulated engine read a picture.
    #[must_use]
    pub fn times_read(&self, slug: &str, sha256: &str) -> u64 {
        with(self, slug, |shelf| {
            shelf.counts.get(sha256).copied().unwrap_or_default()
        })
    }
}

/// Reads a picture: its hash, and its lines as far as the engine's trouble lets it.
pub(crate) fn look(hub: &Hub, slug: &str, picture: &[u8]) -> (String, Vec<ReadLine>) {
    let sha256 = hex::encode(Sha256::digest(picture));
    let lines = with(hub, slug, |shelf| {
        if shelf.counts.len() >= MAX_TEXTS {
            shelf.counts.pop_first();
        }
        *shelf.counts.entry(sha256.clone()).or_default() += 1;
        if take(&mut shelf.trouble.empty) {
            return Vec::new();
        }
        let mut lines = shelf.texts.get(&sha256).unwrap_or(&shelf.unknown).clone();
        if let Some(confidence) = shelf.trouble.confidence {
            lines.iter_mut().for_each(|line| line.confidence = confidence);
        }
        lines
    });
    (sha256, lines)
}

/// The four corners of line `at` of `of` in a picture.
pub(crate) fn place(line: &ReadLine, at: usize, of: usize, size: (u32, u32)) -> [(f32, f32); 4] {
    line.corners.unwrap_or_else(|| {
        #[expect(clippy::cast_precision_loss, reason = "pixels and a few lines")]
        let (width, height, row) = (size.0 as f32, size.1 as f32, size.1 as f32 / of.max(1) as f32);
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        let top = row * at as f32;
        let bottom = (top + row * 0.8).min(height);
        [(0.0, top), (width, top), (width, bottom), (0.0, bottom)]
    })
}

/// The part of a line's corners that word `at` of `of` takes.
pub(crate) fn part(whole: [(f32, f32); 4], at: usize, of: usize) -> [(f32, f32); 4] {
    #[expect(clippy::cast_precision_loss, reason = "a few words")]
    let share = |at: usize| at as f32 / of.max(1) as f32;
    let along = |from: (f32, f32), to: (f32, f32), share: f32| {
        (
            (to.0 - from.0).mul_add(share, from.0),
            (to.1 - from.1).mul_add(share, from.1),
        )
    };
    let [a, b, c, d] = whole;
    let (begin, end) = (share(at), share(at + 1));
    [
        along(a, b, begin),
        along(a, b, end),
        along(d, c, end),
        along(d, c, begin),
    ]
}

/// Counts a trouble down; whether it strikes.
pub(crate) const fn take(left: &mut u32) -> bool {
    let strikes = *left > 0;
    *left = left.saturating_sub(1);
    strikes
}

pub(crate) fn with<T>(hub: &Hub, slug: &str, work: impl FnOnce(&mut Shelf) -> T) -> T {
    let readings: Arc<Readings> = hub.own();
    let mut shelves: MutexGuard<'_, _> = readings.0.lock().unwrap_or_else(PoisonError::into_inner);
    work(shelves.entry(slug.to_owned()).or_default())
}

/// Forgets what an engine was taught, counted and suffers.
pub(super) fn forget(hub: &Hub, slug: &str) {
    with(hub, slug, |shelf| *shelf = Shelf::default());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lesson {
    #[serde(default)]
    sha256: String,
    lines: Vec<ReadLine>,
}

/// The control paths of an engine, below `_control`.
pub(crate) fn control(slug: &'static str) -> Router<Hub> {
    let teach = move |State(hub): State<Hub>, Json(lesson): Json<Lesson>| async move {
        hub.teach(slug, &lesson.sha256, lesson.lines);
        reply(200, &json!({}))
    };
    let counts = move |State(hub): State<Hub>| async move {
        let counts = with(&hub, slug, |shelf| json!({ "read": shelf.counts }));
        reply(200, &counts)
    };
    let default = move |State(hub): State<Hub>, Json(lesson): Json<Lesson>| async move {
        hub.teach_default(slug, lesson.lines);
        reply(200, &json!({}))
    };
    let trouble = move |State(hub): State<Hub>, Json(trouble): Json<ReadTrouble>| async move {
        hub.trouble_reading(slug, trouble);
        reply(200, &json!({}))
    };
    Router::new()
        .route("/readings", get(counts).post(teach))
        .route("/readings/default", put(default))
        .route("/readings/trouble", put(trouble))
}

const fn sure() -> f32 {
    0.98
}
