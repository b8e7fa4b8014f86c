//! Engines that read what the test has written down, and count what they were asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use puente_ports::{
    CallCtx, Manifest, OcrEngine, OcrLimits, OcrPicture, OcrProgress, Provider, ProviderError,
    ProviderErrorKind, TextLine, TextRead,
};
use puente_testkit::service::{Gate, away, failure, manifest};
use tokio::sync::SemaphorePermit;

/// What an engine does with a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reply {
    /// Reads this serial, so sure of each letter.
    Serial(&'static str, f32),
    /// Reads nothing.
    Nothing,
    /// Reads it after being asked so often.
    Pending(u32, &'static str),
    /// Is away.
    Away,
    /// Does not believe the key.
    Refuse,
    /// Is called too often.
    Limited,
    /// Says that the picture is none.
    Reject,
}

/// The side of the engines that the test sees. One per test process.
pub(crate) struct Eyes;

#[derive(Default)]
struct State {
    replies: HashMap<&'static str, VecDeque<Reply>>,
    asked: HashMap<&'static str, Vec<String>>,
    pending: HashMap<String, (u32, &'static str)>,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
/// Answers wait here while the test holds them.
static GATE: Gate = Gate::open();
static A: LazyLock<Adapter> = LazyLock::new(|| Adapter::new("eye_a"));
static B: LazyLock<Adapter> = LazyLock::new(|| Adapter::new("eye_b"));

fn state() -> MutexGuard<'static, State> {
    STATE.lock().expect("no test panics with the lock")
}

impl Eyes {
    /// What an engine does with the next pictures; then it reads `ABC123456` surely.
    pub(crate) fn will(eye: &'static str, replies: &[Reply]) {
        state()
            .replies
            .entry(eye)
            .or_default()
            .extend(replies.iter().cloned());
    }

    /// How often an engine was sent a picture, and for which tenants.
    pub(crate) fn asked(eye: &'static str) -> Vec<String> {
        state().asked.get(eye).cloned().unwrap_or_default()
    }

    /// Keeps answers from arriving until the value is dropped.
    pub(crate) async fn hold() -> SemaphorePermit<'static> {
        GATE.hold().await
    }
}

pub(crate) fn find(slug: &str) -> Option<&'static dyn Provider> {
    match slug {
        "eye_a" => Some(&*A),
        "eye_b" => Some(&*B),
        _ => None,
    }
}

struct Adapter {
    slug: &'static str,
    manifest: &'static Manifest,
}

impl Adapter {
    fn new(slug: &'static str) -> Self {
        Self {
            slug,
            manifest: Box::leak(Box::new(manifest(slug, "ocr", "ocr"))),
        }
    }
}

impl Provider for Adapter {
    fn manifest(&self) -> &'static Manifest {
        self.manifest
    }

    fn ocr(&self) -> Option<&dyn OcrEngine> {
        Some(self)
    }
}

/// A plate with a brand, a model and a serial.
fn plate(serial: &str, sure: f32) -> TextRead {
    let line = |at: f32, text: String, sure: f32| TextLine {
        corners: [(20.0, at), (220.0, at), (220.0, at + 20.0), (20.0, at + 20.0)],
        confidence: sure,
        characters: text.chars().map(|c| if c == ' ' { 1.0 } else { sure }).collect(),
        text,
    };
    let mut lines = vec![line(10.0, "MODELO MX500".to_owned(), 0.999)];
    if !serial.is_empty() {
        lines.push(line(60.0, format!("S/N: {serial}"), sure));
    }
    TextRead {
        lines,
        model: "test-1".to_owned(),
    }
}

#[async_trait]
impl OcrEngine for Adapter {
    fn limits(&self) -> OcrLimits {
        OcrLimits {
            max_bytes: 4 << 20,
            min_side: 50,
            max_side: 10_000,
        }
    }

    async fn read(&self, ctx: CallCtx<'_>, picture: &OcrPicture) -> Result<OcrProgress, ProviderError> {
        assert_eq!(picture.media_type, "image/jpeg");
        assert!(picture.bytes.starts_with(&[0xFF, 0xD8]), "sent as JPEG");
        let reply = {
            let mut state = state();
            let tenant = ctx.connection.tenant.to_string();
            state.asked.entry(self.slug).or_default().push(tenant);
            let replies = state.replies.get_mut(self.slug);
            replies.and_then(VecDeque::pop_front)
        };
        GATE.pass().await;
        match reply.unwrap_or(Reply::Serial("ABC123456", 0.999)) {
            Reply::Serial(serial, sure) => Ok(OcrProgress::Done(plate(serial, sure))),
            Reply::Nothing => Ok(OcrProgress::Done(TextRead::default())),
            Reply::Pending(polls, serial) => {
                let operation = format!("op-{}", picture.sha256);
                state().pending.insert(operation.clone(), (polls, serial));
                let wait = Duration::from_millis(1);
                Ok(OcrProgress::Pending { operation, wait })
            }
            Reply::Away => Err(away()),
            Reply::Refuse => Err(failure(ProviderErrorKind::Auth, "401")),
            Reply::Limited => Err(failure(
                ProviderErrorKind::RateLimited {
                    retry_after: Some(Duration::from_secs(3600)),
                },
                "429",
            )),
            Reply::Reject => Err(failure(ProviderErrorKind::Rejected, "InvalidImage")),
        }
    }

    async fn poll(&self, _: CallCtx<'_>, operation: &str) -> Result<OcrProgress, ProviderError> {
        let mut state = state();
        let (left, serial) = state
            .pending
            .get_mut(operation)
            .expect("an operation that was begun");
        if *left > 0 {
            *left -= 1;
            return Ok(OcrProgress::Pending {
                operation: operation.to_owned(),
                wait: Duration::from_millis(1),
            });
        }
        Ok(OcrProgress::Done(plate(serial, 0.999)))
    }
}
