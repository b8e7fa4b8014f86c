//! Lines that the detector drew across columns.

use super::lines::Line;
use crate::engine::ctc::Read;
use crate::geometry::{Corners, size};

/// Words further apart than so many heights of their line are two lines: columns.
const APART: f32 = 1.15;

/// Cuts lines whose words stand far apart.
pub(super) fn columns(lines: Vec<Line>) -> Vec<Line> {
    lines.into_iter().flat_map(cut).collect()
}

fn cut(line: Line) -> Vec<Line> {
    let (width, height) = size(&line.corners);
    let far = APART * height / width.max(1.0);
    let mut parts: Vec<Vec<Read>> = vec![Vec::new()];
    let mut last: Option<f32> = None;
    for read in &line.read {
        if read.character != ' ' {
            if last.is_some_and(|last| read.at - last > far) {
                parts.push(Vec::new());
            }
            last = Some(read.at);
        }
        if let Some(part) = parts.last_mut() {
            part.push(*read);
        }
    }
    if parts.len() < 2 {
        return vec![line];
    }
    let half = 0.45 * height / width.max(1.0);
    parts
        .into_iter()
        .filter_map(|mut part| {
            while part.last().is_some_and(|read| read.character == ' ') {
                part.pop();
            }
            let (from, to) = (part.first()?.at - half, part.last()?.at + half);
            let (from, to) = (from.max(0.0), to.min(1.0));
            for read in &mut part {
                read.at = (read.at - from) / (to - from).max(f32::EPSILON);
            }
            Some(Line {
                corners: between(&line.corners, from, to),
                read: part,
            })
        })
        .collect()
}

/// A part of a line.
pub(super) fn between([a, b, c, d]: &Corners, from: f32, to: f32) -> Corners {
    let at =
        |p: &(f32, f32), q: &(f32, f32), share: f32| (p.0 + (q.0 - p.0) * share, p.1 + (q.1 - p.1) * share);
    [at(a, b, from), at(a, b, to), at(d, c, to), at(d, c, from)]
}
