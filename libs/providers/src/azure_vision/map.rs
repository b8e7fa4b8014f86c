//! Azure's answers to lines of text, and its refusals to errors. Pure.

use std::time::Duration;

use puente_ports::{
    Manifest, OcrProgress, OutboundResponse, ProviderError, ProviderErrorKind, TextLine, TextRead,
};

use super::wire;
use crate::kit::{
    Corners, MAX_ID, MAX_LINES, Num, Word, asked, classify, confidence, corners, cut, line, printed, read,
};

/// Azure allows one question a second; reading a photo takes about so long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// What was not ready once is asked about less often: every question counts against the limit.
const NEXT_WAIT: Duration = Duration::from_secs(2);
/// Where Read 3.2 says how its operation is asked about.
const OPERATION_LOCATION: &str = "operation-location";

/// What Image Analysis 4.0 read.
pub(super) fn analysis(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<OcrProgress, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let analysis: wire::Analysis = read(response, false)?;
    // An empty list of blocks means a picture without text; no result at all is none.
    let result = analysis
        .read
        .ok_or_else(|| ProviderError::malformed("the answer holds no read result"))?;
    let lines = result
        .blocks
        .iter()
        .flat_map(|block| &block.lines)
        .filter_map(|found| {
            let words = found.words.iter().map(|word| {
                let place = polygon(&word.polygon);
                (word.text.as_str(), word.confidence, place)
            });
            text_line(&found.text, words.collect(), polygon(&found.polygon))
        });
    Ok(done(lines, &analysis.model))
}

/// The operation that Read 3.2 began.
pub(super) fn begun(manifest: &Manifest, response: &OutboundResponse) -> Result<OcrProgress, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let location = response.headers.get(OPERATION_LOCATION);
    let location = location.and_then(|value| value.to_str().ok()).unwrap_or_default();
    if location.is_empty() || location.len() > 4 * MAX_ID {
        return Err(ProviderError::malformed("the answer names no operation"));
    }
    Ok(OcrProgress::Pending {
        operation: location.to_owned(),
        wait: FIRST_WAIT,
    })
}

/// How a Read 3.2 operation fares.
pub(super) fn operation(
    manifest: &Manifest,
    response: &OutboundResponse,
    asked_with: &str,
) -> Result<OcrProgress, ProviderError> {
    if response.status.as_u16() == 404 {
        let detail = "the provider no longer knows the operation: the picture may be sent again";
        let kind = ProviderErrorKind::Unavailable { retry_after: None };
        return Err(ProviderError::new(kind, "operation_expired", detail));
    }
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let operation: wire::Operation = read(response, false)?;
    match operation.status.as_str() {
        "notStarted" | "running" => Ok(OcrProgress::Pending {
            operation: asked_with.to_owned(),
            wait: NEXT_WAIT,
        }),
        "succeeded" => {
            let result = operation.result.unwrap_or_default();
            let pages = result
                .pages
                .ok_or_else(|| ProviderError::malformed("the operation succeeded without a result"))?;
            let lines = pages.iter().flat_map(|page| &page.lines).filter_map(|found| {
                let words = found.words.iter().map(|word| {
                    let place = eight(&word.numbers);
                    (word.text.as_str(), word.confidence, place)
                });
                text_line(&found.text, words.collect(), eight(&found.numbers))
            });
            Ok(done(lines, &result.model))
        }
        "failed" => Err(ProviderError::new(
            ProviderErrorKind::Rejected,
            "read_failed",
            "the provider could not read the picture",
        )),
        _ => Err(ProviderError::malformed("the operation is in no known state")),
    }
}

fn done(lines: impl Iterator<Item = TextLine>, model: &str) -> OcrProgress {
    OcrProgress::Done(TextRead {
        lines: lines.take(MAX_LINES).collect(),
        model: cut(model, MAX_ID),
    })
}

/// A line as Azure writes it, each character rated as its word. Its own text says where blanks stand: in scripts that
/// have none, each character is a word.
fn text_line(
    text: &str,
    words: Vec<(&str, Option<Num>, Option<Corners>)>,
    place: Option<Corners>,
) -> Option<TextLine> {
    let rate = |given: Option<Num>| confidence(given.map(|number| number.0));
    let mut words: Vec<Word> = words
        .into_iter()
        .map(|(text, given, place)| Word::rated(text, rate(given), place))
        .collect();
    let told: String = printed(text).collect();
    let spelt: String = words
        .iter()
        .flat_map(|word| &word.characters)
        .map(|(c, _)| *c)
        .collect();
    if words.is_empty() {
        words.extend(
            text.split_whitespace()
                .map(|word| Word::rated(word, rate(None), None)),
        );
    } else if told == spelt {
        set_blanks(text, &mut words);
    }
    line(&words, place)
}

/// Takes from the line's own text after which words a blank stands.
fn set_blanks(text: &str, words: &mut [Word]) {
    let mut rest = text.trim_start();
    for word in words {
        for _ in &word.characters {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
            let mut characters = rest.chars();
            let _taken = characters.next();
            rest = characters.as_str();
        }
        word.blank_after = rest.starts_with(char::is_whitespace);
    }
}

fn polygon(points: &[wire::Point]) -> Option<Corners> {
    corners(points.iter().map(|point| (point.x.0, point.y.0)))
}

/// x1, y1 to x4, y4.
fn eight(numbers: &[Num]) -> Option<Corners> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    corners(pairs.iter().map(|[x, y]| (x.0, y.0)))
}

/// What a refusal means. The innermost code says most; gateways in front write the status as their code.
fn refusal(manifest: &Manifest, response: &OutboundResponse) -> ProviderError {
    let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let (outer, message, inner) = match refusal.error {
        Some(reason) => (reason.code.0, reason.message.0, reason.inner),
        None => (refusal.code.0, refusal.message.0, None),
    };
    let inner = inner.unwrap_or_default();
    let header = response.headers.get("x-ms-error-code");
    let header = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The free tier's month is used up: the status is the firewall's too, and only the words tell them apart.
    let used_up = response.status.as_u16() == 403 && message.contains("call volume quota");
    let code = if used_up {
        "OutOfCallVolume"
    } else {
        [inner.code.as_str(), outer.as_str(), header]
            .into_iter()
            .find(|code| !code.is_empty())
            .unwrap_or_default()
    };
    let detail = [inner.message.as_str(), message.as_str()]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("the answer gives no reason");
    let by_status = code.bytes().all(|b| b.is_ascii_digit());
    let looked_up = (!by_status).then_some(code);
    let error = asked(classify(manifest, response, looked_up, detail));
    let request = response.headers.get("apim-request-id");
    let request = request.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let proper =
        (1..=64).contains(&request.len()) && request.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if proper {
        let detail = format!("{} [Azure's request {request}]", error.detail());
        return ProviderError::new(error.kind().clone(), error.code(), detail);
    }
    error
}
