//! Lines that were read, and what several looks make of them together.

use puente_ports::{TextLine, TextRead};

use super::boxes::same_place;
use crate::engine::ctc::Read;
use crate::geometry::Corners;

/// A line that only evened light shows is one from here: grain looks like text there.
const FAINT: f32 = 0.55;

/// A line that was read.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) corners: Corners,
    pub(super) read: Vec<Read>,
}

impl Line {
    pub(super) fn sure(&self) -> f32 {
        self.read.iter().map(|read| read.sure).sum::<f32>() / self.read.len().max(1) as f32
    }
}

/// Known lines and further ones, of one place the surer.
pub(super) fn merged(mut known: Vec<Line>, further: Vec<Line>) -> Vec<Line> {
    for line in further {
        let own = known
            .iter_mut()
            .find(|own| same_place(&own.corners, &line.corners));
        match own {
            Some(own) if line.sure() > own.sure() && line.read.len() >= own.read.len() => *own = line,
            Some(_) => {}
            None if line.sure() > FAINT => known.push(line),
            None => {}
        }
    }
    known
}

pub(super) fn mean_sure(lines: &[Line]) -> f32 {
    let characters: usize = lines.iter().map(|line| line.read.len()).sum();
    lines
        .iter()
        .map(|line| line.sure() * line.read.len() as f32)
        .sum::<f32>()
        / characters.max(1) as f32
}

/// As text for everybody.
pub(super) fn text(lines: &[Line]) -> TextRead {
    TextRead {
        lines: lines
            .iter()
            .map(|line| TextLine {
                text: line.read.iter().map(|read| read.character).collect(),
                corners: line.corners,
                confidence: line.sure(),
                characters: line
                    .read
                    .iter()
                    .map(|read| if read.character == ' ' { 1.0 } else { read.sure })
                    .collect(),
            })
            .collect(),
        model: "PP-OCRv6 small".to_owned(),
    }
}
