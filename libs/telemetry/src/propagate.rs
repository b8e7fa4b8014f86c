//! The W3C `traceparent`: reading it off the current span, and continuing a trace from a stored one.
//!
//! Stored values come from our own rows and headers, but also from callers outside; one that is malformed is
//! treated as absent and never as an error.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// `traceparent` of version 00: `00-<32 hex>-<16 hex>-<2 hex>`.
const LENGTH: usize = 55;

/// The `traceparent` of the current span, or `None` when no span is open or no telemetry is installed.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| write(span))
}

/// Makes `span` a child of the stored trace. Call it right after the span is made and before it is entered or
/// logged in: a span that has started keeps the parent it has. Nothing happens without a valid `traceparent`.
pub fn set_parent(span: &tracing::Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent.and_then(parse) {
        // Fails when the span is filtered out or telemetry is not installed: then there is no trace to continue.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Links `span` to another trace without becoming its child: for a batch that serves many.
pub fn link(span: &tracing::Span, traceparent: Option<&str>) {
    if let Some(other) = traceparent.and_then(parse) {
        span.add_link(other);
    }
}

/// Sets an attribute of `span` that was not known when it was made. It shows in the trace only: recording a declared
/// field would have every log layer parse and write the span's fields again.
pub fn attribute(span: &tracing::Span, key: &'static str, value: impl Into<opentelemetry::Value>) {
    span.set_attribute(key, value);
}

/// The trace id inside a valid `traceparent`: what a person searches for.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    parse(traceparent)?;
    traceparent.get(3..35)
}

/// Whether this is a `traceparent` that can be continued.
#[must_use]
pub fn valid_traceparent(traceparent: &str) -> bool {
    parse(traceparent).is_some()
}

fn write(span: &SpanContext) -> String {
    format!(
        "00-{}-{}-{:02x}",
        span.trace_id(),
        span.span_id(),
        span.trace_flags().to_u8()
    )
}

fn parse(text: &str) -> Option<SpanContext> {
    // Later versions may append parts; version 00 may not.
    let may_go_on = !text.starts_with("00") && text.as_bytes().get(LENGTH) == Some(&b'-');
    if text.len() != LENGTH && !may_go_on {
        return None;
    }
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace = TraceId::from_hex(hex(parts.next()?, 32)?).ok()?;
    let span = SpanId::from_hex(hex(parts.next()?, 16)?).ok()?;
    let flags = u8::from_str_radix(hex(parts.next()?, 2)?, 16).ok()?;
    if version == "ff" {
        return None;
    }
    // Of the flags only `sampled` is known to version 00; the rest must not be passed on.
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

fn hex(text: &str, length: usize) -> Option<&str> {
    let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    (text.len() == length && text.bytes().all(lower)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_traceparent_gives_its_trace_id() {
        assert_eq!(trace_id(GOOD), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(valid_traceparent(GOOD));
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
        ] {
            assert!(!valid_traceparent(bad), "{bad:?} must be refused");
            assert_eq!(trace_id(bad), None);
        }
    }

    #[test]
    fn a_later_version_may_carry_more_parts() {
        assert!(valid_traceparent(
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
        ));
    }

    #[test]
    fn without_a_subscriber_there_is_no_traceparent() {
        let span = tracing::info_span!("alone");
        set_parent(&span, Some(GOOD));
        link(&span, Some(GOOD));
        let _entered = span.enter();
        assert_eq!(current_traceparent(), None);
    }
}
