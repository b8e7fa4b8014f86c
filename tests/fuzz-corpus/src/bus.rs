//! Messages from the broker, which every tenant's own publishers may reach.

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message};
use bytes::Bytes;
use puente_bus::Envelope;

/// What is read can be published again and read as the same. The input is a subject, headers line by line, an empty
/// line, and the payload.
pub(crate) fn envelope(bytes: &[u8]) {
    let mut rest = bytes;
    let subject = String::from_utf8_lossy(line(&mut rest)).into_owned();
    let mut headers = HeaderMap::new();
    loop {
        let line = line(&mut rest);
        if line.is_empty() {
            break;
        }
        let text = String::from_utf8_lossy(line).into_owned();
        let (name, value) = text.split_once(':').unwrap_or((text.as_str(), ""));
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.trim().parse::<HeaderValue>()) {
            headers.append(name, value);
        }
    }
    let Ok(first) = Envelope::read(&message(subject, headers, rest)) else {
        return;
    };
    let again = Envelope::read(&message(first.subject(), first.headers(), &first.payload)).unwrap();
    assert_eq!(
        (again.id, &again.tenant, again.event.name),
        (first.id, &first.tenant, first.event.name)
    );
    assert_eq!(
        (again.aggregate_version, &again.payload),
        (first.aggregate_version, &first.payload)
    );
}

fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let mut parts = rest.splitn(2, |byte| *byte == b'\n');
    let line = parts.next().unwrap_or_default();
    *rest = parts.next().unwrap_or_default();
    line
}

fn message(subject: String, headers: HeaderMap, payload: &[u8]) -> Message {
    Message {
        subject: subject.into(),
        reply: None,
        payload: Bytes::copy_from_slice(payload),
        headers: Some(headers),
        status: None,
        description: None,
        length: payload.len(),
    }
}
