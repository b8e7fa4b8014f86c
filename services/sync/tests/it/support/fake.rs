//! A provider that keeps tasks in memory, does what the test has written down, and notes what it was asked to do.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard};

use async_trait::async_trait;
use puente_ports::{
    ASSIGNEE_REFUSED, CallCtx, Connection, Manifest, NewTask, Provider, ProviderError, ProviderErrorKind,
    Recovery, TaskChange, TaskManager, TaskRef,
};
use puente_testkit::service::{Gate, away, failure, manifest};
use tokio::sync::SemaphorePermit;

/// What the provider does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Does it.
    Do,
    /// Refuses it for good.
    Reject,
    /// Is away.
    Away,
    /// Knows nobody of the assignee's name.
    Stranger,
    /// The connection is not set up.
    Unset,
    /// Does it, and the answer is lost.
    DoInSilence,
    /// Does not do it, and nobody knows.
    LoseInSilence,
}

/// A call as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    /// `create`, `assign ana@…`, `stage Asignada`, `complete`.
    pub(crate) what: String,
    pub(crate) tenant: String,
    pub(crate) traceparent: Option<String>,
    /// Whether it was done.
    pub(crate) done: bool,
}

/// The side of the provider that the test sees. One per test process.
pub(crate) struct Fake;

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    /// Replies to changes; creations have their own.
    changes: VecDeque<Reply>,
    tasks: Vec<NewTask>,
    calls: Vec<Called>,
    looks: usize,
    cannot_find: bool,
    looks_away: usize,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
/// Answers wait here while the test holds them.
static GATE: Gate = Gate::open();
static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| manifest("fake", "task", "sync"));

fn state() -> MutexGuard<'static, State> {
    STATE.lock().expect("no test panics with the lock")
}

impl Fake {
    /// What comes of the next creations; afterwards all are done.
    pub(crate) fn will(replies: &[Reply]) {
        state().replies.extend(replies);
    }

    /// What comes of the next changes; afterwards all are done.
    pub(crate) fn changes(replies: &[Reply]) {
        state().changes.extend(replies);
    }

    /// Tasks cannot be looked for, so that a creation in doubt is parked.
    pub(crate) fn cannot_find() {
        state().cannot_find = true;
    }

    /// So many look-ups find the provider away.
    pub(crate) fn looks_away(times: usize) {
        state().looks_away = times;
    }

    /// Every call, in its order.
    pub(crate) fn calls() -> Vec<Called> {
        state().calls.clone()
    }

    /// What was done, in its order.
    pub(crate) fn done() -> Vec<String> {
        let state = state();
        let done = state.calls.iter().filter(|called| called.done);
        done.map(|called| called.what.clone()).collect()
    }

    /// What was tried, in its order.
    pub(crate) fn tried() -> Vec<String> {
        state().calls.iter().map(|called| called.what.clone()).collect()
    }

    /// The tasks it has.
    pub(crate) fn tasks() -> Vec<NewTask> {
        state().tasks.clone()
    }

    /// How often it was asked for a task by its reference.
    pub(crate) fn looks() -> usize {
        state().looks
    }

    /// Keeps answers from arriving until the value is dropped.
    pub(crate) async fn hold() -> SemaphorePermit<'static> {
        GATE.hold().await
    }
}

pub(crate) fn find(slug: &str) -> Option<&'static dyn Provider> {
    (slug == "fake").then_some(&Adapter as &dyn Provider)
}

struct Adapter;

impl Provider for Adapter {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn task(&self) -> Option<&dyn TaskManager> {
        Some(self)
    }
}

/// Notes a call, and says what comes of it: whether it is done, and what is answered.
fn judge(state: &mut State, ctx: CallCtx<'_>, what: String, reply: Reply) -> Result<(), ProviderError> {
    let done = matches!(reply, Reply::Do | Reply::DoInSilence);
    state.calls.push(Called {
        what,
        tenant: ctx.connection.tenant.to_string(),
        traceparent: ctx.traceparent.map(str::to_owned),
        done,
    });
    match reply {
        Reply::Do => Ok(()),
        Reply::Reject => Err(failure(ProviderErrorKind::Rejected, "refused")),
        Reply::Stranger => Err(failure(ProviderErrorKind::Rejected, ASSIGNEE_REFUSED)),
        Reply::Away => Err(away()),
        Reply::Unset => Err(failure(ProviderErrorKind::Configuration, "project_refused")),
        Reply::DoInSilence | Reply::LoseInSilence => {
            Err(failure(ProviderErrorKind::OutcomeUnknown, "timeout"))
        }
    }
}

fn of(reference: &str) -> TaskRef {
    TaskRef {
        task_id: format!("gid-{reference}"),
        url: format!("https://tasks.example/{reference}"),
    }
}

#[async_trait]
impl TaskManager for Adapter {
    fn creation(&self, _: &Connection) -> Recovery {
        if state().cannot_find {
            Recovery::Unsure
        } else {
            Recovery::Findable
        }
    }

    async fn create(&self, ctx: CallCtx<'_>, task: &NewTask) -> Result<TaskRef, ProviderError> {
        let judged = {
            let mut state = state();
            let reply = state.replies.pop_front().unwrap_or(Reply::Do);
            let judged = judge(&mut state, ctx, "create".to_owned(), reply);
            if matches!(reply, Reply::Do | Reply::DoInSilence) {
                state.tasks.push(task.clone());
            }
            judged
        };
        GATE.pass().await;
        judged.map(|()| of(&task.reference))
    }

    async fn find(&self, _: CallCtx<'_>, reference: &str) -> Result<Option<TaskRef>, ProviderError> {
        let mut state = state();
        state.looks += 1;
        if state.cannot_find {
            return Err(failure(ProviderErrorKind::Configuration, "no_reference"));
        }
        if state.looks_away > 0 {
            state.looks_away -= 1;
            return Err(away());
        }
        let known = state.tasks.iter().any(|task| task.reference == reference);
        Ok(known.then(|| of(reference)))
    }

    async fn change(
        &self,
        ctx: CallCtx<'_>,
        task_id: &str,
        change: &TaskChange,
    ) -> Result<(), ProviderError> {
        let judged = {
            let mut state = state();
            let known = state
                .tasks
                .iter()
                .any(|task| of(&task.reference).task_id == task_id);
            assert!(known, "a change of a task that is not there");
            let what = match change {
                TaskChange::Assign { assignee } => {
                    format!("assign {}", assignee.as_deref().unwrap_or("nobody"))
                }
                TaskChange::Stage { stage, .. } => format!("stage {stage}"),
                TaskChange::Complete => "complete".to_owned(),
            };
            let reply = state.changes.pop_front().unwrap_or(Reply::Do);
            judge(&mut state, ctx, what, reply)
        };
        GATE.pass().await;
        judged
    }
}
