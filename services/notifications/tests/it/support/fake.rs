//! A provider that does what the test has written down, and keeps count of what it was asked to do.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use puente_ports::{
    CallCtx, ErrorRule, MEDIA_GONE, MEDIA_TOO_LARGE, Manifest, MediaFile, MessageChannel, OutboundMessage,
    Provider, ProviderError, ProviderErrorKind, Recovery, Sent, TemplateInfo,
};
use puente_testkit::service::{Gate, manifest};
use tokio::sync::SemaphorePermit;

/// What the provider does with a send.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Takes it, under this id.
    Take(&'static str),
    /// Refuses it for good.
    Reject,
    /// Has too much to do.
    Busy,
    /// Perhaps takes it; nobody knows.
    Silence,
}

/// The side of the provider that the test sees. One per test process.
pub(crate) struct Fake;

struct State {
    replies: VecDeque<Reply>,
    sent: Vec<OutboundMessage>,
    calls: usize,
    templates: Vec<TemplateInfo>,
    files: VecDeque<Result<Bytes, ProviderError>>,
    fetched: Vec<MediaFile>,
}

static STATE: Mutex<State> = Mutex::new(State {
    replies: VecDeque::new(),
    sent: Vec::new(),
    calls: 0,
    templates: Vec::new(),
    files: VecDeque::new(),
    fetched: Vec::new(),
});
/// Calls wait here while the test holds them.
static GATE: Gate = Gate::open();
static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| Manifest {
    timeout_ms: 5_000,
    errors: vec![ErrorRule {
        codes: vec!["131049".to_owned()],
        statuses: Vec::new(),
        kind: "rate_limited".to_owned(),
        retry_after_ms: None,
    }],
    ..manifest("fake", "message", "notifications")
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().expect("no test panics with the lock")
}

impl Fake {
    /// What comes next; afterwards every send is taken under an id of its own.
    pub(crate) fn will(replies: &[Reply]) {
        state().replies.extend(replies.iter().cloned());
    }

    /// The account's templates: name, language, approved, parameters.
    pub(crate) fn has_templates(templates: &[(&str, &str, bool, usize)]) {
        state().templates = templates
            .iter()
            .map(|(name, language, approved, parameters)| TemplateInfo {
                name: (*name).to_owned(),
                language: (*language).to_owned(),
                approved: *approved,
                status: if *approved {
                    "APPROVED".to_owned()
                } else {
                    "PAUSED".to_owned()
                },
                category: "UTILITY".to_owned(),
                parameters: *parameters,
            })
            .collect();
    }

    /// What it was given and took.
    pub(crate) fn took() -> Vec<OutboundMessage> {
        state().sent.clone()
    }

    /// What comes when a file is fetched; afterwards it has none any more.
    pub(crate) fn gives(file: Result<&[u8], ProviderError>) {
        state().files.push_back(file.map(Bytes::copy_from_slice));
    }

    /// The files that it was asked for.
    pub(crate) fn fetched() -> Vec<MediaFile> {
        state().fetched.clone()
    }

    /// How often it was called to send.
    pub(crate) fn calls() -> usize {
        state().calls
    }

    /// Keeps calls from ending until the value is dropped.
    pub(crate) async fn hold() -> SemaphorePermit<'static> {
        GATE.hold().await
    }
}

pub(crate) fn find(slug: &str) -> Option<&'static dyn Provider> {
    if slug == "fake" {
        return Some(&Adapter);
    }
    // Those of the simulators.
    puente_providers::find(slug)
}

struct Adapter;

impl Provider for Adapter {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn message(&self) -> Option<&dyn MessageChannel> {
        Some(self)
    }
}

#[async_trait]
impl MessageChannel for Adapter {
    fn recovery(&self) -> Recovery {
        Recovery::Unsure
    }

    async fn send(&self, _: CallCtx<'_>, message: &OutboundMessage) -> Result<Sent, ProviderError> {
        // Decided before the gate, so that the first call gets the first reply.
        let (own, reply) = {
            let mut state = state();
            state.calls += 1;
            (format!("wamid.{}", state.calls), state.replies.pop_front())
        };
        GATE.pass().await;
        let id = match reply {
            None => own,
            Some(Reply::Take(id)) => id.to_owned(),
            Some(Reply::Reject) => {
                return Err(ProviderError::new(
                    ProviderErrorKind::Rejected,
                    "131026",
                    "undeliverable",
                ));
            }
            Some(Reply::Busy) => {
                let kind = ProviderErrorKind::RateLimited { retry_after: None };
                return Err(ProviderError::new(kind, "130429", "slow down"));
            }
            Some(Reply::Silence) => {
                return Err(ProviderError::new(
                    ProviderErrorKind::OutcomeUnknown,
                    "timeout",
                    "no answer in time",
                ));
            }
        };
        state().sent.push(message.clone());
        Ok(Sent {
            provider_message_id: id,
            contact_id: None,
        })
    }

    async fn find(&self, _: CallCtx<'_>, _: &str) -> Result<Option<Sent>, ProviderError> {
        Err(ProviderError::configuration(
            "no_lookup",
            "the stand-in cannot be asked",
        ))
    }

    async fn templates(&self, _: CallCtx<'_>) -> Result<Vec<TemplateInfo>, ProviderError> {
        Ok(state().templates.clone())
    }

    async fn media(
        &self,
        _: CallCtx<'_>,
        file: &MediaFile,
        max_bytes: usize,
    ) -> Result<Bytes, ProviderError> {
        let given = {
            let mut state = state();
            state.fetched.push(file.clone());
            state.files.pop_front()
        };
        let rejected = |code| Err(ProviderError::new(ProviderErrorKind::Rejected, code, "no"));
        match given {
            None => rejected(MEDIA_GONE),
            Some(Ok(bytes)) if bytes.len() > max_bytes => rejected(MEDIA_TOO_LARGE),
            Some(given) => given,
        }
    }
}
