//! The record sheet of a piece of equipment (ORD-14).

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use puente_typeset::{
    SheetData, SheetFact, SheetFactKind, SheetOrigin, SheetPhoto, Templates, TypesetError, limits,
};
use time::macros::datetime;

use crate::reading::{Read, count};
use crate::sample::{templates, tenant};

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn fact(kind: SheetFactKind, serial: &str) -> SheetFact {
    SheetFact {
        at: datetime!(2026-11-24 20:12 UTC),
        kind,
        serial: serial.to_owned(),
        by: "contact".to_owned(),
        order_number: Some("OT-000042".to_owned()),
        data: [
            ("voltage".to_owned(), "220 V".to_owned()),
            ("model".to_owned(), String::new()),
        ]
        .into(),
    }
}

fn photo(bytes: Option<Vec<u8>>) -> SheetPhoto {
    SheetPhoto {
        name: "HV-000042-placa-1.jpg".to_owned(),
        sha256: HASH.to_owned(),
        bytes,
    }
}

fn sheet() -> SheetData {
    SheetData {
        number: "HV-000042".to_owned(),
        serial: "SN-4471/A".to_owned(),
        origin: SheetOrigin::Confirmed,
        confidence_permille: 957,
        by: "contact".to_owned(),
        order_number: Some("OT-000042".to_owned()),
        data: [
            ("brand".to_owned(), "Refrigeración Ñandú".to_owned()),
            ("voltage".to_owned(), "220 V".to_owned()),
            ("serial_of_board".to_owned(), "B-9".to_owned()),
        ]
        .into(),
        photos: vec![photo(Some(written(ImageFormat::Jpeg, 1_600, 900)))],
        more_photos: 0,
        history: vec![
            fact(SheetFactKind::Registered, "SN-4471/A"),
            fact(SheetFactKind::Mismatch, "SN-9999"),
        ],
        registered_at: datetime!(2026-11-20 14:05 UTC),
        as_of: datetime!(2026-11-26 02:40 UTC),
    }
}

/// A picture with something to see in it.
fn written(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let shade = |at: u32| u8::try_from(at % 251).unwrap();
    let picture = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([shade(x), shade(y), shade(x + y)])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn flat(data: &SheetData) -> String {
    Read::of(&templates().sheet(&tenant(), data).unwrap().pdf).flat()
}

#[test]
fn a_sheet_says_number_serial_origin_data_photographs_history_and_order() {
    let rendered = templates().sheet(&tenant(), &sheet()).unwrap();
    let read = Read::of(&rendered.pdf);
    let text = read.flat();
    for said in [
        "Hoja de vida del equipo",
        "HV-000042",
        "SN-4471/A",
        "Leído y confirmado",
        "95 %",
        "el contacto del chat",
        "OT-000042",
        "20 de noviembre de 2026, 09:05",
        "Marca",
        "Refrigeración Ñandú",
        "Serial of board",
        "HV-000042-placa-1.jpg",
        "Registro del equipo",
        "Una placa con otro serial",
        "Serial SN-9999",
        "Voltaje: 220 V",
        "Modelo: (se quitó)",
        "24 de noviembre de 2026, 15:12",
    ] {
        assert!(count(&text, said) > 0, "«{said}» is missing in {text}");
    }
    assert!(
        read.xmp.contains("<pdfaid:part>2</pdfaid:part>") && read.xmp.contains("2026-11-25T21:40:00-05:00")
    );
    assert!(
        rendered.pdf.windows(9).any(|part| part == b"DCTDecode"),
        "the photograph is in it"
    );
    assert!(!text.contains("no se puede mostrar"));
}

#[test]
fn the_same_data_gives_the_same_bytes_and_another_photograph_other_ones() {
    let (first, second) = (
        templates().sheet(&tenant(), &sheet()).unwrap(),
        templates().sheet(&tenant(), &sheet()).unwrap(),
    );
    assert_eq!(first.pdf, second.pdf);
    let mut other = sheet();
    other.photos[0].bytes = Some(written(ImageFormat::Jpeg, 1_600, 901));
    let other = templates().sheet(&tenant(), &other).unwrap();
    assert_ne!(first.document_id, other.document_id);
}

#[test]
fn photographs_of_all_kinds_are_printed_small_whatever_they_were() {
    let mut data = sheet();
    let transparent = DynamicImage::from(RgbaImage::from_pixel(300, 200, image::Rgba([200, 0, 0, 10])));
    let mut png = Cursor::new(Vec::new());
    transparent.write_to(&mut png, ImageFormat::Png).unwrap();
    data.photos = [
        written(ImageFormat::Jpeg, 4_000, 3_000),
        written(ImageFormat::Png, 2_000, 2_000),
        written(ImageFormat::WebP, 800, 600),
        png.into_inner(),
    ]
    .into_iter()
    .map(|bytes| photo(Some(bytes)))
    .collect();
    let rendered = templates().sheet(&tenant(), &data).unwrap();
    assert!(rendered.pdf.len() < 2_500_000, "{}", rendered.pdf.len());
    assert!(!Read::of(&rendered.pdf).flat().contains("no se puede mostrar"));
}

#[test]
fn a_photograph_that_was_taken_sideways_is_printed_upright() {
    // What a camera writes behind the first two bytes: "turn me by a quarter".
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let lying = written(ImageFormat::Jpeg, 40, 20);
    let turned = [&lying[..2], exif.as_slice(), &lying[2..]].concat();
    for (bytes, width, height) in [(lying, 40, 20), (turned, 20, 40)] {
        let mut data = sheet();
        data.photos = vec![photo(Some(bytes))];
        let pdf = templates().sheet(&tenant(), &data).unwrap().pdf;
        let has = |text: String| pdf.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(
            has(format!("/Width {width}")) && has(format!("/Height {height}")),
            "{width}"
        );
        assert!(
            !pdf.windows(4).any(|part| part == b"Exif"),
            "nothing of the file itself is in it"
        );
    }
}

#[test]
fn what_cannot_be_shown_is_said_and_stops_nothing() {
    let jpeg = written(ImageFormat::Jpeg, 200, 100);
    // A picture that says it is 30,000 × 30,000: its header is all that is looked at.
    let mut bomb = written(ImageFormat::Png, 2, 2);
    bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    for bytes in [
        None,
        Some(Vec::new()),
        Some(b"%PDF-1.7 not a picture".to_vec()),
        Some(jpeg[..60].to_vec()),
        Some(written(ImageFormat::Bmp, 20, 20)),
        Some(bomb),
    ] {
        let mut data = sheet();
        data.photos = vec![photo(bytes), photo(Some(jpeg.clone()))];
        let rendered = templates().sheet(&tenant(), &data).unwrap();
        let text = Read::of(&rendered.pdf).flat();
        assert_eq!(count(&text, "no se puede mostrar"), 1, "{text}");
        assert!(
            rendered.pdf.windows(9).any(|part| part == b"DCTDecode"),
            "the other one is shown"
        );
    }
}

#[test]
fn a_bare_sheet_leaves_out_what_it_does_not_know() {
    let mut data = sheet();
    (data.origin, data.confidence_permille) = (SheetOrigin::Generated, 0);
    (data.by, data.order_number) = (String::new(), None);
    data.data.clear();
    data.photos.clear();
    data.history.clear();
    let text = flat(&data);
    assert!(text.contains("Generado: la placa no se puede leer"));
    for absent in [
        "Confianza",
        "Verificado",
        "Orden",
        "Datos",
        "Fotografías",
        "Historial",
        "none",
    ] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn a_sheet_holds_as_much_as_its_limits_say_and_no_more() {
    let small = written(ImageFormat::Jpeg, 300, 300);
    let mut data = sheet();
    data.photos = vec![photo(Some(small)); limits::PHOTOS];
    data.more_photos = 3;
    data.history = vec![fact(SheetFactKind::Seen, "SN-1"); limits::FACTS];
    let text = flat(&data);
    assert_eq!(count(&text, "Placa leída de nuevo"), limits::FACTS);
    assert!(text.contains("Hay 3 fotografías más"));
    data.history.push(fact(SheetFactKind::Seen, ""));
    let refused = templates().sheet(&tenant(), &data).unwrap_err();
    assert!(matches!(refused, TypesetError::TooMany { field: "history", .. }));
    let mut data = sheet();
    data.photos = vec![photo(None); limits::PHOTOS + 1];
    let refused = templates().sheet(&tenant(), &data).unwrap_err();
    assert!(matches!(refused, TypesetError::TooMany { field: "photos", .. }));
    let mut data = sheet();
    data.photos[0].sha256 = "z".repeat(64);
    assert!(templates().sheet(&tenant(), &data).is_err());
}

#[test]
fn text_from_a_plate_is_printed_and_never_obeyed() {
    let mut data = sheet();
    data.serial = "#eval(1) $x$ *a* <b>".to_owned();
    data.data.insert(
        "note".to_owned(),
        "#image(\"/etc/passwd\") @x \\ \u{202e}".to_owned(),
    );
    let text = flat(&data);
    assert!(text.contains("#eval(1) $x$ *a* <b>") && text.contains("#image("));
}

#[test]
fn a_tenant_has_words_of_its_own_and_mistakes_in_them_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let acme = folder.path().join("acme");
    std::fs::create_dir(&acme).unwrap();
    let own = include_str!("../../texts/sheet.toml").replace("\"Marca\"", "\"Fabricante\"");
    std::fs::write(acme.join("sheet.toml"), &own).unwrap();
    let templates = Templates::open(Some(folder.path())).unwrap();
    let text = Read::of(&templates.sheet(&tenant(), &sheet()).unwrap().pdf).flat();
    assert!(text.contains("Fabricante") && !text.contains("Marca"));

    std::fs::write(acme.join("sheet.toml"), own.replace("seen = ", "sen = ")).unwrap();
    let problems = Templates::open(Some(folder.path())).unwrap_err();
    assert!(
        problems[0].file.ends_with("sheet.toml") && problems[0].line.is_some(),
        "{problems:?}"
    );
    std::fs::write(acme.join("sheet.toml"), own.replace("\"Modelo\"", "\" \"")).unwrap();
    let problems = Templates::open(Some(folder.path())).unwrap_err();
    assert!(problems[0].to_string().contains("is empty"), "{problems:?}");
}
