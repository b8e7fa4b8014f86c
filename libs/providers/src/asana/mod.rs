//! Asana: an order is a task of one project, found again by our own reference.
//!
//! Asana takes no idempotency key. It takes an external id, unique among the tasks of an OAuth app and usable in place
//! of a task's own id; that a second task with the same one is refused is what its documentation lets one expect and
//! does not say. So creating over an OAuth token is [`Recovery::Findable`]: look, then decide; and a creation that is
//! refused for the external id gives the task that has it. Personal tokens have no external ids: there a lost answer
//! cannot be settled by asking, and creating is [`Recovery::Unsure`].
//!
//! Changes set what they set (assignee, section, notes, completed), so made twice they are as good as once.

mod hook;
mod map;
mod oauth;
#[cfg(feature = "sim")]
pub mod sim;
mod wire;

use std::sync::LazyLock;

use async_trait::async_trait;
use http::{HeaderMap, Method};
use puente_ports::{
    ACCESS_TOKEN, CallCtx, Connection, InboundWebhook, Manifest, NewTask, OAuthProvider, OutboundResponse,
    Provider, ProviderError, Recovery, TaskChange, TaskManager, TaskRef,
};
use serde::Serialize;

use crate::kit::{Api, asked, bearer, encode, segment, setting};

/// The adapter.
pub static ADAPTER: Adapter = Adapter;

static MANIFEST: LazyLock<Manifest> =
    LazyLock::new(|| crate::registry::manifest("asana", include_str!("provider.toml")));

/// The adapter's type; stateless.
#[derive(Debug)]
pub struct Adapter;

impl Provider for Adapter {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn webhook(&self) -> Option<&dyn InboundWebhook> {
        Some(self)
    }

    fn task(&self) -> Option<&dyn TaskManager> {
        Some(self)
    }

    fn oauth(&self) -> Option<&dyn OAuthProvider> {
        Some(self)
    }
}

#[async_trait]
impl TaskManager for Adapter {
    fn creation(&self, connection: &Connection) -> Recovery {
        match TokenKind::of(connection) {
            Ok(TokenKind::OAuth) => Recovery::Findable,
            _ => Recovery::Unsure,
        }
    }

    async fn create(&self, ctx: CallCtx<'_>, task: &NewTask) -> Result<TaskRef, ProviderError> {
        let rest = Rest::open(ctx)?;
        let external = match rest.kind {
            TokenKind::OAuth => Some(map::external(ctx.connection, &task.reference)?),
            TokenKind::Personal => None,
        };
        let section = map::section(ctx.connection, &task.stage)?;
        let body = map::new_task(task, rest.api.path_setting("project")?, section, external)?;
        let path = "/tasks?opt_fields=permalink_url";
        let answer = rest.send("tasks.create", Method::POST, path, &body).await?;
        let error = match map::created(&MANIFEST, &answer) {
            Err(error) if rest.kind == TokenKind::OAuth && error.code() == map::EXTERNAL_REFUSED => error,
            made_or_not => return made_or_not,
        };
        // It was made before, as far as one can tell; where nothing is found, the reference itself is the trouble.
        self.find(ctx, &task.reference).await?.ok_or(error)
    }

    async fn find(&self, ctx: CallCtx<'_>, reference: &str) -> Result<Option<TaskRef>, ProviderError> {
        let rest = Rest::open(ctx)?;
        if rest.kind == TokenKind::Personal {
            let detail = "tasks cannot be looked up by our reference over a personal token";
            return Err(ProviderError::configuration("lookup_needs_oauth", detail));
        }
        let external = map::external(ctx.connection, reference)?;
        let path = format!(
            "/tasks/{}?opt_fields=permalink_url,external.gid",
            encode(&format!("external:{external}"))
        );
        let answer = rest
            .ask::<()>("tasks.find", Method::GET, &path, None)
            .await
            .map_err(asked)?;
        map::found(&MANIFEST, &answer, &external)
    }

    async fn change(
        &self,
        ctx: CallCtx<'_>,
        task_id: &str,
        change: &TaskChange,
    ) -> Result<(), ProviderError> {
        let rest = Rest::open(ctx)?;
        let task =
            segment(task_id).ok_or_else(|| ProviderError::malformed("the task's id is no path segment"))?;
        let field = match change {
            TaskChange::Assign { assignee } => wire::Field::Assignee(map::person(assignee.as_deref())?),
            TaskChange::Complete => wire::Field::Completed(true),
            TaskChange::Stage { stage, notes } => match map::section(ctx.connection, stage)? {
                Some(section) => {
                    let path = format!("/sections/{section}/addTask");
                    let data = wire::Moved { task };
                    let answer = rest
                        .send("sections.add_task", Method::POST, &path, &wire::Data { data })
                        .await;
                    return map::changed(&MANIFEST, &answer.map_err(asked)?);
                }
                None => wire::Field::Notes(map::notes(notes)),
            },
        };
        // Of the task, the answer tells as little as it can.
        let path = format!("/tasks/{task}?opt_fields=completed");
        let body = wire::Data { data: field };
        let answer = rest.send("tasks.update", Method::PUT, &path, &body).await;
        map::changed(&MANIFEST, &answer.map_err(asked)?)
    }
}

/// What kind of token calls go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    /// Of an OAuth app: external ids are taken.
    OAuth,
    /// Of a person or a service account: they are not.
    Personal,
}

impl TokenKind {
    fn of(connection: &Connection) -> Result<Self, ProviderError> {
        match setting(&MANIFEST, connection, "token_kind") {
            Some("oauth") => Ok(Self::OAuth),
            Some("personal") => Ok(Self::Personal),
            _ => Err(ProviderError::configuration(
                "setting_invalid",
                "setting `token_kind` is oauth or personal",
            )),
        }
    }
}

/// The interface, over the connection's token.
struct Rest<'a> {
    api: Api<'a>,
    kind: TokenKind,
    headers: HeaderMap,
}

impl<'a> Rest<'a> {
    fn open(ctx: CallCtx<'a>) -> Result<Self, ProviderError> {
        Ok(Self {
            api: Api::new(&MANIFEST, ctx),
            kind: TokenKind::of(ctx.connection)?,
            headers: bearer(&ctx, ACCESS_TOKEN)?,
        })
    }

    async fn send<T: Serialize + Sync>(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: &T,
    ) -> Result<OutboundResponse, ProviderError> {
        self.ask(operation, method, path, Some(body)).await
    }

    async fn ask<T: Serialize + Sync>(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<&T>,
    ) -> Result<OutboundResponse, ProviderError> {
        let path = format!("/api/1.0{path}");
        self.api
            .send(operation, method, &path, self.headers.clone(), body)
            .await
    }
}
