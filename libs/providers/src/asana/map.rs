//! Tasks to Asana's requests, and its answers to ours. Pure.

pub(super) mod grants;
mod refusals;

use puente_ports::{
    Connection, Manifest, NewTask, OutboundResponse, ProviderError, ProviderErrorKind, TaskRef,
};
use serde_json::Value;

pub(super) use self::refusals::EXTERNAL_REFUSED;
use self::refusals::refusal;
use super::wire;
use crate::kit::{MAX_ID, Place, asked, cut, flat, read, segment};

/// Longest external id, in characters.
const MAX_EXTERNAL: usize = 1024;
/// Longest title that is written. ASSUMED: Asana tells no limit, and lists show less.
const MAX_TITLE: usize = 500;
/// Longest notes that are written. ASSUMED, as above.
const MAX_NOTES: usize = 20_000;

/// Our reference as Asana keeps it: one app may serve several tenants, and references are unique in a tenant only.
pub(super) fn external(connection: &Connection, reference: &str) -> Result<String, ProviderError> {
    let external = format!("puente:{}:{reference}", connection.tenant);
    let fits = !reference.trim().is_empty() && external.chars().count() <= MAX_EXTERNAL;
    if fits && !reference.chars().any(char::is_control) {
        Ok(external)
    } else {
        Err(ProviderError::malformed(
            "the task's reference is empty or too long",
        ))
    }
}

/// The section that stands for a stage, if the connection says one.
pub(super) fn section<'a>(connection: &'a Connection, stage: &str) -> Result<Option<&'a str>, ProviderError> {
    let invalid = || {
        ProviderError::configuration(
            "setting_invalid",
            "setting `sections` is a list of texts <state>=<gid of the section>",
        )
    };
    let pairs: Vec<&Value> = match connection.settings.get("sections") {
        None => Vec::new(),
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
    };
    let mut found = None;
    for pair in pairs {
        let (of, gid) = pair
            .as_str()
            .and_then(|pair| pair.split_once('='))
            .ok_or_else(invalid)?;
        let gid = segment(gid.trim()).ok_or_else(invalid)?;
        if of.trim() == stage {
            found = found.or(Some(gid));
        }
    }
    Ok(found)
}

/// Who does it, as Asana takes it; an empty text is nobody.
pub(super) fn person(assignee: Option<&str>) -> Result<Option<&str>, ProviderError> {
    let person = assignee.map(str::trim).filter(|person| !person.is_empty());
    let fits = |person: &str| person.chars().count() <= MAX_ID && !person.chars().any(char::is_control);
    match person {
        Some(person) if !fits(person) => Err(ProviderError::malformed("the assignee is no id or address")),
        person => Ok(person),
    }
}

/// Notes as they are written.
pub(super) fn notes(notes: &str) -> String {
    cut(notes, MAX_NOTES)
}

/// The request for a new task.
pub(super) fn new_task<'a>(
    task: &'a NewTask,
    project: &'a str,
    section: Option<&'a str>,
    external: Option<String>,
) -> Result<wire::Data<wire::NewTask<'a>>, ProviderError> {
    let name = cut(&flat(&task.title), MAX_TITLE);
    if name.is_empty() {
        return Err(ProviderError::malformed("the task has no title"));
    }
    let data = wire::NewTask {
        name,
        notes: notes(&task.notes),
        projects: [project],
        memberships: section.map(|section| [wire::Membership { project, section }]),
        assignee: person(task.assignee.as_deref())?,
        external: external.map(|gid| wire::OurReference { gid }),
    };
    Ok(wire::Data { data })
}

/// The task of a creation.
pub(super) fn created(manifest: &Manifest, response: &OutboundResponse) -> Result<TaskRef, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let answer: wire::Answer = read(response, true)?;
    task(&answer.data.unwrap_or_default()).ok_or_else(|| {
        let kind = ProviderErrorKind::OutcomeUnknown;
        ProviderError::new(kind, "reply_unreadable", "the answer names no task")
    })
}

/// The task of an external id, if there is one.
pub(super) fn found(
    manifest: &Manifest,
    response: &OutboundResponse,
    external: &str,
) -> Result<Option<TaskRef>, ProviderError> {
    if response.status == http::StatusCode::NOT_FOUND && refusals::is_asanas(response) {
        return Ok(None);
    }
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    let answer: wire::Answer = read(response, false)?;
    let found = answer.data.unwrap_or_default();
    let other = found
        .external
        .as_ref()
        .is_some_and(|kept| kept.gid.as_str() != external);
    match task(&found) {
        Some(task) if !other => Ok(Some(task)),
        _ => Err(ProviderError::malformed(
            "the answer is not about the task that was asked for",
        )),
    }
}

/// Whether a change was made.
pub(super) fn changed(manifest: &Manifest, response: &OutboundResponse) -> Result<(), ProviderError> {
    if response.status.is_success() {
        Ok(())
    } else {
        Err(asked(refusal(manifest, response)))
    }
}

/// A task, if its id can be used. People follow its address, so it must be one of the web.
fn task(task: &wire::Task) -> Option<TaskRef> {
    let url = Some(task.permalink_url.as_str()).filter(|url| Place::parse(url).is_some());
    Some(TaskRef {
        task_id: segment(&task.gid)?.to_owned(),
        url: url
            .filter(|url| url.len() <= MAX_ID)
            .unwrap_or_default()
            .to_owned(),
    })
}
