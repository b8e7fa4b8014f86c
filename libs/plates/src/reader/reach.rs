//! Whether a line goes on behind where the detector cut it.
//!
//! Faint or overexposed text is found in parts, and a serial number's first half looks like a whole one. What stands behind the
//! line is read once more together with it; characters that follow closely are the line's.

use rten::RunError;

use super::Reader;
use super::columns::between;
use super::lines::Line;
use crate::Picture;
use crate::engine::crop::Crop;
use crate::engine::enhance::stretched;
use crate::engine::recognise::recognise;
use crate::geometry::{Corners, angle, centre, size};

/// How far behind a line is looked, in heights of it.
const FAR: f32 = 4.0;
/// Less room is no place for a character.
const LEAST: f32 = 0.5;
/// Characters of one word are no further apart, in heights of the line.
const CLOSE: f32 = 0.8;
/// Half a character, in heights.
const HALF: f32 = 0.4;
/// From here, a character is one.
const CLEAR: f32 = 0.6;

impl Reader {
    /// Lengthens a line by what follows it closely; other lines are left alone.
    pub(super) fn reach(
        &self,
        picture: &Picture,
        line: &mut Line,
        others: &[Corners],
    ) -> Result<(), RunError> {
        let (width, height) = size(&line.corners);
        let room = others
            .iter()
            .filter_map(|other| room_before(&line.corners, other))
            .fold(FAR * height, f32::min);
        if room < LEAST * height || width < height {
            return Ok(());
        }
        let share = (width + room) / width;
        let longer = between(&line.corners, 0.0, share);
        let crop = stretched(&Crop::of(picture.pixels(), &longer));
        let by = &self.models.worn;
        let read = recognise(by, &crop, &self.options)?.greedy(&by.head.characters);
        let end = 1.0 / share;
        let wide = height / (width + room);
        let own = read.iter().filter(|read| read.character != ' ' && read.at < end);
        let Some(mut last) = own.map(|read| read.at).max_by(f32::total_cmp) else {
            return Ok(());
        };
        let mut goes_on = false;
        for read in read.iter().filter(|read| read.character != ' ' && read.at >= end) {
            if read.at - last > CLOSE * wide || read.sure < CLEAR {
                break;
            }
            goes_on |= read.at > end + HALF / 2.0 * wide;
            last = read.at;
        }
        if goes_on {
            line.corners = between(&longer, 0.0, (last + HALF * wide).min(1.0));
        }
        Ok(())
    }
}

/// How much room there is between a line and one that stands behind it.
fn room_before(line: &Corners, other: &Corners) -> Option<f32> {
    let ((width, height), (other_width, other_height)) = (size(line), size(other));
    let (from, to) = (centre(line), centre(other));
    let (sin, cos) = angle(line).sin_cos();
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (along, off) = (dx * cos + dy * sin, (dy * cos - dx * sin).abs());
    let beside = off < (height + other_height) / 2.0 && along > width / 2.0;
    beside.then_some((along - (width + other_width) / 2.0 - 0.15 * height).max(0.0))
}
