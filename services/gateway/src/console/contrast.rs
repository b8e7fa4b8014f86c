//! Holds the colours of `tokens.css` to what eyes need: every pair that is used, in both themes.

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("../../assets/tokens.css");
/// Text on what lies below it.
const TEXT: f64 = 4.5;
/// Outlines, rings, marks in charts.
const SHAPE: f64 = 3.0;
const FAMILIES: [&str; 6] = ["rest", "wait", "good", "warn", "bad", "doubt"];
const SURFACES: [&str; 3] = ["page", "surface", "sunken"];

type Themes = BTreeMap<String, [u32; 2]>;

fn tokens() -> Themes {
    let mut found = Themes::new();
    for line in TOKENS.lines() {
        let Some((name, value)) = line
            .trim()
            .strip_prefix("--")
            .and_then(|line| line.split_once(": "))
        else {
            continue;
        };
        let Some(pair) = value
            .strip_prefix("light-dark(#")
            .and_then(|value| value.strip_suffix(");"))
        else {
            continue;
        };
        let (light, dark) = pair.split_once(", #").unwrap();
        let colour = |hex: &str| u32::from_str_radix(hex, 16).unwrap();
        found.insert(name.to_owned(), [colour(light), colour(dark)]);
    }
    found
}

fn luminance(colour: u32) -> f64 {
    let part = |shift: u32| {
        let value = f64::from(colour >> shift & 0xff) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
}

fn contrast(one: u32, other: u32) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Every pair that is used, with the least that it must reach.
fn pairs() -> Vec<(String, String, f64)> {
    let mut all = Vec::new();
    let mut add = |front: &str, back: &str, least| all.push((front.to_owned(), back.to_owned(), least));
    for surface in SURFACES {
        for text in ["text", "text-2", "text-3", "accent", "accent-hover"] {
            add(text, surface, TEXT);
        }
        add("focus", surface, SHAPE);
        add("line-control", surface, SHAPE);
    }
    for back in ["hover", "selected"] {
        for text in ["text", "text-2", "accent"] {
            add(text, back, TEXT);
        }
    }
    add("on-accent", "accent", TEXT);
    add("on-accent", "accent-hover", TEXT);
    for family in FAMILIES {
        let ink = format!("{family}-ink");
        add(&ink, &format!("{family}-tint"), TEXT);
        add(&ink, "surface", TEXT);
        add(&format!("{family}-solid"), "surface", SHAPE);
    }
    for series in ["c1", "c2", "c3", "c4"] {
        add(series, "surface", SHAPE);
    }
    all
}

#[test]
fn every_pair_of_colours_that_is_used_can_be_read_in_both_themes() {
    let tokens = tokens();
    let mut poor = Vec::new();
    for (front, back, least) in pairs() {
        for (theme, (one, other)) in ["light", "dark"]
            .iter()
            .zip(tokens[&front].iter().zip(tokens[&back]))
        {
            let reached = contrast(*one, other);
            if reached < least {
                poor.push(format!("{front} on {back}, {theme}: {reached:.2} < {least}"));
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}

#[test]
fn no_colour_is_without_a_pair() {
    let pairs = pairs();
    for name in tokens().keys().filter(|name| *name != "line") {
        let used = pairs.iter().any(|(front, back, _)| front == name || back == name);
        assert!(used, "--{name} is in no pair");
    }
}

#[test]
fn the_measure_is_the_one_of_wcag() {
    assert!((contrast(0x00_0000, 0xff_ffff) - 21.0).abs() < 0.01);
    assert!((contrast(0x77_7777, 0xff_ffff) - 4.48).abs() < 0.01);
}
