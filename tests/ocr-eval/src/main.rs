//! `make ocr-eval DIR=…`: how well plates are read, by condition, with time, memory and what the confidences are worth.

mod judge;
mod machine;
mod manifest;
mod report;
mod tesseract;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use puente_plates::{Models, Patterns, Picture, Reader};

use judge::{Outcome, plain};
use manifest::Plate;

/// Evaluates folders of photographed plates whose truth is in their `manifest.json`.
#[derive(Parser)]
struct Options {
    /// The folders.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Read only so many of each.
    #[arg(long)]
    limit: Option<usize>,
    /// Read only those of this difficulty.
    #[arg(long)]
    difficulty: Option<String>,
    /// Name what was not picked exactly.
    #[arg(long)]
    misses: bool,
    /// Name every answer with its confidence and whether it is right, for calibration.
    #[arg(long)]
    answers: bool,
    /// Do not run Tesseract beside it.
    #[arg(long)]
    alone: bool,
    /// Also write the report into this document, behind its mark.
    #[arg(long)]
    write: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut seeds = Vec::new();
    let mut plates = Vec::new();
    for folder in &options.folders {
        let (seed, mut own) = manifest::read(folder)?;
        own.retain(|plate| options.difficulty.is_none() || plate.entry.difficulty == options.difficulty);
        own.truncate(options.limit.unwrap_or(usize::MAX));
        seeds.extend(seed);
        plates.extend(own);
    }
    let machine = machine::describe();
    let before = machine::memory("VmRSS");
    let folder = puente_embedded::Tools::new(".").plate_models()?;
    let reader = Reader::new(Arc::new(Models::load(&folder)?));
    let loaded = machine::memory("VmRSS");
    let mut outcomes = Vec::new();
    let mut others = Vec::new();
    let tesseract = tesseract::version().filter(|_| !options.alone);
    for plate in plates {
        if tesseract.is_some() {
            others.extend(by_tesseract(&plate));
        }
        outcomes.push(by_us(&reader, plate)?);
    }
    let report = report::Report {
        seeds,
        machine,
        outcomes: &outcomes,
        tesseract: tesseract.as_deref().map(|version| (version, others.as_slice())),
        memory: [before, loaded, machine::memory("VmHWM")],
    };
    let text = report.text();
    print(&text);
    if options.misses {
        outcomes.iter().filter(|outcome| !outcome.right()).for_each(miss);
    }
    if options.answers {
        for outcome in &outcomes {
            let sure = outcome.picked.as_ref().map_or(0.0, |(_, sure)| *sure);
            print(&format!("answer {sure:.5} {}\n", u8::from(outcome.right())));
        }
    }
    if let Some(file) = &options.write {
        let before = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        std::fs::write(file, report.placed_in(&before)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn by_us(reader: &Reader, plate: Plate) -> anyhow::Result<Outcome> {
    let bytes = std::fs::read(&plate.path).with_context(|| plate.path.display().to_string())?;
    let (begun, cpu) = (Instant::now(), machine::cpu());
    let picture = Picture::decode(&bytes).with_context(|| plate.path.display().to_string())?;
    let read = reader.read(&picture, &Patterns::default())?;
    let (cpu, wall) = (machine::cpu().saturating_sub(cpu), begun.elapsed());
    let truth = plain(&plate.entry.serial);
    Ok(Outcome {
        read: read
            .text
            .lines
            .iter()
            .any(|line| plain(&line.text).contains(&truth)),
        picked: read
            .found
            .candidates
            .into_iter()
            .next()
            .map(|c| (c.serial, c.confidence)),
        plate,
        cpu,
        wall,
    })
}

/// Tesseract's outcome: whether it read, whether our finder picked, and the time.
fn by_tesseract(plate: &Plate) -> Option<report::Other> {
    let answer = tesseract::read(&plate.path)?;
    let truth = plain(&plate.entry.serial);
    Some(report::Other {
        difficulty: plate.entry.difficulty.clone(),
        read: answer
            .text
            .lines
            .iter()
            .any(|line| plain(&line.text).contains(&truth)),
        right: answer.picked.is_some_and(|serial| plain(&serial) == truth),
        took: answer.took,
    })
}

fn miss(outcome: &Outcome) {
    let entry = &outcome.plate.entry;
    let known = |value: &Option<String>| value.clone().unwrap_or_default();
    let (picked, sure) = outcome.picked.clone().unwrap_or_default();
    print(&format!(
        "{} {} {:?} {} {}: {} picked {picked} ({sure:.2}) {}\n",
        outcome.plate.path.display(),
        known(&entry.difficulty),
        known(&entry.label),
        known(&entry.style),
        known(&entry.finish),
        entry.serial,
        if outcome.read { "READ" } else { "" },
    ));
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn print(text: &str) {
    print!("{text}");
}
