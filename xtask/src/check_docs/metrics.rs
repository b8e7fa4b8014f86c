//! Dashboards and alerts speak of metrics that exist, and no metric is without a panel.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::tree;

const LIST: &str = "libs/telemetry/src/metric.rs";
const DASHBOARD: &str = "deploy/observability/grafana-dashboard.json";
const ALERTS: &str = "deploy/observability/alerts.yml";
/// What Prometheus adds to the names of counters and histograms.
const SUFFIXES: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let list = tree::read(&root.join(LIST))?;
    let defined: BTreeSet<&str> = list
        .lines()
        .filter(|line| line.starts_with("pub const "))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    let dashboard = tree::read(&root.join(DASHBOARD))?;
    let mut problems = Vec::new();
    for (file, text) in [
        (DASHBOARD, dashboard.as_str()),
        (ALERTS, &tree::read(&root.join(ALERTS))?),
    ] {
        for name in named(text) {
            if !defined.contains(name) {
                problems.push(format!("{file}: there is no metric `{name}` in {LIST}"));
            }
        }
    }
    let shown = named(&dashboard);
    for name in defined.difference(&shown) {
        problems.push(format!("{DASHBOARD}: the metric `{name}` has no panel"));
    }
    Ok(problems)
}

/// The metrics that a text speaks of, by the names they have in the code.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'))
        .filter(|word| word.starts_with("puente_"))
        .map(|word| {
            SUFFIXES
                .iter()
                .find_map(|suffix| word.strip_suffix(suffix))
                .unwrap_or(word)
        })
        .collect()
}
