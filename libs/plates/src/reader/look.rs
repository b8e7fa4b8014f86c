//! The looks at a picture: the first one, one with evened light, and a closer one at a single line.

use image::{RgbImage, imageops};
use puente_ports::{TextLine, TextRead};
use rten::RunError;

use super::Reader;
use super::boxes::{facing, grown, main_direction, same_place, turn};
use super::columns::columns;
use crate::engine::crop::Crop;
use crate::engine::ctc::Read;
use crate::engine::detect::detect;
use crate::engine::enhance::{GAIN, evened, smoothed, stretched};
use crate::engine::plane::Plane;
use crate::engine::recognise::recognise;
use crate::engine::vote::vote;
use crate::geometry::Corners;
use crate::models::Recogniser;
use crate::{Found, Picture};

/// The shorter side of the copy in which lines are looked for.
const SIDE: u32 = 544;
/// A line that is read with less is noise.
const NOISE: f32 = 0.45;
/// A line that only evened light shows is one from here: grain looks like text there.
const FAINT: f32 = 0.55;
/// Below this mean confidence, the text may stand upside down.
const DOUBTFUL: f32 = 0.8;
/// The longer side of the copy whose light is evened.
const EVENED_SIDE: u32 = 1_600;
/// The longer side of the plate as if photographed from in front.
const FRONT_WIDTH: u32 = 1_000;
/// The shorter side of the copy of it in which lines are looked for: it fills the picture, and what was hard to find is blurred.
const FRONT_SIDE: u32 = 288;
/// How often its grain is smoothed before lines are looked for, and how much stronger differences may become then.
const FRONT_SMOOTHED: usize = 6;
const FRONT_GAIN: f32 = 8.0;
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
        let [sharp, soft, softest] = evened(pixels, [1, 2, 5], GAIN);
        Self {
            sharp,
            soft,
            softest,
            scale,
        }
    }
}

impl Reader {
    /// Where lines are, and all that can be read as they are.
    pub(super) fn first_look(&self, picture: &Picture) -> Result<(Vec<Corners>, Vec<Line>), RunError> {
        let regions = self.regions(picture.pixels(), SIDE)?;
        let plain = &self.models.plain;
        let mut lines = self.lines(plain, picture.pixels(), &regions)?;
        if !lines.is_empty() && mean_sure(&lines) < DOUBTFUL {
            let turned: Vec<Corners> = regions.iter().copied().map(turn).collect();
            let telling = self.lines(
                plain,
                picture.pixels(),
                turned.get(..TELLING.min(turned.len())).unwrap_or_default(),
            )?;
            let own: Vec<Line> = lines.iter().take(telling.len()).cloned().collect();
            if mean_sure(&telling) > mean_sure(&own) + 0.1 {
                lines = self.lines(plain, picture.pixels(), &turned)?;
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
        let mut lines = columns(self.lines(&self.models.worn, &even.soft, &regions)?);
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
    ) -> Result<Vec<Line>, RunError> {
        let (front, scale) = plane.front(picture.pixels(), FRONT_WIDTH);
        let [even] = evened(&front, [FRONT_SMOOTHED], FRONT_GAIN);
        let regions = self.regions(&even, FRONT_SIDE)?;
        let mut lines = columns(self.lines(&self.models.worn, &even, &regions)?);
        for line in &mut lines {
            line.corners = plane.seen(&line.corners, scale);
        }
        Ok(merged(known, lines))
    }

    /// Whether the model that learned of worn plates reads the likeliest serial number's line alike: a clear character may be
    /// clearly wrong.
    pub(super) fn agreed(&self, picture: &Picture, lines: &[Line], found: &Found) -> Result<bool, RunError> {
        let best = found.candidates.first();
        let line = best.and_then(|best| lines.iter().find(|line| line.corners == best.corners));
        let Some(line) = line else {
            return Ok(false);
        };
        let by = &self.models.worn;
        let crop = stretched(&Crop::of(picture.pixels(), &line.corners));
        let read = recognise(by, &crop, &self.options)?.greedy(&by.head.characters);
        let plain = |read: &[Read]| -> Vec<char> {
            let characters = read.iter().map(|read| read.character);
            characters.filter(char::is_ascii_alphanumeric).collect()
        };
        // The value stands at the end of its line.
        Ok(best.is_some_and(|best| {
            let serial: Vec<char> = best.serial.chars().filter(char::is_ascii_alphanumeric).collect();
            plain(&read).ends_with(&serial)
        }) || plain(&read) == plain(&line.read))
    }

    /// A line again, in several versions that vote.
    pub(super) fn closer_look(
        &self,
        picture: &Picture,
        even: &Evened,
        plane: Option<&Plane>,
        line: &mut Line,
    ) -> Result<(), RunError> {
        let own = plane.map_or(line.corners, |plane| plane.straightened(&line.corners));
        let small = own.map(|(x, y)| (x * even.scale, y * even.scale));
        let whole = |share: f32| Crop::of(picture.pixels(), &grown(&own, share));
        let part = |pixels: &RgbImage, share: f32| Crop::of(pixels, &grown(&small, share));
        // What the detector draws around a line is wide; some read better when it is drawn tight.
        let plain = [
            Crop::of(picture.pixels(), &line.corners),
            whole(TIGHT),
            whole(WIDE),
            part(&even.sharp, TIGHT),
            part(&even.soft, 0.0),
        ];
        let worn = [
            stretched(&whole(0.0)),
            stretched(&smoothed(&whole(TIGHT / 2.0))),
            stretched(&part(&even.sharp, TIGHT)),
            stretched(&part(&even.soft, 0.0)),
            stretched(&part(&even.soft, TIGHT)),
            stretched(&part(&even.softest, TIGHT)),
        ];
        let read = |by, version| recognise(by, version, &self.options);
        let looks = (plain.iter().map(|version| read(&self.models.plain, version)))
            .chain(worn.iter().map(|version| read(&self.models.worn, version)))
            .collect::<Result<Vec<_>, _>>()?;
        let read = vote(&looks, &self.models.plain.head.characters);
        if !read.is_empty() {
            line.read = read;
        }
        Ok(())
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

    fn lines(&self, by: &Recogniser, pixels: &RgbImage, regions: &[Corners]) -> Result<Vec<Line>, RunError> {
        let mut lines = Vec::new();
        for corners in regions {
            let crop = Crop::of(pixels, corners);
            let read = recognise(by, &crop, &self.options)?.greedy(&by.head.characters);
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

/// Known lines and further ones, of one place the surer.
fn merged(mut known: Vec<Line>, further: Vec<Line>) -> Vec<Line> {
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

fn mean_sure(lines: &[Line]) -> f32 {
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
