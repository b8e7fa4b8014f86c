//! What Asana's refusals mean. It has no codes: statuses, and messages that begin with the field they are about.

use puente_ports::{ASSIGNEE_REFUSED, Manifest, OutboundResponse, ProviderError};

use crate::asana::wire;
use crate::kit::{classify, without_addresses};

/// The code of a refusal that is about our reference.
pub(in super::super) const EXTERNAL_REFUSED: &str = "external_refused";

/// The fields that a message may be about, the more telling first, and the codes that they make.
const FIELDS: [(&str, &str); 7] = [
    ("external", EXTERNAL_REFUSED),
    ("assignee", ASSIGNEE_REFUSED),
    ("section", "section_refused"),
    ("memberships", "project_refused"),
    ("project", "project_refused"),
    ("projects", "project_refused"),
    ("workspace", "workspace_refused"),
];

/// What a refusal means.
pub(in super::super) fn refusal(manifest: &Manifest, response: &OutboundResponse) -> ProviderError {
    let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let first = refusal.errors.first();
    let message = first.map_or(refusal.description.as_str(), |problem| problem.message.as_str());
    // Only where the request itself is the trouble does a field say more than the status.
    let about = matches!(response.status.as_u16(), 400 | 403 | 404 | 409 | 422);
    let code = if refusal.error.is_empty() {
        about.then(|| code(&refusal.errors)).flatten()
    } else {
        Some(refusal.error.as_str())
    };
    let phrase = first.map(|problem| phrase(&problem.phrase)).unwrap_or_default();
    classify(manifest, response, code, &format!("{}{phrase}", told(message)))
}

/// Whether an answer is Asana's own, and not of something in front of it.
pub(in super::super) fn is_asanas(response: &OutboundResponse) -> bool {
    let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    refusal.errors.iter().any(|problem| !problem.message.is_empty())
}

/// The code of the field that the messages are about: `memberships: [0]: section: Not a recognized ID: 7` is about the
/// section. How Asana words a reference that is taken is not documented, so any mention of it that names no other field
/// counts.
fn code(problems: &[wire::Problem]) -> Option<&'static str> {
    let messages = problems
        .iter()
        .map(|problem| problem.message.to_ascii_lowercase());
    let messages: Vec<String> = messages.collect();
    let about = |field: &str| {
        let names =
            |part: &str| part == field || part.strip_prefix(field).is_some_and(|sub| sub.starts_with('.'));
        messages
            .iter()
            .any(|message| message.split(':').map(str::trim).any(names))
    };
    let named = FIELDS
        .iter()
        .find(|(field, _)| about(field))
        .map(|(_, code)| *code);
    let mentioned = messages.iter().any(|message| message.contains("external"));
    named.or(mentioned.then_some(EXTERNAL_REFUSED))
}

/// A message without the value that it refuses, which may tell of a person: `assignee: Not an email: ana@…`.
fn told(message: &str) -> String {
    let kept: Vec<&str> = message.split(':').map(str::trim).take(2).collect();
    let kept = without_addresses(&kept.join(": "));
    if kept.is_empty() {
        "the answer gives no reason".to_owned()
    } else {
        kept
    }
}

/// By what Asana's support finds the call.
fn phrase(phrase: &str) -> String {
    let proper = (1..=80).contains(&phrase.len())
        && phrase
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" -".contains(&b));
    if proper {
        format!(" [Asana's phrase: {phrase}]")
    } else {
        String::new()
    }
}
