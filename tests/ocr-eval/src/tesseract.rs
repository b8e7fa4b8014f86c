//! Stock Tesseract beside it, where the program is installed: its best mode for plates, on the photograph as it is.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use puente_plates::{Patterns, Source, find};
use puente_ports::{TextLine, TextRead};

/// What it says of itself, when it is here.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("tesseract").arg("--version").output().ok()?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    text.lines().next().map(str::to_owned)
}

/// What it makes of a photograph.
pub(crate) struct Answer {
    pub(crate) text: TextRead,
    /// The serial that our finder takes from it.
    pub(crate) picked: Option<String>,
    pub(crate) took: Duration,
}

/// Its answer, by the clock.
pub(crate) fn read(path: &Path) -> Option<Answer> {
    let begun = Instant::now();
    let output = Command::new("tesseract")
        .arg(path)
        .args(["stdout", "--psm", "11", "tsv"])
        .env("OMP_THREAD_LIMIT", "1")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let took = begun.elapsed();
    let text = lines(&String::from_utf8_lossy(&output.stdout));
    let found = find(&text, &Patterns::default(), Source::Other);
    let picked = found.candidates.into_iter().next().map(|best| best.serial);
    Some(Answer { text, picked, took })
}

/// Words of its table, put together to lines.
fn lines(table: &str) -> TextRead {
    let mut lines: Vec<(Vec<&str>, TextLine)> = Vec::new();
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let [
            level,
            _,
            block,
            paragraph,
            line,
            _,
            left,
            top,
            width,
            height,
            sure,
            word,
        ] = cells.as_slice()
        else {
            continue;
        };
        let number = |cell: &str| cell.parse::<f32>().unwrap_or_default();
        if *level != "5" || word.trim().is_empty() {
            continue;
        }
        let (x0, y0) = (number(left), number(top));
        let (x1, y1) = (x0 + number(width), y0 + number(height));
        let sure = (number(sure) / 100.0).clamp(0.0, 1.0);
        let key = vec![*block, *paragraph, *line];
        match lines.last_mut().filter(|(own, _)| *own == key) {
            Some((_, line)) => {
                line.text.push(' ');
                line.characters.push(1.0);
                line.text.push_str(word);
                line.characters.extend(word.chars().map(|_| sure));
                line.confidence = line.confidence.min(sure);
                let [(left, top), _, (right, bottom), _] = line.corners;
                line.corners = rectangle(left.min(x0), top.min(y0), right.max(x1), bottom.max(y1));
            }
            None => lines.push((
                key,
                TextLine {
                    text: (*word).to_owned(),
                    corners: rectangle(x0, y0, x1, y1),
                    confidence: sure,
                    characters: word.chars().map(|_| sure).collect(),
                },
            )),
        }
    }
    TextRead {
        lines: lines.into_iter().map(|(_, line)| line).collect(),
        model: "tesseract".to_owned(),
    }
}

fn rectangle(left: f32, top: f32, right: f32, bottom: f32) -> [(f32, f32); 4] {
    [(left, top), (right, top), (right, bottom), (left, bottom)]
}
