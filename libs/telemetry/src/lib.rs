//! Logs, traces and metrics of every program, set up in one call.
//!
//! [`init`] installs the subscriber and the OpenTelemetry providers of the process. [`metric`] is the only list
//! of metric names and [`field`] the only list of field keys, so that dashboards and log queries cannot drift
//! from the code. [`propagate`] carries the W3C `traceparent` over everything that is not a function call:
//! message headers, outbox rows, effect rows.
//!
//! A trace id exists for every span even when nothing is exported: rows that outlive the process keep it, and
//! exporting may be switched on later. Bodies, credentials and phone numbers must never reach a span or a log.

pub mod field;
mod init;
mod json_log;
pub mod metric;
pub mod propagate;

pub use init::{LogFormat, TRACED_ONLY, Telemetry, TelemetryConfig, TelemetryError, init, render};
pub use propagate::{attribute, current_traceparent, link, set_parent, trace_id, valid_traceparent};
