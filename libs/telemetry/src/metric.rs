//! Every metric of the fleet: its name, what it counts, and the one function that records it.
//!
//! Labels are words of bounded sets (provider, operation, outcome, consumer, service): never ids, tenants'
//! names, addresses or error texts. Names show up in Prometheus as listed, counters with `_total` added.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

/// Webhooks answered, by `provider` and `outcome`.
pub const WEBHOOKS: &str = "puente_webhooks";
/// Time from the first byte of a webhook to its answer.
pub const WEBHOOK_SECONDS: &str = "puente_webhook_seconds";
/// Events that the relay handed to the broker, by `service`.
pub const OUTBOX_PUBLISHED: &str = "puente_outbox_published";
/// Age of the oldest event that is committed and not yet published, by `service`.
pub const OUTBOX_LAG_SECONDS: &str = "puente_outbox_lag_seconds";
/// Events handled, by `consumer` and `outcome`.
pub const EVENTS_CONSUMED: &str = "puente_events_consumed";
/// Time of handling one event, commit included, by `consumer`.
pub const EVENT_SECONDS: &str = "puente_event_seconds";
/// Age of the oldest event of a batch when its handling begins, by `consumer`.
pub const EVENT_AGE_SECONDS: &str = "puente_event_age_seconds";
/// Events given up, by `consumer` and `reason`.
pub const DEAD_LETTERS: &str = "puente_dead_letters";
/// Effects settled, by `provider`, `operation` and `outcome`.
pub const EFFECTS: &str = "puente_effects";
/// Time from the claim of an effect to its settlement, by `provider` and `operation`.
pub const EFFECT_SECONDS: &str = "puente_effect_seconds";
/// Effects that are due and not done, by `provider`.
pub const EFFECTS_WAITING: &str = "puente_effects_waiting";
/// Share of a provider's quota that is used in its window, 0 to 1, by `provider`.
pub const QUOTA_USED: &str = "puente_quota_used";
/// 1 while the breaker of a provider is open, else 0, by `provider`.
pub const BREAKER_OPEN: &str = "puente_breaker_open";
/// HTTP calls to providers, by `provider`, `operation` and `outcome`.
pub const PROVIDER_CALLS: &str = "puente_provider_calls";
/// Time of one HTTP call to a provider, by `provider` and `operation`.
pub const PROVIDER_CALL_SECONDS: &str = "puente_provider_call_seconds";
/// Renewals of OAuth tokens, by `provider` and `outcome`.
pub const TOKEN_RENEWALS: &str = "puente_token_renewals";
/// Secrets of connections that end soon, by `provider` and `within` (`30d`, `7d`, `1d`, `ended`); each counts once.
pub const SECRETS_EXPIRING: &str = "puente_secrets_expiring";
/// Files in the store that no service has recorded, by `container`.
pub const FILES_UNRECORDED: &str = "puente_files_unrecorded";
/// Requests answered by our own APIs, by `service`, `route` (its template) and `status`.
pub const REQUESTS: &str = "puente_requests";
/// Time of one request to our own APIs, by `service` and `route`.
pub const REQUEST_SECONDS: &str = "puente_request_seconds";

/// From half a millisecond (a commit on a quiet disk) to the longest deadline of a provider call.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// The instruments; made from the global meter, and made anew when telemetry is installed after first use.
static CURRENT: LazyLock<ArcSwap<Instruments>> = LazyLock::new(|| ArcSwap::new(Arc::new(Instruments::new())));

struct Instruments {
    webhooks: Counter<u64>,
    webhook_seconds: Histogram<f64>,
    outbox_published: Counter<u64>,
    outbox_lag_seconds: Gauge<f64>,
    events_consumed: Counter<u64>,
    event_seconds: Histogram<f64>,
    event_age_seconds: Histogram<f64>,
    dead_letters: Counter<u64>,
    effects: Counter<u64>,
    effect_seconds: Histogram<f64>,
    effects_waiting: Gauge<u64>,
    quota_used: Gauge<f64>,
    breaker_open: Gauge<u64>,
    provider_calls: Counter<u64>,
    provider_call_seconds: Histogram<f64>,
    token_renewals: Counter<u64>,
    secrets_expiring: Gauge<u64>,
    files_unrecorded: Gauge<u64>,
    requests: Counter<u64>,
    request_seconds: Histogram<f64>,
}

impl Instruments {
    fn new() -> Self {
        let meter = opentelemetry::global::meter("puente");
        let seconds = |meter: &Meter, name: &'static str| {
            meter
                .f64_histogram(name)
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        Self {
            webhooks: meter.u64_counter(WEBHOOKS).build(),
            webhook_seconds: seconds(&meter, WEBHOOK_SECONDS),
            outbox_published: meter.u64_counter(OUTBOX_PUBLISHED).build(),
            outbox_lag_seconds: meter.f64_gauge(OUTBOX_LAG_SECONDS).build(),
            events_consumed: meter.u64_counter(EVENTS_CONSUMED).build(),
            event_seconds: seconds(&meter, EVENT_SECONDS),
            event_age_seconds: seconds(&meter, EVENT_AGE_SECONDS),
            dead_letters: meter.u64_counter(DEAD_LETTERS).build(),
            effects: meter.u64_counter(EFFECTS).build(),
            effect_seconds: seconds(&meter, EFFECT_SECONDS),
            effects_waiting: meter.u64_gauge(EFFECTS_WAITING).build(),
            quota_used: meter.f64_gauge(QUOTA_USED).build(),
            breaker_open: meter.u64_gauge(BREAKER_OPEN).build(),
            provider_calls: meter.u64_counter(PROVIDER_CALLS).build(),
            provider_call_seconds: seconds(&meter, PROVIDER_CALL_SECONDS),
            token_renewals: meter.u64_counter(TOKEN_RENEWALS).build(),
            secrets_expiring: meter.u64_gauge(SECRETS_EXPIRING).build(),
            files_unrecorded: meter.u64_gauge(FILES_UNRECORDED).build(),
            requests: meter.u64_counter(REQUESTS).build(),
            request_seconds: seconds(&meter, REQUEST_SECONDS),
        }
    }
}

/// Makes the instruments anew from the global meter provider; called when that is installed.
pub(crate) fn rebind() {
    CURRENT.store(Arc::new(Instruments::new()));
}

fn label(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, value.to_owned())
}

/// A webhook was answered. Its labels are static, so that they are not copied for each one.
pub fn webhook(provider: &'static str, outcome: &'static str, took: Duration) {
    let m = CURRENT.load();
    let provider = KeyValue::new("provider", provider);
    m.webhook_seconds
        .record(took.as_secs_f64(), std::slice::from_ref(&provider));
    m.webhooks.add(1, &[provider, KeyValue::new("outcome", outcome)]);
}

/// The relay of `service` handed `count` events to the broker.
pub fn outbox_published(service: &str, count: u64) {
    CURRENT
        .load()
        .outbox_published
        .add(count, &[label("service", service)]);
}

/// How far the relay of `service` is behind; zero when nothing waits.
pub fn outbox_lag(service: &str, age: Duration) {
    CURRENT
        .load()
        .outbox_lag_seconds
        .record(age.as_secs_f64(), &[label("service", service)]);
}

/// `count` events were handled with one outcome, in `took` altogether.
pub fn events_consumed(consumer: &str, outcome: &'static str, count: u64, took: Duration) {
    let m = CURRENT.load();
    m.events_consumed
        .add(count, &[label("consumer", consumer), label("outcome", outcome)]);
    m.event_seconds
        .record(took.as_secs_f64(), &[label("consumer", consumer)]);
}

/// How old the oldest event of a batch was when its handling began.
pub fn event_age(consumer: &str, age: Duration) {
    CURRENT
        .load()
        .event_age_seconds
        .record(age.as_secs_f64(), &[label("consumer", consumer)]);
}

/// An event was given up; `reason` is a word of a bounded set.
pub fn dead_letter(consumer: &str, reason: &'static str) {
    CURRENT
        .load()
        .dead_letters
        .add(1, &[label("consumer", consumer), label("reason", reason)]);
}

/// An effect was settled.
pub fn effect(provider: &str, operation: &str, outcome: &'static str, took: Duration) {
    let m = CURRENT.load();
    let (provider, operation) = (label("provider", provider), label("operation", operation));
    m.effects.add(
        1,
        &[provider.clone(), operation.clone(), label("outcome", outcome)],
    );
    m.effect_seconds
        .record(took.as_secs_f64(), &[provider, operation]);
}

/// How many effects of a provider are due and not done.
pub fn effects_waiting(provider: &str, count: u64) {
    CURRENT
        .load()
        .effects_waiting
        .record(count, &[label("provider", provider)]);
}

/// The share of a provider's quota in use, 0 to 1: the fullest connection counts.
pub fn quota_used(provider: &str, share: f64) {
    CURRENT
        .load()
        .quota_used
        .record(share, &[label("provider", provider)]);
}

/// Whether any breaker of the provider is open.
pub fn breaker_open(provider: &str, open: bool) {
    CURRENT
        .load()
        .breaker_open
        .record(u64::from(open), &[label("provider", provider)]);
}

/// One HTTP call to a provider ended.
pub fn provider_call(provider: &str, operation: &str, outcome: &'static str, took: Duration) {
    let m = CURRENT.load();
    let (provider, operation) = (label("provider", provider), label("operation", operation));
    m.provider_calls.add(
        1,
        &[provider.clone(), operation.clone(), label("outcome", outcome)],
    );
    m.provider_call_seconds
        .record(took.as_secs_f64(), &[provider, operation]);
}

/// A renewal of an OAuth token ended; `outcome` is a word of a bounded set.
pub fn token_renewal(provider: &str, outcome: &'static str) {
    CURRENT
        .load()
        .token_renewals
        .add(1, &[label("provider", provider), label("outcome", outcome)]);
}

/// How many secrets of a provider's connections end within a time.
pub fn secrets_expiring(provider: &str, within: &'static str, count: u64) {
    CURRENT
        .load()
        .secrets_expiring
        .record(count, &[label("provider", provider), label("within", within)]);
}

/// How many files of a container no service has recorded.
pub fn files_unrecorded(container: &str, count: u64) {
    CURRENT
        .load()
        .files_unrecorded
        .record(count, &[label("container", container)]);
}

/// One request to our own APIs was answered. `route` is the template (`/orders/{id}`), never the path.
pub fn request(service: &str, route: &str, status: u16, took: Duration) {
    let m = CURRENT.load();
    let (service, route) = (label("service", service), label("route", route));
    m.requests.add(
        1,
        &[
            service.clone(),
            route.clone(),
            KeyValue::new("status", i64::from(status)),
        ],
    );
    m.request_seconds.record(took.as_secs_f64(), &[service, route]);
}
