//! Pages as pictures.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings};
use puente_typeset::Templates;

use crate::sample::{contract, summary, templates, tenant};

/// Pixels per point.
const SCALE: f32 = 1.0;
/// Pixels per millimetre.
const MM: f32 = SCALE * 72.0 / 25.4;
/// A pixel darker than this is ink.
const INK: u8 = 200;

/// A page of grey values.
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Picture {
    fn ink(&self, x: usize, y: usize) -> bool {
        self.grey[y * self.width + x] < INK
    }

    /// How much of a rectangle is ink; from the upper left corner, in millimetres.
    fn inked(&self, left: f32, top: f32, width: f32, height: f32) -> usize {
        let range = |from: f32, length: f32, max: usize| {
            ((from * MM) as usize).min(max)..(((from + length) * MM) as usize).min(max)
        };
        range(top, height, self.height)
            .map(|y| range(left, width, self.width).filter(|x| self.ink(*x, y)).count())
            .sum()
    }

    /// Horizontal rules at least this many millimetres long: left end, row and length in pixels.
    fn rules(&self, length: f32) -> Vec<(usize, usize, usize)> {
        let least = (length * MM) as usize;
        let mut rules = Vec::new();
        for y in 0..self.height {
            let mut start = None;
            for x in 0..=self.width {
                match (x < self.width && self.ink(x, y), start) {
                    (true, None) => start = Some(x),
                    (false, Some(from)) => {
                        if x - from >= least {
                            rules.push((from, y, x - from));
                        }
                        start = None;
                    }
                    _ => {}
                }
            }
        }
        rules
    }
}

fn pictures(pdf: &[u8]) -> Vec<Picture> {
    let pdf = Pdf::new(pdf.to_vec()).expect("a PDF");
    let cache = RenderCache::new();
    let settings = RenderSettings {
        x_scale: SCALE,
        y_scale: SCALE,
        bg_color: WHITE,
        ..RenderSettings::default()
    };
    let render = |page| hayro::render(page, &cache, &InterpreterSettings::default(), &settings);
    pdf.pages().iter().map(|page| picture(&render(page))).collect()
}

fn picture(pixmap: &Pixmap) -> Picture {
    let grey = |(r, g, b): (u8, u8, u8)| ((u32::from(r) + u32::from(g) + u32::from(b)) / 3) as u8;
    Picture {
        width: pixmap.width().into(),
        height: pixmap.height().into(),
        grey: pixmap
            .data()
            .iter()
            .map(|pixel| grey((pixel.r, pixel.g, pixel.b)))
            .collect(),
    }
}

/// Nothing is printed where a printer or a binder takes its share.
pub(crate) fn assert_within_margins(pdf: &[u8]) {
    for (at, page) in pictures(pdf).iter().enumerate() {
        let (width, height) = (page.width as f32 / MM, page.height as f32 / MM);
        for (name, inked) in [
            ("left", page.inked(0.0, 0.0, 23.0, height)),
            ("right", page.inked(width - 23.0, 0.0, 23.0, height)),
            ("top", page.inked(0.0, 0.0, width, 8.0)),
            ("bottom", page.inked(0.0, height - 8.0, width, 8.0)),
        ] {
            assert_eq!(inked, 0, "ink in the {name} margin of page {}", at + 1);
        }
        assert!(
            page.inked(25.0, 10.0, width - 50.0, height - 20.0) > 500,
            "page {} is empty",
            at + 1
        );
    }
}

#[test]
fn pages_keep_their_margins_and_none_is_empty() {
    assert_within_margins(&templates().contract(&tenant(), &contract()).unwrap().pdf);
    assert_within_margins(&templates().summary(&tenant(), &summary()).unwrap().pdf);
}

#[test]
fn there_is_room_to_sign_above_three_lines_and_the_anchors_in_it_cannot_be_seen() {
    let rendered = templates().contract(&tenant(), &contract()).unwrap();
    let pages = pictures(&rendered.pdf);
    let page = pages.last().unwrap();
    let rules: Vec<_> = page
        .rules(40.0)
        .into_iter()
        .filter(|(_, _, length)| (*length as f32) < 60.0 * MM)
        .collect();
    let row = rules.first().expect("rules").1;
    let lines: Vec<_> = rules.iter().filter(|(_, y, _)| *y == row).collect();
    assert_eq!(lines.len(), 3, "one for each signer, in one row: {rules:?}");
    for (left, y, length) in lines {
        let (left, top) = (*left as f32 / MM, *y as f32 / MM - 15.0);
        assert_eq!(
            page.inked(left, top, *length as f32 / MM, 14.0),
            0,
            "the place to sign is not white"
        );
        assert!(
            page.inked(left, top + 16.0, 40.0, 6.0) > 50,
            "no name under the line"
        );
    }
}

#[test]
fn a_tenants_logo_is_drawn_in_the_letterhead() {
    let folder = tempfile::tempdir().unwrap();
    let acme = folder.path().join("acme");
    std::fs::create_dir(&acme).unwrap();
    std::fs::write(
        acme.join("brand.toml"),
        "format = 1\nname = \"Acme S. A. S.\"\nnit = \"900.1\"\n",
    )
    .unwrap();
    let svg =
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10"/></svg>"#;
    std::fs::write(acme.join("logo.svg"), svg).unwrap();
    let templates = Templates::open(Some(folder.path())).unwrap();
    let ours = pictures(&templates.contract(&tenant(), &contract()).unwrap().pdf);
    let theirs = pictures(
        &templates
            .contract(&"other".parse().unwrap(), &contract())
            .unwrap()
            .pdf,
    );
    let black = |pages: &[Picture]| pages[0].inked(25.0, 20.0, 15.0, 18.0) as f32 / (MM * MM);
    assert!(
        black(&ours) > 200.0,
        "a black square of 15 mm: {} mm²",
        black(&ours)
    );
    assert!(black(&theirs) < 60.0, "a name only: {} mm²", black(&theirs));
}
