//! What `puente vault` says, to people and to programs.

use puente_types::ConnectionId;
use puente_vault::expiry::{Expiring, Within};
use puente_vault::oauth::{Grant, GrantState};
use puente_vault::reseal::{Census, Report};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::ui::{Tone, Ui, plain};
use crate::when::second;

/// Each with the service that it is of.
pub(super) struct Status {
    current: String,
    pub(super) sealed: Vec<(&'static str, Census)>,
    pub(super) grants: Vec<(&'static str, Grant)>,
    pub(super) expiring: Vec<(ConnectionId, Expiring)>,
}

impl Status {
    pub(super) fn new(current: String) -> Self {
        Self {
            current,
            sealed: Vec::new(),
            grants: Vec::new(),
            expiring: Vec::new(),
        }
    }

    pub(super) fn show(&self, json: bool, ui: &Ui) {
        if json {
            ui.line(&self.as_json().to_string());
            return;
        }
        ui.line(&format!("sealing under {}", self.current));
        let rows: Vec<_> = self.sealed.iter().map(|one| sealed_row(one, ui)).collect();
        if rows.is_empty() {
            ui.line("nothing is sealed yet");
        } else {
            ui.table(&["service", "place", "entries", "sealed under", ""], &rows);
        }
        if !self.grants.is_empty() {
            let rows: Vec<_> = self.grants.iter().map(|one| grant_row(one, ui)).collect();
            ui.heading("OAuth grants");
            ui.table(
                &["service", "connection", "tenant", "state", "until", "problem"],
                &rows,
            );
        }
        if !self.expiring.is_empty() {
            let rows: Vec<_> = self.expiring.iter().map(|one| end_row(one, ui)).collect();
            ui.heading("secrets with an end");
            ui.table(&["connection", "secret", "last day", "days left"], &rows);
        }
        let former = self.sealed.iter().filter(|(_, one)| !one.current).count();
        ui.line(&if former == 0 {
            ui.paint(Tone::Good, "nothing is under a former key")
        } else {
            ui.paint(
                Tone::Notice,
                "`puente vault reseal` seals the rest under today's key",
            )
        });
    }

    fn as_json(&self) -> Value {
        let sealed: Vec<_> = self
            .sealed
            .iter()
            .map(|(service, one)| {
                json!({
                    "service": service,
                    "place": one.place.as_str(),
                    "master": one.master,
                    "current": one.current,
                    "count": one.count,
                })
            })
            .collect();
        let grants: Vec<_> = self
            .grants
            .iter()
            .map(|(service, grant)| {
                let until = grant.status.expires_at.and_then(|at| at.format(&Rfc3339).ok());
                json!({
                    "service": service,
                    "tenant": grant.tenant,
                    "connection": grant.connection,
                    "state": grant.status.state.as_str(),
                    "expires_at": until,
                    "scope": grant.status.scope,
                    "problem": grant.status.problem,
                })
            })
            .collect();
        let expiring: Vec<_> = self
            .expiring
            .iter()
            .map(|(connection, end)| {
                json!({
                    "connection": connection.as_str(),
                    "secret": end.secret,
                    "expires_on": end.on.to_string(),
                    "days": end.days,
                    "within": Within::of(end.days).map(Within::as_str),
                })
            })
            .collect();
        json!({ "current": self.current, "sealed": sealed, "grants": grants, "expiring": expiring })
    }
}

fn sealed_row((service, one): &(&'static str, Census), ui: &Ui) -> Vec<String> {
    let state = if one.current {
        String::new()
    } else {
        ui.paint(Tone::Notice, "former")
    };
    vec![
        (*service).to_owned(),
        one.place.as_str().to_owned(),
        one.count.to_string(),
        plain(&one.master),
        state,
    ]
}

fn grant_row((service, grant): &(&'static str, Grant), ui: &Ui) -> Vec<String> {
    let state = match grant.status.state {
        GrantState::Active => "active".to_owned(),
        other => ui.paint(Tone::Bad, other.as_str()),
    };
    vec![
        (*service).to_owned(),
        plain(&grant.connection),
        plain(&grant.tenant),
        state,
        grant.status.expires_at.map(second).unwrap_or_default(),
        grant.status.problem.as_deref().map(plain).unwrap_or_default(),
    ]
}

fn end_row((connection, end): &(ConnectionId, Expiring), ui: &Ui) -> Vec<String> {
    let days = end.days.to_string();
    let days = match Within::of(end.days) {
        None => days,
        Some(Within::Ended | Within::Day) => ui.paint(Tone::Bad, &days),
        Some(Within::Month | Within::Week) => ui.paint(Tone::Notice, &days),
    };
    vec![
        connection.to_string(),
        plain(&end.secret),
        end.on.to_string(),
        days,
    ]
}

/// What the job did, each with the service that it is of.
#[derive(Default)]
pub(super) struct Resealed {
    pub(super) reports: Vec<(&'static str, Report)>,
}

impl Resealed {
    pub(super) fn show(&self, json: bool, ui: &Ui) {
        if json {
            let places: Vec<_> = self.reports.iter().map(report_json).collect();
            ui.line(&json!({ "places": places }).to_string());
            return;
        }
        let rows: Vec<_> = self
            .reports
            .iter()
            .map(|(service, one)| {
                vec![
                    (*service).to_owned(),
                    one.place.as_str().to_owned(),
                    one.resealed.to_string(),
                    one.already.to_string(),
                    one.changed.to_string(),
                    one.unreadable.to_string(),
                ]
            })
            .collect();
        ui.table(
            &[
                "service",
                "place",
                "sealed anew",
                "as they were",
                "changed meanwhile",
                "unreadable",
            ],
            &rows,
        );
        for example in self.reports.iter().flat_map(|(_, one)| &one.examples) {
            let text = format!("{}: {}", plain(&example.connection), example.reason);
            ui.line(&ui.paint(Tone::Bad, &text));
        }
    }

    /// Whether the job left something undone, in words.
    pub(super) fn complete(&self) -> Result<(), String> {
        let sum = |of: fn(&Report) -> u64| -> u64 { self.reports.iter().map(|(_, one)| of(one)).sum() };
        match (sum(|one| one.unreadable), sum(|one| one.changed)) {
            (0, 0) => Ok(()),
            (0, changed) => Err(format!(
                "{changed} entries were changed meanwhile; run it again, and look at `puente vault status`"
            )),
            (unreadable, _) => Err(format!(
                "{unreadable} entries are under a key that was not given; all others are done"
            )),
        }
    }
}

fn report_json((service, one): &(&'static str, Report)) -> Value {
    let examples: Vec<_> = one
        .examples
        .iter()
        .map(|example| json!({ "connection": example.connection, "reason": example.reason }))
        .collect();
    json!({
        "service": service,
        "place": one.place.as_str(),
        "resealed": one.resealed,
        "already": one.already,
        "changed": one.changed,
        "unreadable": one.unreadable,
        "examples": examples,
    })
}
