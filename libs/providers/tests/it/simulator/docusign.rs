//! The DocuSign adapter against its simulator: envelopes, Connect, grants, limits and cuts, over real connections.

mod connect;
mod envelopes;
mod grants;
mod other_server;

use http::Method;
use puente_ports::{CallCtx, Connection, CreatedEnvelope, NewEnvelope, OAuthProvider, SignatureProvider};
use puente_providers::find;
use puente_providers::sim::{Account, Entry};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::conformance::signature::envelope;
use crate::support::DEADLINE;

const SLUG: &str = "docusign";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn signs() -> &'static dyn SignatureProvider {
    find(SLUG).unwrap().signature().unwrap()
}

fn oauth() -> &'static dyn OAuthProvider {
    find(SLUG).unwrap().oauth().unwrap()
}

fn call<'a>(stage: &'a Stage, connection: &'a Connection) -> CallCtx<'a> {
    CallCtx {
        connection,
        http: &stage.http,
        idempotency_key: "effect-1",
        deadline: DEADLINE,
        traceparent: Some(TRACE),
    }
}

/// An account that reports to `url`, changed as the test wants it.
fn put(stage: &Stage, change: impl FnOnce(Account) -> Account) {
    stage.hub.put_account(SLUG, change(Stage::account(SLUG)));
}

fn reporting_to(url: &str) -> NewEnvelope {
    NewEnvelope {
        callback_url: url.to_owned(),
        ..envelope()
    }
}

async fn created(stage: &Stage, envelope: &NewEnvelope) -> CreatedEnvelope {
    let connection = stage.connection(SLUG);
    signs().create(call(stage, &connection), envelope).await.unwrap()
}

/// A signer does something; the HTTP status of the control path.
async fn act(stage: &Stage, envelope: &str, signer: &str, does: Value) -> u16 {
    let path = format!("envelopes/{envelope}/signers/{signer}");
    stage.control(Method::POST, SLUG, &path, does).await.0
}

async fn sign(stage: &Stage, envelope: &str, signer: &str) {
    assert_eq!(
        act(stage, envelope, signer, json!({"does": "sign"})).await,
        200,
        "signer {signer}"
    );
}

/// What the simulator carried out of one kind.
fn carried_out(stage: &Stage, operation: &str) -> Vec<Entry> {
    let mut entries = stage.hub.journal(SLUG);
    entries.retain(|entry| entry.operation == operation);
    entries
}
