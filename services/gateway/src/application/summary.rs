//! The summary of an order as a PDF: what its owner knows, put together for whoever sets and keeps it (ORD-05).

use puente_proto::orders::{GetClientRequest, GetJournalRequest, JournalEntry, OrderSummary};
use puente_proto::signature::{MakeSummaryRequest, SummaryDocument, SummaryStep};

use super::documents;
use super::failure::Failure;
use super::questions::Ask;
use crate::domain::Principal;

/// Steps and documents of one summary at most, as its contract says.
const MOST_STEPS: usize = 200;
const MOST_DOCUMENTS: u32 = 50;

/// Has it made; the document's id. `state` names a state of the table as people read it.
pub(crate) async fn make(
    ask: Ask<'_>,
    principal: &Principal,
    order: &OrderSummary,
    state: impl Fn(&str) -> String,
) -> Result<String, Failure> {
    let journal = ask.get_journal(GetJournalRequest {
        order_id: order.order_id.clone(),
    });
    let client = ask.get_client(GetClientRequest {
        client_id: order.client_id.clone(),
    });
    let others = documents::of_order(ask, principal, &order.order_id, MOST_DOCUMENTS);
    let (journal, client, others) = futures::join!(journal, client, others);
    let journal = journal.map_err(|status| Failure::of("orders", &status))?;
    // A client who was forgotten meanwhile is in the order by name.
    let client = client.ok().and_then(|found| found.client).unwrap_or_default();
    let skipped = journal.entries.len().saturating_sub(MOST_STEPS);
    let steps = journal.entries.iter().skip(skipped);
    let request = MakeSummaryRequest {
        order_id: order.order_id.clone(),
        number: order.number.clone(),
        state_label: state(&order.state),
        client_name: order.client_name.clone(),
        client_tax_id: client.nit,
        client_phone: order.client_phone.clone(),
        client_email: client.email,
        service: order.service.clone(),
        description: order.description.clone(),
        location: order.location.clone(),
        opened_at: order.opened_at,
        agent: or_id(&order.agent_name, &order.agent),
        service_provider: or_id(&order.service_provider_name, &order.service_provider),
        amount_minor: order.quotation.as_ref().map(|quotation| quotation.amount_minor),
        currency: order
            .quotation
            .as_ref()
            .map(|quotation| quotation.currency.clone())
            .unwrap_or_default(),
        steps: steps.map(|entry| step(entry, &state)).collect(),
        version: order.version,
        documents: others?
            .items
            .into_iter()
            .filter(|(_, document)| document.kind != "summary")
            .map(|(_, document)| SummaryDocument {
                name: document.file_name,
                sha256: document.sha256,
            })
            .collect(),
    };
    let made = ask.make_summary(request).await;
    let made = made.map_err(|status| Failure::of("signature", &status))?;
    Ok(made.document_id)
}

fn or_id(name: &str, id: &str) -> String {
    if name.is_empty() { id } else { name }.to_owned()
}

fn step(entry: &JournalEntry, state: impl Fn(&str) -> String) -> SummaryStep {
    SummaryStep {
        at: entry.at,
        title: state(&entry.after),
        detail: entry.reason.clone(),
    }
}
