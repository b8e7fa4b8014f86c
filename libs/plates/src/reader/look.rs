//! The looks at a picture: the first one, one with evened light, and a closer one at a single line.

use image::{RgbImage, imageops};
use puente_ports::{TextLine, TextRead};
use rten::RunError;

use super::Reader;
use crate::Picture;
use crate::engine::crop::Crop;
use crate::engine::ctc::Read;
use crate::engine::detect::detect;
use crate::engine::enhance::{evened, smoothed, stretched};
use crate::engine::recognise::recognise;
use crate::engine::vote::vote;
use crate::geometry::{Corners, angle, centre, distance, size};

/// The shorter side of the copy in which lines are looked for.
const SIDE: u32 = 544;
/// Words further apart than so many heights of their line are two lines: columns.
const APART: f32 = 1.15;
/// A line that is read with less is noise.
const NOISE: f32 = 0.45;
/// A line that only evened light shows is one from here: grain looks like text there.
const FAINT: f32 = 0.55;
/// Below this mean confidence, the text may stand upside down.
const DOUBTFUL: f32 = 0.8;
/// The longer side of the copy whose light is evened.
const EVENED_SIDE: u32 = 1_600;
/// How much tighter and wider than the detector's box a line is cut, as a share of its height.
const TIGHT: f32 = -0.13;
const WIDE: f32 = 0.12;
/// How many lines tell which way is up.
const TELLING: usize = 3;

/// A line that was read.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) corners: Corners,
    pub(super) read: Vec<Read>,
}

impl Line {
    fn sure(&self) -> f32 {
        self.read.iter().map(|read| read.sure).sum::<f32>() / self.read.len().max(1) as f32
    }
}

/// A copy of the picture with its light evened.
pub(super) struct Evened {
    sharp: RgbImage,
    soft: RgbImage,
    softest: RgbImage,
    /// How many of its pixels one of the picture is.
    scale: f32,
}

impl Evened {
    pub(super) fn of(picture: &Picture) -> Self {
        let longer = picture.width().max(picture.height());
        let small;
        let (pixels, scale) = if longer > EVENED_SIDE {
            let scale = EVENED_SIDE as f32 / longer as f32;
            let side = |own: u32| ((own as f32 * scale) as u32).max(1);
            small = imageops::thumbnail(picture.pixels(), side(picture.width()), side(picture.height()));
            (&small, scale)
        } else {
            (picture.pixels(), 1.0)
        };
        let [sharp, soft, softest] = evened(pixels, [1, 2, 5]);
        Self {
            sharp,
            soft,
            softest,
            scale,
        }
    }
}

impl Reader {
    /// All lines as they are.
    pub(super) fn first_look(&self, picture: &Picture) -> Result<Vec<Line>, RunError> {
        let regions = self.regions(picture.pixels())?;
        let mut lines = self.lines(picture.pixels(), &regions)?;
        if !lines.is_empty() && mean_sure(&lines) < DOUBTFUL {
            let turned: Vec<Corners> = regions.iter().copied().map(turn).collect();
            let telling = self.lines(
                picture.pixels(),
                turned.get(..TELLING.min(turned.len())).unwrap_or_default(),
            )?;
            let own: Vec<Line> = lines.iter().take(telling.len()).cloned().collect();
            if mean_sure(&telling) > mean_sure(&own) + 0.1 {
                lines = self.lines(picture.pixels(), &turned)?;
            }
        }
        Ok(columns(lines))
    }

    /// Lines that are found in evened light, beside those known already; of one place the surer.
    pub(super) fn evened_look(&self, even: &Evened, known: Vec<Line>) -> Result<Vec<Line>, RunError> {
        let regions = self.regions(&even.soft)?;
        let mut lines = known;
        for mut line in columns(self.lines(&even.soft, &regions)?) {
            line.corners = line.corners.map(|(x, y)| (x / even.scale, y / even.scale));
            match lines
                .iter_mut()
                .find(|own| same_place(&own.corners, &line.corners))
            {
                Some(own) if line.sure() > own.sure() && line.read.len() >= own.read.len() => *own = line,
                Some(_) => {}
                None if line.sure() > FAINT => lines.push(line),
                None => {}
            }
        }
        Ok(lines)
    }

    /// A line again, in several versions that vote.
    pub(super) fn closer_look(
        &self,
        picture: &Picture,
        even: &Evened,
        line: &mut Line,
    ) -> Result<(), RunError> {
        let small = line.corners.map(|(x, y)| (x * even.scale, y * even.scale));
        let whole = |share: f32| Crop::of(picture.pixels(), &grown(&line.corners, share));
        let part = |pixels: &RgbImage, share: f32| Crop::of(pixels, &grown(&small, share));
        // What the detector draws around a line is wide; some read better when it is drawn tight.
        let versions = [
            whole(0.0),
            whole(TIGHT),
            whole(WIDE),
            stretched(&smoothed(&whole(TIGHT / 2.0))),
            part(&even.sharp, TIGHT),
            part(&even.soft, 0.0),
            part(&even.soft, TIGHT),
            part(&even.softest, TIGHT),
        ];
        let looks = versions
            .iter()
            .map(|version| recognise(&self.models, version, &self.options))
            .collect::<Result<Vec<_>, _>>()?;
        let read = vote(&looks, &self.models.head.characters);
        if !read.is_empty() {
            line.read = read;
        }
        Ok(())
    }

    /// Where lines are, each beginning where most of the text does.
    fn regions(&self, pixels: &RgbImage) -> Result<Vec<Corners>, RunError> {
        let found = detect(&self.models.detector, pixels, SIDE, &self.options)?;
        let corners: Vec<Corners> = found.into_iter().map(|region| region.corners).collect();
        let direction = main_direction(&corners);
        Ok(corners
            .into_iter()
            .map(|corners| facing(corners, direction))
            .collect())
    }

    fn lines(&self, pixels: &RgbImage, regions: &[Corners]) -> Result<Vec<Line>, RunError> {
        let mut lines = Vec::new();
        for corners in regions {
            let crop = Crop::of(pixels, corners);
            let read = recognise(&self.models, &crop, &self.options)?.greedy(&self.models.head.characters);
            let line = Line {
                corners: *corners,
                read,
            };
            if line.read.iter().any(|read| read.character != ' ') && line.sure() > NOISE {
                lines.push(line);
            }
        }
        Ok(lines)
    }
}

/// The direction of most of the text, right or down.
fn main_direction(lines: &[Corners]) -> f32 {
    // Doubled, so that both ways along a line are one.
    let (x, y) = lines.iter().fold((0.0, 0.0), |(x, y), corners| {
        let (width, height) = size(corners);
        let weight = (width - height).max(0.0);
        let doubled = angle(corners) * 2.0;
        (x + doubled.cos() * weight, y + doubled.sin() * weight)
    });
    if x == 0.0 && y == 0.0 {
        return 0.0;
    }
    y.atan2(x) / 2.0
}

/// The corners from that one on whose side runs most in this direction.
fn facing(corners: Corners, direction: f32) -> Corners {
    let [a, b, c, d] = corners;
    [[a, b, c, d], [b, c, d, a], [c, d, a, b], [d, a, b, c]]
        .into_iter()
        .max_by(|one, other| {
            let along = |corners: &Corners| (angle(corners) - direction).cos();
            along(one).total_cmp(&along(other))
        })
        .unwrap_or(corners)
}

fn turn([a, b, c, d]: Corners) -> Corners {
    [c, d, a, b]
}

/// Wider on all sides by a share of the height.
fn grown(corners: &Corners, share: f32) -> Corners {
    let (width, height) = size(corners);
    let (x, y) = centre(corners);
    let by = share * height;
    let (across, up) = (1.0 + 2.0 * by / width.max(1.0), 1.0 + 2.0 * by / height.max(1.0));
    let direction = angle(corners);
    let (sin, cos) = direction.sin_cos();
    corners.map(|(px, py)| {
        let (dx, dy) = (px - x, py - y);
        let (along, off) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let (along, off) = (along * across, off * up);
        (x + along * cos - off * sin, y + along * sin + off * cos)
    })
}

fn same_place(a: &Corners, b: &Corners) -> bool {
    let ((width, height), (other_width, other_height)) = (size(a), size(b));
    let near = distance(centre(a), centre(b));
    near < height.min(other_height) * 0.7 + (width - other_width).abs() / 2.0
        && near < width.max(other_width) / 2.0
}

fn mean_sure(lines: &[Line]) -> f32 {
    let characters: usize = lines.iter().map(|line| line.read.len()).sum();
    lines
        .iter()
        .map(|line| line.sure() * line.read.len() as f32)
        .sum::<f32>()
        / characters.max(1) as f32
}

/// Cuts lines whose words stand far apart.
fn columns(lines: Vec<Line>) -> Vec<Line> {
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
fn between([a, b, c, d]: &Corners, from: f32, to: f32) -> Corners {
    let at =
        |p: &(f32, f32), q: &(f32, f32), share: f32| (p.0 + (q.0 - p.0) * share, p.1 + (q.1 - p.1) * share);
    [at(a, b, from), at(a, b, to), at(d, c, to), at(d, c, from)]
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
