//! What is wrong with a photograph, so that the person can be told how to make a better one.

use image::{Rgb, imageops};
use puente_ports::TextRead;

use crate::Picture;
use crate::engine::enhance::mean;
use crate::geometry::{Corners, size};

/// What is wrong with a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    /// Too little light.
    Dark,
    /// Out of focus, or moved.
    Blurred,
    /// A reflection hides a part.
    Glare,
    /// Text runs out of the picture.
    CutOff,
    /// The plate is small in the picture.
    Far,
    /// No text was found.
    NoText,
}

impl Flaw {
    /// Its name, as it is stored and sent: `dark`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Blurred => "blurred",
            Self::Glare => "glare",
            Self::CutOff => "cut_off",
            Self::Far => "far",
            Self::NoText => "no_text",
        }
    }
}

/// The longer side of the copy that is looked at.
const SIDE: u32 = 640;
/// A picture whose brighter half is darker than this, of 255, is dark.
const DARK: f32 = 70.0;
/// A grey that says nothing any more.
const BURNT: f32 = 246.0;
/// So much of the picture may be burnt out.
const GLARE: f32 = 0.004;
/// Edges that rise slower than this are blurred: the strongest differences between neighbours, against those further apart.
const SHARP: f32 = 0.38;
/// Text lower than this share of the picture's shorter side is far.
const FAR: f32 = 0.022;
/// Lines read with less than this on the whole are hard to read.
const DOUBTFUL: f32 = 0.85;
/// Text nearer to the edge than this share of its height is cut off.
const EDGE: f32 = 0.1;

/// The flaws of a picture in which this text was found, the worst first.
#[must_use]
pub fn flaws(picture: &Picture, text: &TextRead) -> Vec<Flaw> {
    let mut found: Vec<(f32, Flaw)> = Vec::new();
    let mut note = |much: f32, flaw: Flaw| {
        if much > 1.0 {
            found.push((much, flaw));
        }
    };
    let grey = Grey::of(picture);
    let bright = grey.share_of_all(0.7);
    note(DARK / bright.max(1.0), Flaw::Dark);
    note(
        grey.burnt() / GLARE * if bright < 225.0 { 1.0 } else { 0.0 },
        Flaw::Glare,
    );
    note(SHARP / grey.sharpness().max(0.01), Flaw::Blurred);
    let shorter = picture.width().min(picture.height()) as f32;
    let mut heights: Vec<f32> = text.lines.iter().map(|line| size(&line.corners).1).collect();
    heights.sort_by(f32::total_cmp);
    if let Some(middle) = heights.get(heights.len() / 2) {
        note(FAR * shorter / middle.max(1.0), Flaw::Far);
        let cut = text.lines.iter().any(|line| touches_edge(picture, &line.corners));
        note(if cut { 1.5 } else { 0.0 }, Flaw::CutOff);
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut flaws: Vec<Flaw> = found.into_iter().map(|(_, flaw)| flaw).collect();
    let sure = text.lines.iter().map(|line| line.confidence).sum::<f32>() / text.lines.len().max(1) as f32;
    if flaws.is_empty() && !text.lines.is_empty() && sure < DOUBTFUL {
        // Hard to read, and not for light or distance.
        flaws.push(Flaw::Blurred);
    }
    if text.lines.is_empty() {
        // Why there is none is of more use than that there is none.
        flaws.push(Flaw::NoText);
    }
    flaws
}

fn touches_edge(picture: &Picture, corners: &Corners) -> bool {
    let margin = size(corners).1 * EDGE;
    let (right, bottom) = (picture.width() as f32 - margin, picture.height() as f32 - margin);
    corners
        .iter()
        .any(|(x, y)| *x < margin || *y < margin || *x > right || *y > bottom)
}

/// A small grey copy.
struct Grey {
    values: Vec<f32>,
    width: usize,
}

impl Grey {
    fn of(picture: &Picture) -> Self {
        let longer = picture.width().max(picture.height());
        let side =
            |own: u32| (u64::from(own) * u64::from(SIDE.min(longer)) / u64::from(longer)).max(1) as u32;
        let small = imageops::thumbnail(picture.pixels(), side(picture.width()), side(picture.height()));
        let grey = small
            .pixels()
            .map(|Rgb([r, g, b])| 0.3 * f32::from(*r) + 0.59 * f32::from(*g) + 0.11 * f32::from(*b));
        Self {
            values: grey.collect(),
            width: small.width() as usize,
        }
    }

    /// The grey that this share of all pixels is darker than.
    fn share_of_all(&self, share: f32) -> f32 {
        of_sorted(self.values.clone(), share)
    }

    fn burnt(&self) -> f32 {
        self.values.iter().filter(|value| **value >= BURNT).count() as f32 / self.values.len().max(1) as f32
    }

    /// How steep the steepest edges are: the difference over two pixels as a share of that over eight.
    fn sharpness(&self) -> f32 {
        let soft = mean(&self.values, self.width, 1);
        let steep = |reach: usize| {
            let differences = soft
                .chunks_exact(self.width.max(1))
                .flat_map(|row| row.iter().zip(row.iter().skip(reach)).map(|(a, b)| (a - b).abs()));
            of_sorted(differences.collect(), 0.99)
        };
        steep(2) / steep(8).max(1.0)
    }
}

fn of_sorted(mut values: Vec<f32>, share: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = (values.len() as f32 * share) as usize;
    values
        .get(at.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
