//! Work that colleagues follow in a task manager.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{CallCtx, Connection, ProviderError, Recovery};

/// The code of a refusal that is about the assignee alone: the task manager knows nobody of that id or address. Without
/// them the call may do.
pub const ASSIGNEE_REFUSED: &str = "assignee_refused";

/// A piece of work as it is written into the task manager.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Our reference: unique, and how the task is found again when the answer to its creation was lost.
    pub reference: String,
    /// What the list of tasks shows.
    pub title: String,
    /// What whoever opens it reads; plain text.
    pub notes: String,
    /// Which of the task manager's columns it begins in: one of our words for states. The connection's settings say
    /// which column that is there; a word without a column leaves the task in the project's first one.
    pub stage: String,
    /// Who does it, as the task manager knows people: its own id, or an e-mail address; `None` for nobody yet.
    pub assignee: Option<String>,
}

/// What changes about a task. One change is one call, and making it twice is as good as once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum TaskChange {
    /// Somebody else does it; `None` for nobody.
    Assign {
        /// Who, as in [`NewTask::assignee`].
        assignee: Option<String>,
    },
    /// It has come to another state.
    Stage {
        /// Our word for the state, as in [`NewTask::stage`].
        stage: String,
        /// The notes as they are now; written where the connection knows no column for the state.
        notes: String,
    },
    /// It is done.
    Complete,
}

/// A task that exists at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRef {
    /// The provider's id.
    pub task_id: String,
    /// Where people open it; empty where the provider names no page.
    pub url: String,
}

// Titles and notes tell of people: nothing of them is for logs.
impl std::fmt::Debug for NewTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewTask")
            .field("reference", &self.reference)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TaskChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Assign { .. } => "Assign",
            Self::Stage { .. } => "Stage",
            Self::Complete => "Complete",
        })
    }
}

/// A provider that keeps tasks. Calls need [`ACCESS_TOKEN`](crate::ACCESS_TOKEN) in the connection: a connection that
/// holds one of its own is ready as it is; to any other, whoever keeps its grant adds the grant's.
#[async_trait]
pub trait TaskManager: Send + Sync {
    /// How creating a task over this connection recovers when its outcome is unknown. Changes are always
    /// [`Recovery::Repeatable`].
    fn creation(&self, connection: &Connection) -> Recovery;

    /// Creates a task.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn create(&self, ctx: CallCtx<'_>, task: &NewTask) -> Result<TaskRef, ProviderError>;

    /// The task of our reference, if there is one; `Configuration` where the connection cannot look it up.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn find(&self, ctx: CallCtx<'_>, reference: &str) -> Result<Option<TaskRef>, ProviderError>;

    /// Changes a task.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn change(&self, ctx: CallCtx<'_>, task_id: &str, change: &TaskChange)
    -> Result<(), ProviderError>;
}
