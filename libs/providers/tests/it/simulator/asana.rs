//! The Asana adapter against its simulator: tasks, limits, cuts and grants, over real connections.

mod exchanges;
mod grants;
mod hooks;
mod refusals;
mod tasks;

use puente_ports::{CallCtx, Connection, ProviderError, TaskChange, TaskManager, TaskRef};
use puente_providers::asana::sim::{Task, tasks as board};
use puente_providers::find;
use puente_providers::sim::{Account, Entry};
use puente_types::Secret;

use super::stage::Stage;
use crate::conformance::task::task;
use crate::support::DEADLINE;

const SLUG: &str = "asana";
/// Our reference as Asana keeps it.
const EXTERNAL: &str = "puente:acme:order:812";

fn manager() -> &'static dyn TaskManager {
    find(SLUG).unwrap().task().unwrap()
}

fn call<'a>(stage: &'a Stage, connection: &'a Connection) -> CallCtx<'a> {
    CallCtx {
        connection,
        http: &stage.http,
        idempotency_key: "effect-1",
        deadline: DEADLINE,
        traceparent: None,
    }
}

/// The account of the fixtures, changed as the test wants it.
fn put(stage: &Stage, change: impl FnOnce(Account) -> Account) {
    stage.hub.put_account(SLUG, change(Stage::account(SLUG)));
}

/// The connection of the fixtures with other settings.
fn connected(stage: &Stage, settings: &[(&str, &str)]) -> Connection {
    let mut connection = stage.connection(SLUG);
    for (name, value) in settings {
        connection.settings.insert((*name).to_owned(), (*value).into());
    }
    connection
}

/// The connection with another access token.
fn with(connection: &Connection, access: &Secret) -> Connection {
    let mut connection = connection.clone();
    let others = connection
        .secrets
        .iter()
        .filter(|(name, _)| *name != "access_token");
    let others: Vec<_> = others
        .map(|(name, secret)| (name.to_owned(), secret.clone()))
        .collect();
    let access = [("access_token".to_owned(), access.clone())];
    connection.secrets = others.into_iter().chain(access).collect();
    connection
}

async fn create(stage: &Stage, connection: &Connection) -> Result<TaskRef, ProviderError> {
    manager().create(call(stage, connection), &task()).await
}

async fn found(stage: &Stage, connection: &Connection) -> Option<TaskRef> {
    manager()
        .find(call(stage, connection), "order:812")
        .await
        .unwrap()
}

async fn change(
    stage: &Stage,
    connection: &Connection,
    task: &TaskRef,
    change: &TaskChange,
) -> Result<(), ProviderError> {
    manager()
        .change(call(stage, connection), &task.task_id, change)
        .await
}

/// What the simulator carried out, as operation and what it was about.
fn carried_out(stage: &Stage) -> Vec<(&'static str, String)> {
    let entries = stage.hub.journal(SLUG).into_iter();
    entries.map(|entry| (entry.operation, entry.text)).collect()
}

/// The tasks that were made.
fn made(stage: &Stage) -> Vec<Entry> {
    let mut entries = stage.hub.journal(SLUG);
    entries.retain(|entry| entry.operation == "tasks.create");
    entries
}

/// The one task there is.
fn only(stage: &Stage) -> Task {
    let mut all = board(&stage.hub);
    assert_eq!(all.len(), 1);
    all.remove(0)
}
