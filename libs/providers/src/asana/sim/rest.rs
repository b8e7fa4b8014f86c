//! The interface: tasks and sections.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::board::{Board, Task};
use super::caller::Caller;
use super::hooks::{self, Told, US};
use super::{SIMULATOR, SLUG, allows, entries, refuse};
use crate::sim::{Effect, Hub, Limit, Simulator as _, reply};

type Asked = Query<BTreeMap<String, String>>;
/// A refusal as status and message.
type Refused = (u16, String);

pub(super) async fn create(
    State(hub): State<Hub>,
    caller: Caller,
    Query(asked): Asked,
    body: Bytes,
) -> Response {
    let data = match data(&body) {
        Ok(data) => data,
        Err((status, message)) => return refuse(status, &message),
    };
    let mut task = match intake(&hub, &caller, &data) {
        Ok(task) => task,
        Err((status, message)) => return refuse(status, &message),
    };
    let board = hub.own::<Board>();
    let mut shelf = board.shelf();
    let repeat = task.external.as_ref().is_some_and(|external| {
        let same = |other: &Task| other.app == task.app && other.external.as_ref() == Some(external);
        shelf.tasks.values().any(same)
    });
    match caller.account.setting("external_repeat", "403") {
        "allow" => {}
        status if repeat => {
            let message = "external: An object with this external gid exists already";
            return refuse(status.parse().unwrap_or(403), message);
        }
        _ => {}
    }
    let gid = shelf.next_gid();
    task.gid = gid.to_string();
    let effect = Effect {
        operation: "tasks.create",
        recipient: task.project.clone(),
        text: task.name.clone(),
        reference: task.external.clone(),
        idempotency_key: task.external.clone(),
        provider_message_id: task.gid.clone(),
        ..Effect::default()
    };
    if let Err(refused) = carry_out(&hub, &caller, effect) {
        return *refused;
    }
    let shown = task.shown(caller.app.as_deref(), fields(&asked));
    hooks::tell(&hub, &task, US, Told::of("added"));
    shelf.put(gid, task);
    reply(201, &json!({ "data": shown }))
}

pub(super) async fn show(
    State(hub): State<Hub>,
    caller: Caller,
    Path(named): Path<String>,
    Query(asked): Asked,
) -> Response {
    let board = hub.own::<Board>();
    let mut shelf = board.shelf();
    let app = caller.app.as_deref();
    match shelf.named(&caller.account.account, app, &named) {
        Some(task) => reply(200, &json!({"data": task.shown(app, fields(&asked))})),
        None => unknown(&named),
    }
}

pub(super) async fn update(
    State(hub): State<Hub>,
    caller: Caller,
    Path(named): Path<String>,
    Query(asked): Asked,
    body: Bytes,
) -> Response {
    let data = match data(&body) {
        Ok(data) => data,
        Err((status, message)) => return refuse(status, &message),
    };
    let board = hub.own::<Board>();
    let mut shelf = board.shelf();
    let app = caller.app.as_deref();
    let Some(task) = shelf.named(&caller.account.account, app, &named) else {
        return unknown(&named);
    };
    let mut changed = task.clone();
    if let Err((status, message)) = write(&caller, &data, &mut changed) {
        return refuse(status, &message);
    }
    let news: Vec<&str> = [
        ("name", changed.name != task.name),
        ("notes", changed.notes != task.notes),
        ("assignee", changed.assignee != task.assignee),
        ("completed", changed.completed != task.completed),
    ]
    .into_iter()
    .filter_map(|(field, is_new)| is_new.then_some(field))
    .collect();
    if !news.is_empty() {
        let effect = Effect {
            text: news.join(","),
            ..of_task("tasks.update", task)
        };
        if let Err(refused) = carry_out(&hub, &caller, effect) {
            return *refused;
        }
        changed.modified = hub.now();
        *task = changed;
        for field in news {
            hooks::tell(&hub, task, US, Told::field(field));
        }
    }
    reply(200, &json!({"data": task.shown(app, fields(&asked))}))
}

pub(super) async fn delete(State(hub): State<Hub>, caller: Caller, Path(named): Path<String>) -> Response {
    let board = hub.own::<Board>();
    let mut shelf = board.shelf();
    let found = shelf.named(&caller.account.account, caller.app.as_deref(), &named);
    let Some(gid) = found.and_then(|task| task.gid.parse::<u64>().ok()) else {
        return unknown(&named);
    };
    if let Some(task) = shelf.tasks.remove(&gid) {
        hooks::tell(&hub, &task, US, Told::of("deleted"));
    }
    reply(200, &json!({"data": {}}))
}

pub(super) async fn add_to_section(
    State(hub): State<Hub>,
    caller: Caller,
    Path(section): Path<String>,
    body: Bytes,
) -> Response {
    let data = match data(&body) {
        Ok(data) => data,
        Err((status, message)) => return refuse(status, &message),
    };
    if !allows(&caller.account, "sections", &section) {
        return refuse(404, &format!("section: Unknown object: {section}"));
    }
    let named = data.get("task").and_then(Value::as_str).unwrap_or_default();
    if named.is_empty() {
        return refuse(400, "task: Missing input");
    }
    let board = hub.own::<Board>();
    let mut shelf = board.shelf();
    let Some(task) = shelf.named(&caller.account.account, caller.app.as_deref(), named) else {
        return refuse(400, &format!("task: Unknown object: {named}"));
    };
    if task.section.as_deref() != Some(section.as_str()) {
        let effect = Effect {
            text: section.clone(),
            ..of_task("sections.add_task", task)
        };
        if let Err(refused) = carry_out(&hub, &caller, effect) {
            return *refused;
        }
        task.section = Some(section);
        task.modified = hub.now();
        hooks::tell(&hub, task, US, Told::of("added"));
    }
    reply(200, &json!({"data": {}}))
}

pub(super) async fn me(caller: Caller) -> Response {
    let workspace = json!({"gid": caller.account.account, "resource_type": "workspace", "name": "Acme"});
    let user = json!({"gid": US, "resource_type": "user", "name": "Ana Ruiz", "email": "ana@example.test",
        "workspaces": [workspace]});
    reply(200, &json!({ "data": user }))
}

/// A new task, as far as the request is right.
fn intake(hub: &Hub, caller: &Caller, data: &Value) -> Result<Task, Refused> {
    let account = &caller.account;
    let text = |path: &str| data.pointer(path).and_then(Value::as_str);
    let Some(project) = text("/projects/0").or_else(|| text("/memberships/0/project")) else {
        return Err((400, "workspace: Missing input".to_owned()));
    };
    if !allows(account, "project", project) {
        let others = hub.accounts(SLUG);
        let foreign = others.iter().any(|other| other.setting("project", "") == project);
        return Err(if foreign {
            (403, "project: You do not have access to this project".to_owned())
        } else {
            (400, format!("project: Unknown object: {project}"))
        });
    }
    let section = text("/memberships/0/section");
    if let Some(section) = section.filter(|section| !allows(account, "sections", section)) {
        return Err((
            400,
            format!("memberships: [0]: section: Unknown object: {section}"),
        ));
    }
    let external = text("/external/gid");
    if external.is_some() && caller.app.is_none() {
        return Err((
            403,
            "external: Custom external data needs an OAuth token".to_owned(),
        ));
    }
    if external.is_some_and(|gid| gid.chars().count() > 1024) {
        return Err((400, "external: gid: Too long".to_owned()));
    }
    let first = || entries(account.setting("sections", "")).next();
    let now = hub.now();
    let mut task = Task {
        gid: String::new(),
        account: account.account.clone(),
        name: String::new(),
        notes: String::new(),
        project: project.to_owned(),
        section: section.or_else(first).map(str::to_owned),
        assignee: None,
        completed: false,
        external: external.map(str::to_owned),
        app: external.and(caller.app.clone()),
        external_data: text("/external/data").map(str::to_owned),
        created: now,
        modified: now,
    };
    write(caller, data, &mut task)?;
    Ok(task)
}

/// Writes the fields that are given.
fn write(caller: &Caller, data: &Value, task: &mut Task) -> Result<(), Refused> {
    let wrong = |field: &str| (400, format!("{field}: Value is not of the right type"));
    for (field, place) in [("name", &mut task.name), ("notes", &mut task.notes)] {
        match data.get(field) {
            None => {}
            Some(Value::String(text)) => place.clone_from(text),
            Some(_) => return Err(wrong(field)),
        }
    }
    match data.get("completed") {
        None => {}
        Some(Value::Bool(done)) => task.completed = *done,
        Some(_) => return Err(wrong("completed")),
    }
    match data.get("assignee") {
        None => {}
        Some(Value::Null) => task.assignee = None,
        Some(Value::String(person)) if allows(&caller.account, "people", person) => {
            task.assignee = Some(person.clone());
        }
        Some(Value::String(person)) => {
            return Err((400, format!("assignee: Not a recognized ID: {person}")));
        }
        Some(_) => return Err(wrong("assignee")),
    }
    Ok(())
}

fn of_task(operation: &'static str, task: &Task) -> Effect {
    Effect {
        operation,
        recipient: task.gid.clone(),
        reference: task.external.clone(),
        ..Effect::default()
    }
}

fn carry_out(hub: &Hub, caller: &Caller, effect: Effect) -> Result<(), Box<Response>> {
    match hub.carry_out(SLUG, &caller.account, effect) {
        Ok(_) => Ok(()),
        Err(Limit::JournalFull) => Err(Box::new(refuse(500, "The simulator's journal is full"))),
        Err(_) => Err(Box::new(SIMULATOR.rate_limited(Some(1)))),
    }
}

fn data(body: &[u8]) -> Result<Value, Refused> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| (400, "Could not parse request data, invalid JSON".to_owned()))?;
    match body.get("data") {
        Some(data @ Value::Object(_)) => Ok(data.clone()),
        _ => Err((400, "data: Missing input".to_owned())),
    }
}

fn unknown(named: &str) -> Response {
    refuse(404, &format!("task: Unknown object: {named}"))
}

fn fields(asked: &BTreeMap<String, String>) -> Option<&str> {
    asked.get("opt_fields").map(String::as_str)
}
