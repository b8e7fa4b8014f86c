//! Reading: plates drawn for this project, with their truth.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use image::{DynamicImage, ImageFormat};
use puente_plates::{Models, Patterns, Picture, Plate, Reader};
use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    plates: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    serial: String,
    difficulty: String,
    decoys: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn plates() -> Vec<Entry> {
    let text = std::fs::read_to_string(folder().join("manifest.json")).unwrap();
    serde_json::from_str::<Manifest>(&text).unwrap().plates
}

fn reader() -> &'static Reader {
    static READER: OnceLock<Reader> = OnceLock::new();
    READER.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let models = puente_embedded::Tools::new(root)
            .plate_models()
            .expect("run `make tools`");
        Reader::new(Arc::new(Models::load(&models).unwrap()))
    })
}

fn bytes(entry: &Entry) -> Vec<u8> {
    std::fs::read(folder().join(&entry.file)).unwrap()
}

fn read(bytes: &[u8], patterns: &[&str]) -> Plate {
    let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
    let picture = Picture::decode(bytes).unwrap();
    reader()
        .read(&picture, &Patterns::parse(&patterns).unwrap())
        .unwrap()
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn picked(plate: &Plate) -> String {
    plate
        .found
        .candidates
        .first()
        .map(|best| plain(&best.serial))
        .unwrap_or_default()
}

#[test]
fn of_twenty_plates_the_legible_ones_are_read_exactly_and_none_that_is_sure_is_wrong() {
    let mut right = 0;
    let mut missed = Vec::new();
    for entry in plates() {
        let plate = read(&bytes(&entry), &[]);
        let exact = picked(&plate) == plain(&entry.serial);
        let sure = plate.found.candidates.first().map_or(0.0, |best| best.confidence);
        assert!(
            exact || sure < 0.9,
            "{}: {} with {sure}",
            entry.file,
            picked(&plate)
        );
        if exact {
            right += 1;
        } else {
            missed.push((entry.file.clone(), entry.difficulty.clone()));
        }
        assert!(
            exact || entry.difficulty != "easy",
            "{}: {}",
            entry.file,
            picked(&plate)
        );
        assert!(
            !entry.decoys.iter().any(|decoy| plain(decoy) == picked(&plate)),
            "{}",
            entry.file
        );
    }
    assert!(right >= RIGHT, "{right} right, missed {missed:?}");
}

/// How many of the twenty are read exactly; six of them are blurred, dark or worn to the edge of what a person can read.
const RIGHT: usize = 16;

#[test]
fn a_plate_is_read_however_the_photograph_is_turned() {
    let entry = plates()
        .into_iter()
        .find(|entry| entry.difficulty == "easy")
        .unwrap();
    let upright = image::load_from_memory(&bytes(&entry)).unwrap();
    for (turned, name) in [
        (upright.rotate90(), "right"),
        (upright.rotate180(), "over"),
        (upright.rotate270(), "left"),
    ] {
        let mut jpeg = std::io::Cursor::new(Vec::new());
        DynamicImage::write_to(&turned, &mut jpeg, ImageFormat::Jpeg).unwrap();
        let plate = read(jpeg.get_ref(), &[]);
        assert_eq!(picked(&plate), plain(&entry.serial), "turned {name}");
        assert!(!plate.found.candidates[0].label.is_empty(), "turned {name}");
    }
}

#[test]
fn a_tenants_pattern_is_kept_to() {
    let entry = plates()
        .into_iter()
        .find(|entry| entry.difficulty == "easy")
        .unwrap();
    let own: String = entry
        .serial
        .chars()
        .map(|c| match c {
            'A'..='Z' => 'A',
            '0'..='9' => '9',
            sign => sign,
        })
        .collect();
    let fits = read(&bytes(&entry), &[&own]);
    assert_eq!(picked(&fits), plain(&entry.serial));
    let misfits = read(&bytes(&entry), &["99-99-99-99-99-99"]);
    let sure = misfits
        .found
        .candidates
        .first()
        .map_or(0.0, |best| best.confidence);
    assert!(sure < 0.9, "{sure}");
}

#[test]
fn a_picture_without_text_is_no_error() {
    let blank = DynamicImage::new_rgb8(640, 480);
    let mut png = std::io::Cursor::new(Vec::new());
    blank.write_to(&mut png, ImageFormat::Png).unwrap();
    let plate = read(png.get_ref(), &[]);
    assert!(plate.found.candidates.is_empty());
    let flaws: Vec<&str> = plate.flaws.iter().map(|flaw| flaw.as_str()).collect();
    assert!(flaws.contains(&"no_text") && flaws.contains(&"dark"), "{flaws:?}");
}

#[test]
fn models_that_are_not_the_pinned_ones_are_refused() {
    let error = Models::load(Path::new("/nonexistent")).err().unwrap().to_string();
    assert!(error.contains("PP-OCRv6"), "{error}");
}
