//! The tables.

use std::fmt::Write as _;
use std::time::Duration;

use crate::judge::Outcome;

/// Where the section begins in a document; `make bench` keeps what follows.
const MARK: &str = "<!-- ocr-eval -->";

/// Everything that was measured.
pub(crate) struct Report<'a> {
    pub(crate) seeds: Vec<i64>,
    pub(crate) machine: String,
    pub(crate) outcomes: &'a [Outcome],
    /// Tesseract's version and outcomes, when it was here.
    pub(crate) tesseract: Option<(&'a str, &'a [Other])>,
    /// Resident MiB: before the models, with them, and the most.
    pub(crate) memory: [f64; 3],
}

/// Another engine's outcome.
pub(crate) struct Other {
    pub(crate) difficulty: Option<String>,
    pub(crate) read: bool,
    pub(crate) right: bool,
    pub(crate) took: Duration,
}

/// The bounds of confidence in the reliability table.
const BANDS: [f32; 8] = [0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98];

impl Report<'_> {
    /// The tables.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let seeds: Vec<String> = self.seeds.iter().map(i64::to_string).collect();
        let _ = writeln!(
            text,
            "- Plates: {}; seeds: {}",
            self.outcomes.len(),
            seeds.join(", ")
        );
        let _ = writeln!(text, "- Machine: {}", self.machine);
        self.conditions(&mut text);
        self.reliability(&mut text);
        self.cost(&mut text);
        self.beside(&mut text);
        text
    }

    /// The document with this run's section in the place of the last one's; what stands before it stays.
    pub(crate) fn placed_in(&self, document: &str) -> String {
        let before = document.split_once(MARK).map_or(document, |(before, _)| before);
        format!(
            "{}\n\n{MARK}\n\n## Reading plates\n\nWritten by `make ocr-eval DIR=\"…\" ARGS=\"--write docs/benchmarks.md\"`; the rest of \
             the page by `make bench`.\n\n{}",
            before.trim_end(),
            self.text()
        )
    }

    fn conditions(&self, text: &mut String) {
        text.push_str(
            "\n| condition | | plates | read | picked exactly | characters |\n|---|---|---|---|---|---|\n",
        );
        row(text, "all", "", &self.outcomes.iter().collect::<Vec<_>>());
        self.by(text, "difficulty", |o| o.plate.entry.difficulty.clone());
        self.by(text, "light", |o| band(o.plate.entry.light, &[0.5, 0.7, 0.85]));
        self.by(text, "blur", |o| band(o.plate.entry.blur, &[0.7, 1.2, 1.8]));
        self.by(text, "motion", |o| band(o.plate.entry.motion, &[1.0, 5.0]));
        self.by(text, "angle", |o| {
            band(o.plate.entry.rotation_deg.map(f64::abs), &[4.0, 12.0])
        });
        self.by(text, "glare", |o| band(o.plate.entry.glare, &[0.01, 0.5]));
        self.by(text, "finish", |o| o.plate.entry.finish.clone());
        self.by(text, "style", |o| o.plate.entry.style.clone());
        self.by(text, "label", |o| o.plate.entry.label.clone());
    }

    fn by(&self, text: &mut String, name: &str, key: impl Fn(&Outcome) -> Option<String>) {
        let mut keys: Vec<String> = self.outcomes.iter().filter_map(&key).collect();
        keys.sort();
        keys.dedup();
        for own in keys {
            let some: Vec<&Outcome> = self
                .outcomes
                .iter()
                .filter(|o| key(o).as_ref() == Some(&own))
                .collect();
            row(text, name, &own, &some);
        }
    }

    fn reliability(&self, text: &mut String) {
        text.push_str("\n| confidence | answers | mean confidence | right |\n|---|---|---|---|\n");
        let ends = BANDS.iter().copied().skip(1).chain([f32::INFINITY]);
        for (from, to) in BANDS.into_iter().zip(ends) {
            let sure: Vec<(f32, bool)> = self
                .answers()
                .filter(|(sure, _)| *sure >= from && *sure < to)
                .collect();
            let to = if to.is_finite() { to } else { 1.0 };
            answer_row(text, &format!("{from:.2} – {to:.2}"), &sure);
        }
        answer_row(
            text,
            "≥ 0.90",
            &self
                .answers()
                .filter(|(sure, _)| *sure >= 0.9)
                .collect::<Vec<_>>(),
        );
    }

    fn answers(&self) -> impl Iterator<Item = (f32, bool)> {
        self.outcomes
            .iter()
            .filter_map(|o| o.picked.as_ref().map(|(_, sure)| (*sure, o.right())))
    }

    fn cost(&self, text: &mut String) {
        let cpu: Vec<Duration> = self.outcomes.iter().map(|o| o.cpu).collect();
        let wall: Vec<Duration> = self.outcomes.iter().map(|o| o.wall).collect();
        let [before, loaded, most] = self.memory;
        text.push_str("\n| per photograph | p50 | p95 | most |\n|---|---|---|---|\n");
        for (name, times) in [
            ("processor seconds, decoding included", cpu),
            ("seconds by the clock", wall),
        ] {
            let _ = writeln!(
                text,
                "| {name} | {:.2} | {:.2} | {:.2} |",
                share(&times, 0.5),
                share(&times, 0.95),
                share(&times, 1.0)
            );
        }
        let _ = writeln!(
            text,
            "\nResident memory: {before:.0} MiB before the models, {loaded:.0} MiB with them, {most:.0} MiB at most: grown by \
             {:.0} MiB.",
            most - before
        );
    }

    fn beside(&self, text: &mut String) {
        let Some((version, others)) = self.tesseract else {
            text.push_str("\nTesseract was not run beside it.\n");
            return;
        };
        let _ = writeln!(
            text,
            "\nBeside it, {version}, psm 11, the photograph as it is, the same finder:\n\n| | plates | read | picked exactly |\n|---|---|---|---|"
        );
        let mut kinds: Vec<Option<String>> = others.iter().map(|o| o.difficulty.clone()).collect();
        kinds.sort();
        kinds.dedup();
        let all: Vec<&Other> = others.iter().collect();
        other_row(text, "all", &all);
        for kind in kinds.iter().flatten() {
            let some: Vec<&Other> = others
                .iter()
                .filter(|o| o.difficulty.as_ref() == Some(kind))
                .collect();
            other_row(text, kind, &some);
        }
        let times: Vec<Duration> = others.iter().map(|o| o.took).collect();
        let _ = writeln!(
            text,
            "\nSeconds by the clock: p50 {:.2}, p95 {:.2}.",
            share(&times, 0.5),
            share(&times, 0.95)
        );
    }
}

fn row(text: &mut String, name: &str, kind: &str, outcomes: &[&Outcome]) {
    let count = outcomes.len();
    let read = outcomes.iter().filter(|o| o.read || o.right()).count();
    let right = outcomes.iter().filter(|o| o.right()).count();
    let characters = outcomes.iter().map(|o| o.characters()).sum::<f64>() / count.max(1) as f64;
    let _ = writeln!(
        text,
        "| {name} | {kind} | {count} | {} | {} | {:.1} % |",
        of(read, count),
        of(right, count),
        characters * 100.0
    );
}

fn other_row(text: &mut String, kind: &str, others: &[&Other]) {
    let count = others.len();
    let read = others.iter().filter(|o| o.read).count();
    let right = others.iter().filter(|o| o.right).count();
    let _ = writeln!(
        text,
        "| {kind} | {count} | {} | {} |",
        of(read, count),
        of(right, count)
    );
}

fn answer_row(text: &mut String, name: &str, answers: &[(f32, bool)]) {
    let count = answers.len();
    let right = answers.iter().filter(|(_, right)| *right).count();
    let mean = answers.iter().map(|(sure, _)| *sure).sum::<f32>() / count.max(1) as f32;
    let _ = writeln!(text, "| {name} | {count} | {mean:.2} | {} |", of(right, count));
}

fn of(part: usize, whole: usize) -> String {
    format!("{part} ({:.1} %)", part as f64 * 100.0 / whole.max(1) as f64)
}

/// The name of the band that a value is in.
fn band(value: Option<f64>, bounds: &[f64]) -> Option<String> {
    let value = value?;
    let below = bounds.iter().find(|bound| value < **bound);
    let above = bounds.iter().rev().find(|bound| value >= **bound);
    Some(match (above, below) {
        (None, Some(below)) => format!("below {below}"),
        (Some(above), Some(below)) => format!("{above} to {below}"),
        (Some(above), None) => format!("{above} and more"),
        (None, None) => "any".to_owned(),
    })
}

/// The time that this share of all took no longer than, in seconds.
fn share(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(at - 1).copied().unwrap_or_default().as_secs_f64()
}
