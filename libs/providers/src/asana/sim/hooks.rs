//! Webhooks: the handshake while the creating call is open, then signed reports, each as often as it takes within reason.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use puente_types::Secret;
use puente_webhook_auth::{Encoding, sign};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::board::{Task, moment};
use super::caller::Caller;
use super::{SLUG, number, refuse};
use crate::sim::{Hub, Webhook, reply};

/// The user whose token we call with.
pub(super) const US: &str = "1111";
/// Whoever works at Asana's own pages.
pub(super) const STAFF: &str = "3333";

/// Webhooks that are kept; Asana has 1,000 per resource.
const MAX_HOOKS: usize = 1_000;
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The webhooks; none at first.
#[derive(Default)]
pub(super) struct Hooks(Mutex<Vec<Hook>>);

#[derive(Clone)]
struct Hook {
    account: String,
    resource: String,
    target: String,
    filters: Vec<Filter>,
    secret: String,
}

/// Which events a webhook wants; what is left out fits all.
#[derive(Debug, Clone, Deserialize)]
struct Filter {
    resource_type: Option<String>,
    action: Option<String>,
    fields: Option<Vec<String>>,
}

/// What was done to a task.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    action: &'a str,
    field: Option<&'a str>,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    filters: Vec<Filter>,
}

impl<'a> Told<'a> {
    pub(super) const fn of(action: &'a str) -> Self {
        Self { action, field: None }
    }

    pub(super) const fn field(field: &'a str) -> Self {
        Self {
            action: "changed",
            field: Some(field),
        }
    }
}

impl Hooks {
    fn list(&self) -> MutexGuard<'_, Vec<Hook>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        self.list().clear();
    }
}

impl Hook {
    fn wants(&self, task: &Task, told: Told<'_>) -> bool {
        let fits = |filter: &Filter| {
            let of_task = filter.resource_type.as_deref().is_none_or(|kind| kind == "task");
            let action = filter
                .action
                .as_deref()
                .is_none_or(|action| action == told.action);
            let field = match (&filter.fields, told.field) {
                (Some(fields), Some(field)) => fields.iter().any(|one| one == field),
                _ => true,
            };
            of_task && action && field
        };
        self.account == task.account
            && [&task.project, &task.gid].contains(&&self.resource)
            && (self.filters.is_empty() || self.filters.iter().any(fits))
    }

    fn signed(&self, events: &Value) -> Webhook {
        let body = json!({ "events": events }).to_string();
        let proof = sign(&Secret::new(&*self.secret), "", Encoding::Hex, &[body.as_bytes()]);
        let headers = [("content-type", "application/json"), ("x-hook-signature", &proof)];
        Webhook {
            url: self.target.clone(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: Bytes::from(body),
        }
    }
}

/// Makes a webhook. Its target is asked while this call is open, with headers alone, and says yes by the secret.
pub(super) async fn create(State(hub): State<Hub>, caller: Caller, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let wanted = body.get("data").cloned().unwrap_or_default();
    let Ok(wanted) = serde_json::from_value::<Wanted>(wanted) else {
        return refuse(400, "data: Missing input");
    };
    if wanted.resource.is_empty() || wanted.target.is_empty() {
        return refuse(400, "resource: Missing input");
    }
    if wanted.target.contains("//localhost") {
        return refuse(403, "target: The URL cannot be reached from Asana");
    }
    let hooks = hub.own::<Hooks>();
    let same = |hook: &Hook| hook.resource == wanted.resource && hook.target == wanted.target;
    if hooks.list().iter().any(same) {
        let message =
            "Duplicated webhook. You already have an existing webhook for the given resource and target.";
        return refuse(403, message);
    }
    let hook = Hook {
        account: caller.account.account.clone(),
        resource: wanted.resource,
        target: wanted.target,
        filters: wanted.filters,
        secret: hex::encode(Sha256::digest(hub.id().as_bytes())),
    };
    let question = Webhook {
        url: hook.target.clone(),
        headers: vec![("x-hook-secret".to_owned(), hook.secret.clone())],
        body: Bytes::new(),
    };
    let agreed = hub.ask(&question).await.is_ok_and(|(status, headers)| {
        let echoed = headers.get("x-hook-secret").and_then(|value| value.to_str().ok());
        matches!(status, 200 | 204) && echoed == Some(hook.secret.as_str())
    });
    if !agreed {
        return refuse(
            400,
            "The remote server did not respond with the handshake secret.",
        );
    }
    let made = json!({"gid": "43214", "resource_type": "webhook", "active": false, "target": hook.target,
        "resource": {"gid": hook.resource, "resource_type": "project", "name": "Solicitudes"}});
    let answer = json!({"data": made, "X-Hook-Secret": hook.secret});
    deliver(&hub, hook.clone(), json!([]));
    let mut list = hooks.list();
    if list.len() >= MAX_HOOKS {
        list.remove(0);
    }
    list.push(hook);
    reply(201, &answer)
}

/// Tells every webhook that wants it what was done to a task.
pub(super) fn tell(hub: &Hub, task: &Task, by: &str, told: Told<'_>) {
    let mut event = json!({
        "user": {"gid": by, "resource_type": "user"}, "created_at": moment(hub.now()), "action": told.action,
        "resource": {"gid": task.gid, "resource_type": "task", "resource_subtype": "default_task"}, "parent": null,
    });
    if let (Some(field), Some(event)) = (told.field, event.as_object_mut()) {
        event.insert("change".to_owned(), json!({"field": field, "action": "changed"}));
    }
    let hooks: Vec<Hook> = hub.own::<Hooks>().list().clone();
    for hook in hooks.into_iter().filter(|hook| hook.wants(task, told)) {
        deliver(hub, hook, json!([event]));
    }
}

fn deliver(hub: &Hub, hook: Hook, events: Value) {
    let account = hub.account(SLUG, &hook.account);
    let attempts = account.map_or(1, |account| number(&account, "hook_attempts", 6));
    let (webhook, sender) = (hook.signed(&events), hub.clone());
    hub.in_background(SLUG, async move {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=attempts {
            if matches!(sender.post(&webhook).await, Ok(200 | 204)) {
                return true;
            }
            if attempt < attempts {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
        }
        false
    });
}
