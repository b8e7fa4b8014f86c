//! A closer look at one line: in several versions that vote, and whether the model of worn plates reads it alike.

use image::RgbImage;
use rten::RunError;

use super::Reader;
use super::boxes::grown;
use super::columns::between;
use super::light::Evened;
use super::lines::Line;
use crate::engine::crop::Crop;
use crate::engine::ctc::Read;
use crate::engine::enhance::{smoothed, stretched};
use crate::engine::plane::Plane;
use crate::engine::recognise::recognise;
use crate::engine::vote::vote;
use crate::{Found, Picture};

/// How much tighter than the detector's box a line is cut, as a share of its height.
const TIGHT: f32 = -0.12;
pub(super) const SNUG: f32 = -0.06;
/// How much room stays in front of the middle of a value's first character, in widths of one.
const ROOM: f32 = 0.9;

impl Reader {
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

    /// The serial number's part of a line again, in several versions that vote. What stands in front of it stays as it was read.
    pub(super) fn look_at_value(
        &self,
        picture: &Picture,
        even: &Evened,
        plane: Option<&Plane>,
        line: &mut Line,
        serial: &str,
    ) -> Result<(), RunError> {
        let Some((first, from)) = begins(line, serial) else {
            return self.closer_look(picture, even, plane, line);
        };
        let mut value = Line {
            corners: between(&line.corners, from, 1.0),
            read: Vec::new(),
        };
        self.closer_look(picture, even, plane, &mut value)?;
        if !value.read.is_empty() {
            line.read.truncate(first);
            line.read.extend(value.read.into_iter().map(|read| Read {
                at: from + read.at * (1.0 - from),
                ..read
            }));
        }
        Ok(())
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
        // What the detector draws around a line is wide: it is read best when drawn tighter. The model of worn plates reads most
        // of what comes here better; the plain one has a voice where print is clear.
        let plain = [
            Crop::of(picture.pixels(), &line.corners),
            part(&even.sharp, TIGHT),
            part(&even.soft, TIGHT),
        ];
        let worn = [
            stretched(&whole(SNUG)),
            stretched(&whole(TIGHT)),
            stretched(&smoothed(&whole(TIGHT))),
            stretched(&part(&even.sharp, TIGHT)),
            stretched(&part(&even.soft, SNUG)),
            stretched(&part(&even.soft, TIGHT)),
            stretched(&part(&even.softest, SNUG)),
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
}

/// Where the serial number begins, when something stands in front of it: the place of its first character in what was read,
/// and in the line.
fn begins(line: &Line, serial: &str) -> Option<(usize, f32)> {
    let own: Vec<(usize, &Read)> = line
        .read
        .iter()
        .enumerate()
        .filter(|(_, read)| read.character != ' ')
        .collect();
    let length = serial.chars().count();
    let (before, value) = own.split_at_checked(own.len().checked_sub(length)?)?;
    let alike = value.iter().zip(serial.chars());
    let alike = alike
        .filter(|((_, read), c)| read.character.eq_ignore_ascii_case(c))
        .count();
    let ((_, last), (first, begin), (_, end)) = (before.last()?, value.first()?, value.last()?);
    if length < 4 || alike * 4 < length * 3 {
        return None;
    }
    let wide = (end.at - begin.at) / (length - 1) as f32;
    let from = (begin.at - ROOM * wide).max((begin.at + last.at) / 2.0);
    Some((*first, from.clamp(0.0, 1.0)))
}
