//! The looks at a whole picture: the first one, one with evened light, and one from in front.

use image::RgbImage;
use rten::RunError;

use super::Reader;
use super::boxes::{facing, grown, main_direction, same_place, turn};
use super::closer::SNUG;
use super::columns::columns;
use super::light::Evened;
use super::lines::{Line, mean_sure, merged};
use crate::Picture;
use crate::engine::crop::Crop;
use crate::engine::detect::detect;
use crate::engine::enhance::{evened, stretched};
use crate::engine::plane::Plane;
use crate::engine::recognise::recognise;
use crate::geometry::{Corners, size};
use crate::models::Recogniser;

/// The shorter side of the copy in which lines are looked for.
const SIDE: u32 = 544;
/// A line that is read with less is noise.
const NOISE: f32 = 0.45;
/// Below this mean confidence, the text may stand upside down.
const DOUBTFUL: f32 = 0.8;
/// The longer side of the plate as if photographed from in front.
const FRONT_WIDTH: u32 = 1_000;
/// How the plate is looked at from in front.
pub(super) struct Front {
    /// How often its grain is smoothed before lines are looked for.
    smoothed: usize,
    /// How much stronger differences become then.
    gain: f32,
    /// The shorter side of the copy in which lines are looked for: the plate fills it, and what was hard to find is blurred.
    side: u32,
}

pub(super) const FRONT: Front = Front {
    smoothed: 6,
    gain: 8.0,
    side: 288,
};
/// For plates on which that shows nothing: what suits one blurs another away.
pub(super) const OTHER_FRONTS: &[Front] = &[
    Front {
        smoothed: 12,
        gain: 10.0,
        side: 224,
    },
    Front {
        smoothed: 10,
        gain: 8.0,
        side: 320,
    },
];
/// A region that takes so much of the picture may be the plate.
const PLATE: std::ops::Range<f32> = 0.25..1.3;
/// How many lines tell which way is up.
const TELLING: usize = 3;

impl Reader {
    /// Where lines are, and all that can be read as they are.
    pub(super) fn first_look(&self, picture: &Picture) -> Result<(Vec<Corners>, Vec<Line>), RunError> {
        let regions = self.regions(picture.pixels(), SIDE)?;
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
        Ok((regions, columns(lines)))
    }

    /// Lines that are found in evened light, or were found before and not read, beside those known already; of one place the
    /// surer.
    pub(super) fn evened_look(
        &self,
        even: &Evened,
        found: &[Corners],
        known: Vec<Line>,
    ) -> Result<Vec<Line>, RunError> {
        let mut regions = self.regions(&even.soft, SIDE)?;
        for region in found {
            let region = region.map(|(x, y)| (x * even.scale, y * even.scale));
            if !regions.iter().any(|own| same_place(own, &region)) {
                regions.push(region);
            }
        }
        let mut lines = columns(self.worn_lines(&even.soft, &regions)?);
        for line in &mut lines {
            line.corners = line.corners.map(|(x, y)| (x / even.scale, y / even.scale));
        }
        Ok(merged(known, lines))
    }

    /// Lines of the plate as if photographed from in front, in evened light, beside those known already.
    pub(super) fn front_look(
        &self,
        picture: &Picture,
        plane: &Plane,
        known: Vec<Line>,
        front: &Front,
    ) -> Result<Vec<Line>, RunError> {
        let (seen, scale) = plane.front(picture.pixels(), FRONT_WIDTH);
        let [even] = evened(&seen, [front.smoothed], front.gain);
        let regions = self.regions(&even, front.side)?;
        let mut lines = columns(self.worn_lines(&even, &regions)?);
        for line in &mut lines {
            line.corners = plane.seen(&line.corners, scale);
        }
        Ok(merged(known, lines))
    }

    /// Where lines are, each beginning where most of the text does.
    fn regions(&self, pixels: &RgbImage, side: u32) -> Result<Vec<Corners>, RunError> {
        let found = detect(&self.models.detector, pixels, side, &self.options)?;
        let corners: Vec<Corners> = found.into_iter().map(|region| region.corners).collect();
        let direction = main_direction(&corners);
        Ok(corners
            .into_iter()
            .map(|corners| facing(corners, direction))
            .collect())
    }

    /// What the plain model reads of lines as the detector draws them.
    fn lines(&self, pixels: &RgbImage, regions: &[Corners]) -> Result<Vec<Line>, RunError> {
        self.read_all(&self.models.plain, regions, |corners| Crop::of(pixels, corners))
    }

    /// What the model of worn plates reads of lines that are drawn a little tighter.
    fn worn_lines(&self, pixels: &RgbImage, regions: &[Corners]) -> Result<Vec<Line>, RunError> {
        self.read_all(&self.models.worn, regions, |corners| {
            stretched(&Crop::of(pixels, &grown(corners, SNUG)))
        })
    }

    fn read_all(
        &self,
        by: &Recogniser,
        regions: &[Corners],
        crop: impl Fn(&Corners) -> Crop,
    ) -> Result<Vec<Line>, RunError> {
        let mut lines = Vec::new();
        for corners in regions {
            let read = recognise(by, &crop(corners), &self.options)?.greedy(&by.head.characters);
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

/// The region that the detector drew around the plate, where it took the plate for a line.
pub(super) fn plate_among(regions: &[Corners], picture: &Picture) -> Option<Corners> {
    let whole = picture.width() as f32 * picture.height() as f32;
    let part = |corners: &Corners| {
        let (width, height) = size(corners);
        width * height / whole.max(1.0)
    };
    regions
        .iter()
        .copied()
        .find(|corners| PLATE.contains(&part(corners)))
}
