//! Pictures, and what engines answer to them.

use puente_ports::OcrProgress;

/// Whatever an engine answers: the same bytes give the same text, each character of it is rated, and nothing is surer
/// than sure. Each input goes to every engine of the registry.
pub(crate) fn answer(bytes: &[u8]) {
    for provider in puente_providers::with_capability("ocr") {
        let slug = &provider.manifest().slug;
        let outcomes = puente_providers::fuzz_read(slug, bytes);
        assert_eq!(puente_providers::fuzz_read(slug, bytes), outcomes, "{slug}");
        for outcome in outcomes {
            let Ok(OcrProgress::Done(text)) = outcome else {
                continue;
            };
            for line in text.lines {
                assert_eq!(line.text.chars().count(), line.characters.len(), "{slug}");
                let sure = |rating: &f32| (0.0..=1.0).contains(rating);
                assert!(
                    sure(&line.confidence) && line.characters.iter().all(sure),
                    "{slug}"
                );
            }
        }
    }
}

/// Whatever a file claims to be: it is decoded within the limits and can be sent on, or refused with a name.
pub(crate) fn picture(bytes: &[u8]) {
    match puente_plates::Picture::decode(bytes) {
        Ok(picture) => {
            assert!(picture.width().max(picture.height()) <= 4_096);
            let sent = picture.jpeg(64, 16 * 1024).unwrap();
            assert!(sent.len() <= 16 * 1024);
        }
        Err(refused) => assert!(!refused.code().is_empty()),
    }
}
