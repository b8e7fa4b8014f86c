//! Photographs of serial plates and the equipment that they belong to, by what pages and programs know of them.

use std::time::Duration;

use puente_proto::ocr::{Attempt, Capture, GetCaptureRequest, GetCaptureResponse};
use puente_proto::orders::get_asset_request::Key;
use puente_proto::orders::{GetAssetRequest, GetAssetResponse};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::failure::Failure;
use super::questions::Ask;

/// How long whoever brought a photograph is kept waiting for its reading. After that it is read on all the same.
const PATIENCE: Duration = Duration::from_secs(12);
/// Time between two looks at a reading.
const EVERY: Duration = Duration::from_millis(300);
/// Characters of a serial at most, as it is asked for.
const LONGEST_SERIAL: usize = 40;
/// What can be wrong with a photograph.
pub(crate) const FLAWS: [&str; 6] = ["dark", "blurred", "glare", "cut_off", "far", "no_text"];

/// The capture of this id, with its attempts.
pub(crate) async fn capture(ask: Ask<'_>, id: &str) -> Result<(Capture, GetCaptureResponse), Failure> {
    Uuid::try_parse(id).map_err(|_| Failure::NotFound)?;
    let capture_id = id.to_owned();
    let found = ask.get_capture(GetCaptureRequest { capture_id }).await;
    let mut found = found.map_err(|status| Failure::of("ocr", &status))?;
    let capture = found.capture.take().ok_or(Failure::NotFound)?;
    Ok((capture, found))
}

/// The asset of this id or number, with its history in the answer.
pub(crate) async fn asset(ask: Ask<'_>, which: &str) -> Result<GetAssetResponse, Failure> {
    let key = if Uuid::try_parse(which).is_ok() {
        Key::AssetId(which.to_owned())
    } else if is_asset_number(which) {
        Key::Number(which.to_ascii_uppercase())
    } else {
        return Err(Failure::NotFound);
    };
    get(ask, key).await
}

/// The asset of this serial; `None` when there is none.
pub(crate) async fn of_serial(ask: Ask<'_>, serial: &str) -> Result<Option<GetAssetResponse>, Failure> {
    match get(ask, Key::Serial(serial.to_owned())).await {
        Ok(found) => Ok(Some(found)),
        // What cannot be a serial is nobody's.
        Err(Failure::NotFound | Failure::Invalid(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn get(ask: Ask<'_>, key: Key) -> Result<GetAssetResponse, Failure> {
    let found = ask.get_asset(GetAssetRequest { key: Some(key) }).await;
    let found = found.map_err(|status| Failure::of("orders", &status))?;
    if found.asset.is_some() {
        Ok(found)
    } else {
        Err(Failure::NotFound)
    }
}

/// Whether this is the number of an asset: `HV-000042`.
pub(crate) fn is_asset_number(text: &str) -> bool {
    text.len() <= 24
        && text.split_once('-').is_some_and(|(head, digits)| {
            head.eq_ignore_ascii_case("hv")
                && !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// Whether this may be the serial of something: letters and digits, of which one is a digit, and few marks between them.
pub(crate) fn may_be_serial(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.' | '_');
    (3..=LONGEST_SERIAL).contains(&text.len())
        && text.chars().all(known)
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether there is nothing more to wait for: its last photograph was read.
pub(crate) fn is_read(capture: &Capture) -> bool {
    capture.state != "Leyendo"
}

/// Waits until this attempt was read; what there is by then.
pub(crate) async fn settled(
    ask: Ask<'_>,
    capture: Capture,
    attempt: Attempt,
) -> Result<(Capture, Attempt), Failure> {
    let number = attempt.attempt;
    let (mut capture, mut attempt) = (capture, attempt);
    let end = Instant::now() + PATIENCE;
    while !is_read(&capture) && Instant::now() < end {
        sleep(EVERY).await;
        let (now, found) = match self::capture(ask, &capture.capture_id).await {
            Ok(found) => found,
            // The photograph is kept, and will be read: that is an answer as well.
            Err(failure) if failure.is_away() => break,
            Err(failure) => return Err(failure),
        };
        capture = now;
        let mut attempts = found.attempts.into_iter();
        if let Some(ours) = attempts.find(|one| one.attempt == number) {
            attempt = ours;
        }
    }
    Ok((capture, attempt))
}

/// A confidence as people read it: `95 %`, `81,5 %`.
pub(crate) fn percent(permille: u32) -> String {
    if permille.is_multiple_of(10) {
        format!("{} %", permille / 10)
    } else {
        format!("{},{} %", permille / 10, permille % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_has_no_needless_digits() {
        assert_eq!(
            [950, 815, 1000, 0].map(percent),
            ["95 %", "81,5 %", "100 %", "0 %"]
        );
    }

    #[test]
    fn numbers_of_assets_and_serials_are_told_from_other_texts() {
        assert!(is_asset_number("hv-000042") && !is_asset_number("HV-") && !is_asset_number("OT-000042"));
        assert!(may_be_serial("AC-7F3K-2O911") && may_be_serial("ABC123456"));
        for other in ["panadería 1", "ABC", "A1", "Ana Torres"] {
            assert!(!may_be_serial(other), "{other}");
        }
    }
}
