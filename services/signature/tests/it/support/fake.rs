//! A provider that keeps envelopes in memory, does what the test has written down, and counts what it was asked to do.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use puente_ports::{
    ACCESS_TOKEN, CallCtx, Connection, CreatedEnvelope, EnvelopePart, EnvelopeReport, Manifest, NewEnvelope,
    Provider, ProviderError, ProviderErrorKind, Recovery, SignatureProvider,
};
use puente_proto::signing::{EnvelopeStatus, SignerReport, SignerStatus};
use puente_signature::{Access, AccessError, Account};
use puente_testkit::service::{Gate, away, failure, manifest};
use puente_types::{ConnectionId, Secret, TenantId};
use tokio::sync::SemaphorePermit;

/// What the provider does with an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Refuses it for good.
    Reject,
    /// Is away.
    Away,
    /// Takes it, and the answer is lost.
    TakeInSilence,
    /// Does not take it, and nobody knows.
    LoseInSilence,
    /// Takes it later, when the test says so, and the answer is lost.
    TakeLater,
    /// Does not believe the token.
    Refuse,
    /// Was called too often, and takes nothing for so long.
    TooOften(Duration),
}

/// An envelope at the provider.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) asked: NewEnvelope,
    pub(crate) status: EnvelopeStatus,
    pub(crate) signers: Vec<SignerReport>,
    pub(crate) resent: usize,
    pub(crate) void_reason: Option<String>,
    pub(crate) tenant: String,
    pub(crate) traceparent: Option<String>,
}

/// The side of the provider that the test sees. One per test process.
pub(crate) struct Fake;

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    envelopes: Vec<Kept>,
    creates: usize,
    polls: HashMap<String, usize>,
    fetch_fails: bool,
    consent_missing: bool,
    renewals: usize,
    voids: usize,
    voids_away: usize,
    /// Envelopes that calls which were cut off are still making.
    under_way: Vec<Kept>,
    creates_at: Vec<Instant>,
    looks_away: usize,
    /// Questions for states, by tenant; and how many a tenant may ask before it is too often.
    asked: HashMap<String, usize>,
    patience: HashMap<String, usize>,
    fetched: Option<Bytes>,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
static INTERVAL_MS: AtomicU64 = AtomicU64::new(3_600_000);
/// Answers wait here while the test holds them.
static GATE: Gate = Gate::open();
static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| manifest("fake", "signature", "signature"));

/// The smallest file that counts as a PDF.
pub(crate) fn pdf(words: &str) -> Bytes {
    let text = format!(
        "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n% {words}\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\nstartxref\n45\n%%EOF\n"
    );
    Bytes::from(text)
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().expect("no test panics with the lock")
}

impl Fake {
    /// What comes next; afterwards every envelope is taken.
    pub(crate) fn will(replies: &[Reply]) {
        state().replies.extend(replies);
    }

    /// The envelopes of a request; one, if all is well.
    pub(crate) fn of(request: &str) -> Vec<Kept> {
        let state = state();
        let kept = state
            .envelopes
            .iter()
            .filter(|kept| kept.asked.reference == request);
        kept.cloned().collect()
    }

    /// The only envelope of a request.
    pub(crate) fn only(request: &str) -> Kept {
        let mut kept = Self::of(request);
        assert_eq!(kept.len(), 1, "one envelope of one request");
        kept.pop().unwrap()
    }

    /// How often it was called to create.
    pub(crate) fn creates() -> usize {
        state().creates
    }

    /// How often it was asked for an envelope's state.
    pub(crate) fn polls(envelope_id: &str) -> usize {
        state().polls.get(envelope_id).copied().unwrap_or(0)
    }

    /// Something happens at the provider, and nobody is told.
    pub(crate) fn happens(envelope_id: &str, status: EnvelopeStatus, signers: &[(&str, SignerStatus)]) {
        let mut state = state();
        let kept = state
            .envelopes
            .iter_mut()
            .find(|kept| kept.id == envelope_id)
            .unwrap();
        kept.status = status;
        kept.signers = signers
            .iter()
            .map(|(recipient, status)| SignerReport {
                recipient_id: (*recipient).to_owned(),
                status: (*status).into(),
                reason: String::new(),
                changed_at: None,
            })
            .collect();
    }

    /// So many calls that call an envelope back find the provider away.
    pub(crate) fn voiding_fails(times: usize) {
        state().voids_away = times;
    }

    /// Calls that called an envelope back.
    pub(crate) fn voids() -> usize {
        state().voids
    }

    /// Signed documents can or cannot be fetched.
    /// So many look-ups find the provider away.
    pub(crate) fn looks_away(times: usize) {
        state().looks_away = times;
    }

    /// What calls that were cut off were making is there now.
    pub(crate) fn lands() {
        let mut state = state();
        let landed = std::mem::take(&mut state.under_way);
        state.envelopes.extend(landed);
    }

    /// A second envelope of the same request; its id.
    pub(crate) fn made_twice(kept: &Kept) -> String {
        let second = Kept {
            id: format!("{}-again", kept.id),
            ..kept.clone()
        };
        let id = second.id.clone();
        state().envelopes.push(second);
        id
    }

    /// Why an envelope was called back.
    pub(crate) fn void_reason(envelope_id: &str) -> Option<String> {
        let state = state();
        let kept = state.envelopes.iter().find(|kept| kept.id == envelope_id);
        kept.and_then(|kept| kept.void_reason.clone())
    }

    /// When it was called to create.
    pub(crate) fn creates_at() -> Vec<Instant> {
        state().creates_at.clone()
    }

    /// More questions of this tenant for the state of envelopes are too many for an hour.
    pub(crate) fn may_be_asked_by(tenant: &str, times: usize) {
        state().patience.insert(tenant.to_owned(), times);
    }

    /// How often this tenant asked for the state of an envelope.
    pub(crate) fn asked_by(tenant: &str) -> usize {
        state().asked.get(tenant).copied().unwrap_or_default()
    }

    /// What is fetched is this, or a signed document again.
    pub(crate) fn fetching_gives(what: Option<Bytes>) {
        state().fetched = what;
    }

    pub(crate) fn fetching_fails(fails: bool) {
        state().fetch_fails = fails;
    }

    /// A person has to consent, or has.
    pub(crate) fn consent_missing(missing: bool) {
        state().consent_missing = missing;
    }

    /// How often a refused token was renewed.
    pub(crate) fn renewals() -> usize {
        state().renewals
    }

    /// The shortest time between two questions for an envelope.
    pub(crate) fn may_be_asked_every(interval: Duration) {
        INTERVAL_MS.store(u64::try_from(interval.as_millis()).unwrap(), Ordering::SeqCst);
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

    fn signature(&self) -> Option<&dyn SignatureProvider> {
        Some(self)
    }
}

#[async_trait]
impl SignatureProvider for Adapter {
    fn recovery(&self) -> Recovery {
        Recovery::Findable
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(INTERVAL_MS.load(Ordering::SeqCst))
    }

    async fn create(
        &self,
        ctx: CallCtx<'_>,
        envelope: &NewEnvelope,
    ) -> Result<CreatedEnvelope, ProviderError> {
        let created = {
            let mut state = state();
            state.creates += 1;
            state.creates_at.push(Instant::now());
            assert!(
                ctx.connection.secrets.get(ACCESS_TOKEN).is_some(),
                "a call without access"
            );
            let reply = state.replies.pop_front();
            let fails = match reply {
                Some(Reply::Reject) => Some(failure(ProviderErrorKind::Rejected, "INVALID_EMAIL")),
                Some(Reply::Away) => Some(away()),
                Some(Reply::LoseInSilence) => Some(failure(ProviderErrorKind::OutcomeUnknown, "timeout")),
                Some(Reply::Refuse) => Some(failure(ProviderErrorKind::Auth, "AUTHORIZATION_INVALID_TOKEN")),
                Some(Reply::TooOften(lasting)) => Some(too_often(lasting)),
                Some(Reply::TakeInSilence | Reply::TakeLater) | None => None,
            };
            if let Some(error) = fails {
                return Err(error);
            }
            let id = format!("env-{}-{}", state.envelopes.len() + 1, envelope.reference);
            let kept = Kept {
                id: id.clone(),
                asked: envelope.clone(),
                status: EnvelopeStatus::Sent,
                signers: Vec::new(),
                resent: 0,
                void_reason: None,
                tenant: ctx.connection.tenant.to_string(),
                traceparent: ctx.traceparent.map(str::to_owned),
            };
            if reply == Some(Reply::TakeLater) {
                state.under_way.push(kept);
            } else {
                state.envelopes.push(kept);
            }
            if matches!(reply, Some(Reply::TakeInSilence | Reply::TakeLater)) {
                return Err(failure(ProviderErrorKind::OutcomeUnknown, "timeout"));
            }
            CreatedEnvelope {
                envelope_id: id,
                status: EnvelopeStatus::Sent,
            }
        };
        GATE.pass().await;
        Ok(created)
    }

    async fn find(&self, _: CallCtx<'_>, reference: &str) -> Result<Option<CreatedEnvelope>, ProviderError> {
        let mut state = state();
        if state.looks_away > 0 {
            state.looks_away -= 1;
            return Err(away());
        }
        let found = state
            .envelopes
            .iter()
            .find(|kept| kept.asked.reference == reference);
        Ok(found.map(|kept| CreatedEnvelope {
            envelope_id: kept.id.clone(),
            status: kept.status,
        }))
    }

    async fn status(&self, ctx: CallCtx<'_>, envelope_id: &str) -> Result<EnvelopeReport, ProviderError> {
        let mut state = state();
        *state.polls.entry(envelope_id.to_owned()).or_default() += 1;
        let tenant = ctx.connection.tenant.as_str();
        let asked = state.asked.entry(tenant.to_owned()).or_default();
        *asked += 1;
        let asked = *asked;
        if state.patience.get(tenant).is_some_and(|most| asked > *most) {
            return Err(too_often(Duration::from_hours(1)));
        }
        let found = state.envelopes.iter().find(|kept| kept.id == envelope_id);
        let kept = found.ok_or_else(|| failure(ProviderErrorKind::Rejected, "ENVELOPE_DOES_NOT_EXIST"))?;
        Ok(EnvelopeReport {
            status: kept.status,
            signers: kept.signers.clone(),
            reason: String::new(),
            changed_at: None,
        })
    }

    async fn fetch(
        &self,
        _: CallCtx<'_>,
        envelope_id: &str,
        part: EnvelopePart,
        _: usize,
    ) -> Result<Bytes, ProviderError> {
        let state = state();
        if state.fetch_fails {
            return Err(away());
        }
        if let Some(fetched) = &state.fetched {
            return Ok(fetched.clone());
        }
        Ok(pdf(&format!("{part:?} {envelope_id}")))
    }

    async fn void(&self, _: CallCtx<'_>, envelope_id: &str, reason: &str) -> Result<(), ProviderError> {
        let mut state = state();
        state.voids += 1;
        if state.voids_away > 0 {
            state.voids_away -= 1;
            return Err(away());
        }
        if let Some(kept) = state.envelopes.iter_mut().find(|kept| kept.id == envelope_id) {
            kept.status = EnvelopeStatus::Voided;
            kept.void_reason = Some(reason.to_owned());
        }
        Ok(())
    }

    async fn resend(&self, _: CallCtx<'_>, envelope_id: &str) -> Result<(), ProviderError> {
        let mut state = state();
        if let Some(kept) = state.envelopes.iter_mut().find(|kept| kept.id == envelope_id) {
            kept.resent += 1;
        }
        Ok(())
    }
}

fn too_often(lasting: Duration) -> ProviderError {
    let retry_after = Some(lasting);
    failure(ProviderErrorKind::RateLimited { retry_after }, "too_often")
}

/// Accounts that are there, unless the test took the consent away.
pub(crate) struct Accounts;

#[async_trait]
impl Access for Accounts {
    async fn ready(&self, connection: &Connection) -> Result<Connection, ProviderError> {
        if state().consent_missing {
            let detail = "an administrator has to authorise the account again";
            return Err(ProviderError::configuration("consent_required", detail));
        }
        let mut ready = connection.clone();
        ready.secrets = [(ACCESS_TOKEN.to_owned(), Secret::new("token-of-today"))]
            .into_iter()
            .collect();
        Ok(ready)
    }

    async fn refused(&self, _: &Connection) {
        state().renewals += 1;
    }

    async fn begin(
        &self,
        _: &TenantId,
        connection: &ConnectionId,
        redirect_uri: &str,
        by: &str,
    ) -> Result<String, AccessError> {
        Ok(format!(
            "https://provider.example/auth?for={connection}&to={redirect_uri}&by={by}"
        ))
    }

    async fn complete(&self, _: &TenantId, state: &Secret, _: &Secret) -> Result<Account, AccessError> {
        if state.expose() != "known" {
            return Err(AccessError::Unknown);
        }
        Ok(account("acme-sign"))
    }

    async fn list(&self, tenant: &TenantId) -> Result<Vec<Account>, AccessError> {
        Ok(vec![account(&format!("{tenant}-sign"))])
    }
}

fn account(connection: &str) -> Account {
    Account {
        connection: connection.parse().unwrap(),
        provider: "fake".to_owned(),
        state: "active",
        problem: String::new(),
        expires_at: None,
        account_id: "account-1".to_owned(),
        scope: "signature".to_owned(),
    }
}
