//! What was promised against what happened: the table at the end.

use std::collections::BTreeSet;

use puente_proto::Event;
use puente_proto::documents::DocumentStored;
use puente_proto::messaging::{MessageReceived, ReceiptChanged};
use puente_proto::notifications::{MessageQueued, MessageRequested, MessageStateChanged};
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::{CaptureContinued, OrderOpened, OrderStateChanged, SignatureRequested};
use puente_proto::signature::{EnvelopeSent, SignatureStateChanged, SignerStateChanged};
use puente_proto::signing::EnvelopeChanged;
use puente_proto::sync::TaskChanged;
use puente_providers::sim::Entry;

use crate::demo::cast::Cast;
use crate::demo::screen::Screen;
use crate::demo::story::Told;
use crate::demo::{Demo, PROVIDERS};
use crate::ui::Tone;

/// The events that the journey of an order is made of.
const JOURNEY: [&str; 5] = [
    MessageReceived::TYPE.name,
    OrderOpened::TYPE.name,
    TaskChanged::TYPE.name,
    MessageQueued::TYPE.name,
    MessageStateChanged::TYPE.name,
];

/// What the way from the order to the signed document adds.
const SIGNING: [&str; 7] = [
    SignatureRequested::TYPE.name,
    EnvelopeSent::TYPE.name,
    EnvelopeChanged::TYPE.name,
    SignerStateChanged::TYPE.name,
    DocumentStored::TYPE.name,
    SignatureStateChanged::TYPE.name,
    OrderStateChanged::TYPE.name,
];

/// What the way from a photograph to a record sheet is made of.
const PLATE: [&str; 4] = [
    CaptureContinued::TYPE.name,
    CaptureStateChanged::TYPE.name,
    DocumentStored::TYPE.name,
    MessageRequested::TYPE.name,
];

/// One row.
#[derive(Debug)]
struct Row {
    what: &'static str,
    found: String,
    expected: Option<String>,
}

/// The whole table.
#[derive(Debug)]
pub(crate) struct Verdict {
    rows: Vec<Row>,
    traces: Vec<(String, String)>,
}

/// Counts, and compares.
pub(crate) async fn reach(demo: &Demo, told: &Told, cast: &Cast) -> anyhow::Result<Verdict> {
    // Receipts that repeat others may still be on their way.
    demo.until_quiet().await?;
    let ledger = demo.timeline.ledger();
    let mut people: Vec<_> = told.clients.iter().collect();
    people.extend([&cast.marta, &cast.sofia, &told.technician]);
    let contacts: BTreeSet<&str> = people.iter().map(|person| person.contact.as_str()).collect();
    let sum = |count: &dyn Fn(&str) -> usize| contacts.iter().map(|contact| count(contact)).sum::<usize>();
    let entries: Vec<Entry> = PROVIDERS.iter().flat_map(|slug| demo.hub.journal(slug)).collect();
    let sent: Vec<&Entry> = entries
        .iter()
        .filter(|entry| contacts.contains(digits(&entry.recipient)))
        .collect();
    let once: BTreeSet<_> = sent
        .iter()
        .filter_map(|entry| entry.reference.as_deref())
        .collect();
    let to_norte = sent
        .iter()
        .filter(|entry| entry.tenant.as_deref() == Some("norte"));
    let foreign = to_norte
        .filter(|entry| digits(&entry.recipient) != cast.sofia.contact)
        .count()
        + sent
            .iter()
            .filter(|e| digits(&e.recipient) == cast.sofia.contact && e.tenant.as_deref() != Some("norte"))
            .count();
    let callbacks: u64 = PROVIDERS
        .iter()
        .map(|slug| demo.hub.callbacks(slug).delivered)
        .sum();
    let given_up: u64 = PROVIDERS
        .iter()
        .map(|slug| demo.hub.callbacks(slug).given_up)
        .sum();
    let receipts: usize = PROVIDERS.iter().map(|slug| ledger.receipts(slug)).sum();
    let queued = sum(&|contact| ledger.messages_to(contact));
    let unread = people
        .iter()
        .filter(|person| !ledger.all_read(&person.contact))
        .count();
    let repeated_messages = demo.post.count("duplicate");
    let repeated_receipts = callbacks.saturating_sub(receipts as u64);
    let accepted = demo.post.count("accepted") + receipts as u64;

    let clients = told.clients.len();
    let mut rows = Vec::new();
    let mut row = |what, found: String, expected: Option<String>| {
        rows.push(Row {
            what,
            found,
            expected,
        });
    };
    let exactly = |n: usize| Some(n.to_string());
    row("webhooks accepted", accepted.to_string(), None);
    row("  of these receipts", receipts.to_string(), exactly(3 * queued));
    row(
        "duplicates refused",
        (repeated_messages + repeated_receipts).to_string(),
        None,
    );
    row("  of these messages", repeated_messages.to_string(), exactly(2));
    row("forged refused", told.refused.forged.to_string(), exactly(2));
    row(
        "another tenant's refused",
        told.refused.foreign.to_string(),
        exactly(1),
    );
    row(
        "oversized refused",
        told.refused.oversized.to_string(),
        exactly(1),
    );
    row(
        "wrong content type refused",
        told.refused.content_type.to_string(),
        exactly(1),
    );
    row(
        "clients registered",
        sum(&|contact| ledger.registered(contact)).to_string(),
        exactly(clients),
    );
    row(
        "orders opened",
        sum(&|contact| ledger.orders_of(contact).len()).to_string(),
        exactly(clients),
    );
    row("messages sent", sent.len().to_string(), exactly(queued));
    row(
        "messages sent twice",
        (sent.len() - once.len()).to_string(),
        exactly(0),
    );
    row("messages in doubt", ledger.parked().to_string(), exactly(0));
    row("people with unread messages", unread.to_string(), exactly(0));
    row(
        "states that went back",
        ledger.moved_back().to_string(),
        exactly(0),
    );
    row(
        "messages to another tenant's people",
        foreign.to_string(),
        exactly(0),
    );
    row(
        "receipts given up by a provider",
        given_up.to_string(),
        exactly(0),
    );

    let mut traces = Vec::new();
    for person in [&cast.ana, &cast.luis] {
        // Meta carries our trace back in its receipts; Jelou has no field for it.
        let carries_back = person.provider == "whatsapp_cloud";
        let receipts = carries_back.then_some(ReceiptChanged::TYPE.name);
        let order = ledger.orders_of(&person.contact).first();
        let trace = order.and_then(|order| order.trace.clone()).unwrap_or_default();
        let inside = ledger.in_trace(&trace);
        let missing: Vec<_> = JOURNEY
            .into_iter()
            .chain(receipts)
            .filter(|name| !inside.contains(name))
            .collect();
        let number = order.map(|order| order.number.clone()).unwrap_or_default();
        row(
            "hops of an order outside its trace",
            missing.len().to_string(),
            exactly(0),
        );
        traces.push((format!("{number}, {}", person.name), trace));
    }
    let signed = &told.signed;
    row(
        "envelopes at DocuSign for the order",
        ledger
            .envelopes_of(&signed.order)
            .len()
            .max(made(demo))
            .to_string(),
        exactly(1),
    );
    row(
        "signed contracts that are not what was recorded",
        usize::from(!signed.intact).to_string(),
        exactly(0),
    );
    let inside = ledger.in_trace(signed.trace.as_deref().unwrap_or_default());
    let outside = SIGNING.into_iter().filter(|name| !inside.contains(name)).count();
    row(
        "hops of the signature outside the order's trace",
        outside.to_string(),
        exactly(0),
    );
    let tasks = demo.hub.journal("asana");
    let tasks: Vec<_> = tasks
        .iter()
        .filter(|entry| entry.operation == "tasks.create")
        .collect();
    let orders: BTreeSet<_> = tasks.iter().map(|entry| entry.reference.as_deref()).collect();
    row("tasks at Asana", tasks.len().to_string(), None);
    row(
        "tasks at Asana for an order that has one",
        (tasks.len() - orders.len()).to_string(),
        exactly(0),
    );
    let sheet = &told.sheet;
    traces.push((format!("serial {}", sheet.serial), sheet.trace.clone()));
    let inside = ledger.in_trace(&sheet.trace);
    let outside = PLATE.into_iter().filter(|name| !inside.contains(name)).count();
    row(
        "hops of the plate outside its trace",
        outside.to_string(),
        exactly(0),
    );
    row("serial read from the plate", sheet.serial.clone(), None);
    row(
        "plates that were misread",
        usize::from(!sheet.right).to_string(),
        exactly(0),
    );
    row(
        "record sheets of this serial",
        sheet.assets.to_string(),
        exactly(1),
    );
    row(
        "record sheets that are not what was recorded",
        usize::from(!sheet.intact).to_string(),
        exactly(0),
    );
    Ok(Verdict { rows, traces })
}

/// Envelopes that the simulator has made in this run.
fn made(demo: &Demo) -> usize {
    let created = |entry: &&Entry| entry.operation == "envelopes.create";
    demo.hub.journal("docusign").iter().filter(created).count()
}

fn digits(recipient: &str) -> &str {
    recipient.trim_start_matches('+')
}

impl Row {
    fn holds(&self) -> bool {
        self.expected
            .as_ref()
            .is_none_or(|expected| *expected == self.found)
    }
}

impl Verdict {
    /// What is not as promised.
    pub(crate) fn broken(&self) -> Vec<String> {
        let told = |row: &Row| {
            let expected = row.expected.as_deref().unwrap_or_default();
            format!("{}: {} instead of {expected}", row.what.trim(), row.found)
        };
        self.rows.iter().filter(|row| !row.holds()).map(told).collect()
    }

    /// The table.
    pub(crate) fn print(&self, screen: &Screen) {
        screen.part("What came of it");
        let ui = screen.ui();
        // What must not happen is shown only if it did.
        let shown = self
            .rows
            .iter()
            .filter(|row| !(row.holds() && row.expected.as_deref() == Some("0")));
        let rows: Vec<_> = shown
            .map(|row| {
                let mark = match (row.holds(), &row.expected) {
                    (false, Some(expected)) => ui.paint(Tone::Bad, &format!("should be {expected}")),
                    (true, Some(_)) => ui.paint(Tone::Good, "as promised"),
                    (_, None) => String::new(),
                };
                vec![row.what.to_owned(), format!("{:>6}", row.found), mark]
            })
            .collect();
        ui.table(&[], &rows);
        if self.broken().is_empty() {
            ui.line(&ui.paint(
                Tone::Good,
                "  Nothing lost, nothing doubled, nothing out of its trace.",
            ));
        }
        for (about, trace) in &self.traces {
            ui.line(&format!("  trace of {about}: {trace}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_an_expectation_always_holds_and_others_only_when_equal() {
        let row = |found: &str, expected: Option<&str>| Row {
            what: "orders opened",
            found: found.to_owned(),
            expected: expected.map(str::to_owned),
        };
        assert!(row("7", None).holds() && row("2", Some("2")).holds() && !row("3", Some("2")).holds());
        let verdict = Verdict {
            rows: vec![row("2", Some("2")), row("3", Some("2"))],
            traces: Vec::new(),
        };
        assert_eq!(verdict.broken(), ["orders opened: 3 instead of 2"]);
    }
}
