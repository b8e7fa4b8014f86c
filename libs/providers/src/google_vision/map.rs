//! A picture to Google's request, its answers to lines of text, and its refusals to errors. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use puente_ports::{
    Manifest, OcrPicture, OcrProgress, OutboundResponse, ProviderError, ProviderErrorKind, TextLine, TextRead,
};

use super::wire;
use crate::kit::{Corners, MAX_LINES, Word, asked, classify, confidence, corners, line, printed, read};

/// The request for a picture.
pub(super) fn request<'a>(
    picture: &'a OcrPicture,
    feature: &'a str,
    model: Option<&'a str>,
) -> wire::Batch<'a> {
    let languages = Some(picture.language.as_str()).filter(|language| !language.is_empty());
    wire::Batch {
        requests: [wire::Request {
            image: wire::Image {
                content: STANDARD.encode(&picture.bytes),
            },
            features: [wire::Feature { kind: feature, model }],
            context: wire::Context {
                languages: languages.into_iter().collect(),
                text: wire::TextParams { confidence: true },
            },
        }],
    }
}

/// What Google read. The call succeeds as a whole also where the picture failed.
pub(super) fn answer(manifest: &Manifest, response: &OutboundResponse) -> Result<OcrProgress, ProviderError> {
    if !response.status.is_success() {
        let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
        return Err(refusal_of_call(
            manifest,
            response,
            &refusal.error.unwrap_or_default(),
        ));
    }
    let answers: wire::Answers = read(response, false)?;
    let first = answers.responses.and_then(|all| all.into_iter().next());
    let answer = first.ok_or_else(|| ProviderError::malformed("the answer holds no response"))?;
    if let Some(error) = &answer.error {
        return Err(refusal_of_picture(manifest, response, error));
    }
    let mut lines = Vec::new();
    match &answer.full {
        Some(full) => {
            let blocks = full.pages.iter().flat_map(|page| &page.blocks);
            for paragraph in blocks.flat_map(|block| &block.paragraphs) {
                lines.extend(paragraph_lines(paragraph));
            }
        }
        None => lines.extend(answer.whole.first().map(unrated).unwrap_or_default()),
    }
    lines.truncate(MAX_LINES);
    Ok(OcrProgress::Done(TextRead {
        lines,
        model: String::new(),
    }))
}

/// The lines of a paragraph: Google says after which symbols one ends.
fn paragraph_lines(paragraph: &wire::Paragraph) -> Vec<TextLine> {
    let (mut lines, mut words) = (Vec::new(), Vec::new());
    for found in &paragraph.words {
        let mut word = begin(found);
        for symbol in &found.symbols {
            let at = symbol.property.at.as_ref();
            if at.is_some_and(|at| at.before) {
                close(symbol, &mut word, &mut words, &mut lines);
                word = begin(found);
            }
            let rated = symbol.confidence.or(found.confidence);
            let rated = confidence(rated.map(|number| number.0));
            word.characters.extend(printed(&symbol.text).map(|c| (c, rated)));
            if at.is_some_and(|at| !at.before) {
                close(symbol, &mut word, &mut words, &mut lines);
                word = begin(found);
            }
        }
        // Without a break the next word touches this one: `AB` and `-7` are `AB-7`.
        if !word.characters.is_empty() {
            words.push(word);
        }
    }
    lines.extend(line(&words, None));
    lines
}

/// An empty word, rated and placed as Google's.
fn begin(found: &wire::Word) -> Word {
    let rated = found.confidence.or_else(|| {
        // Where only symbols are rated, the word is as sure as the least sure of them.
        let all = found.symbols.iter().map(|symbol| symbol.confidence);
        all.reduce(|a, b| if a?.0 <= b?.0 { a } else { b }).flatten()
    });
    Word {
        confidence: confidence(rated.map(|number| number.0)),
        corners: polygon(&found.place),
        ..Word::default()
    }
}

/// Ends a word at a break, and the line where the break ends it.
fn close(symbol: &wire::Symbol, word: &mut Word, words: &mut Vec<Word>, lines: &mut Vec<TextLine>) {
    let kind = symbol
        .property
        .at
        .as_ref()
        .map(|at| at.kind.as_str())
        .unwrap_or_default();
    // A hyphen at the end of a line stands in the picture, and not among the symbols.
    if kind == "HYPHEN" && !word.characters.is_empty() {
        word.characters.push(('-', word.confidence));
    }
    word.blank_after = matches!(kind, "SPACE" | "SURE_SPACE");
    let word = std::mem::take(word);
    if word.characters.is_empty() {
        if let (true, Some(last)) = (word.blank_after, words.last_mut()) {
            last.blank_after = true;
        }
    } else {
        words.push(word);
    }
    if matches!(kind, "LINE_BREAK" | "EOL_SURE_SPACE" | "HYPHEN") {
        lines.extend(line(words, None));
        words.clear();
    }
}

/// The whole text where nothing is said about its words: lines that nobody is sure of.
fn unrated(whole: &wire::Annotation) -> Vec<TextLine> {
    let place = polygon(&whole.place);
    let lines = whole.description.lines().filter_map(|text| {
        let words: Vec<Word> = text
            .split_whitespace()
            .map(|word| Word::rated(word, 0.0, None))
            .collect();
        line(&words, place)
    });
    lines.take(MAX_LINES).collect()
}

fn polygon(place: &wire::Poly) -> Option<Corners> {
    corners(place.vertices.iter().map(|vertex| (vertex.x.0, vertex.y.0)))
}

/// What a refusal of the call means. Google's reason says more than its status: a wrong key comes as INVALID_ARGUMENT.
fn refusal_of_call(manifest: &Manifest, response: &OutboundResponse, error: &wire::Status) -> ProviderError {
    let listed = |code: &str| {
        manifest
            .errors
            .iter()
            .any(|rule| rule.codes.iter().any(|c| c == code))
    };
    let reason = error
        .details
        .iter()
        .map(|detail| detail.reason.as_str())
        .find(|reason| listed(reason));
    let code = reason
        .or(Some(error.status.as_str()))
        .filter(|code| !code.is_empty());
    asked(classify(manifest, response, code, worded(&error.message)))
}

/// What a refusal of one picture means: the call itself was taken, so rights and keys are not the matter.
fn refusal_of_picture(
    manifest: &Manifest,
    response: &OutboundResponse,
    error: &wire::Status,
) -> ProviderError {
    let name = match error.code.0 {
        4.0 => "DEADLINE_EXCEEDED",
        8.0 => "RESOURCE_EXHAUSTED",
        13.0 => "INTERNAL",
        14.0 => "UNAVAILABLE",
        3.0 => "INVALID_ARGUMENT",
        5.0 => "NOT_FOUND",
        7.0 => "PERMISSION_DENIED",
        _ => "UNKNOWN",
    };
    let found = classify(manifest, response, Some(name), worded(&error.message));
    let kind = match found.kind() {
        kind @ (ProviderErrorKind::RateLimited { .. } | ProviderErrorKind::Unavailable { .. }) => {
            kind.clone()
        }
        _ => ProviderErrorKind::Rejected,
    };
    ProviderError::new(kind, name, found.detail())
}

fn worded(message: &str) -> &str {
    if message.is_empty() {
        "the answer gives no reason"
    } else {
        message
    }
}
