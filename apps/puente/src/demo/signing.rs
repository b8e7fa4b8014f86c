//! From the order to the signed contract: the agent quotes and sends, three people sign at the simulated DocuSign, and
//! the signed PDF is fetched by a link that ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::demo::cast::{Person, TECHNICIAN};
use crate::demo::desk::Desk;
use crate::demo::screen::{Line, Side};
use crate::demo::{Demo, Level, hop};
use crate::ui::Tone;

/// A busy machine takes seconds to set a contract.
const PATIENCE: Duration = Duration::from_secs(90);
/// The agent's and the service provider's ids in the directory.
const AGENT: &str = "laura.mejia";
const SERVICE_PROVIDER: &str = "frio-andino";
/// Where an order stands when all have signed.
const SIGNED: &str = "PolizaAsignada";

/// The contract that was signed.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// The order.
    pub(crate) order: String,
    /// The trace it was opened in.
    pub(crate) trace: Option<String>,
    /// The signed PDF on this machine.
    pub(crate) file: PathBuf,
    /// Whether its hash is the one that was recorded.
    pub(crate) intact: bool,
}

/// The way to the gateway and to the signers' side of the simulator.
#[derive(Debug)]
pub(crate) struct Office {
    /// What the agent works with.
    pub(crate) desk: Desk,
    /// Where the simulators answer.
    pub(crate) simulators: String,
    /// Where the PDF is put.
    pub(crate) folder: PathBuf,
}

impl Office {
    /// Plays it for the client's latest order.
    pub(crate) async fn play(&self, demo: &Demo, client: &Person) -> anyhow::Result<Signed> {
        demo.screen
            .part("The agent quotes the repair, and sends the contract to its three signers");
        let opened = demo.timeline.ledger().orders_of(&client.contact).last().cloned();
        let opened = opened.with_context(|| format!("{} has no order", client.name))?;
        self.introduce().await?;
        self.agree(demo, &opened.id).await?;
        self.send(demo, &opened.id).await?;
        let envelope = demo
            .timeline
            .until(PATIENCE, "the envelope to leave for its signers", |ledger| {
                ledger.envelopes_of(&opened.id).pop_first()
            })
            .await?;
        demo.show.set(Level::Outside);
        for (recipient, name) in [
            ("1", client.name.as_str()),
            ("2", "Frío Andino S.A.S."),
            ("3", "Laura Mejía"),
        ] {
            self.sign(demo, &envelope, recipient, name).await?;
        }
        demo.show.set(Level::Every);
        demo.timeline
            .until(PATIENCE, "the signed contract to be stored", |ledger| {
                ledger.stands(&opened.id, SIGNED).then_some(())
            })
            .await?;
        demo.until_read(client).await?;
        demo.show.set(Level::Outside);
        let (file, intact) = self.fetch(demo, &opened.id, &opened.number).await?;
        demo.show.set(Level::Nothing);
        Ok(Signed {
            order: opened.id,
            trace: opened.trace,
            file,
            intact,
        })
    }

    /// Puts the agent, the service provider and the technician into the directory.
    async fn introduce(&self) -> anyhow::Result<()> {
        let people = [
            (
                AGENT,
                json!({
                    "kind": "agent", "name": "Laura Mejía", "email": "laura.mejia@algesta.example",
                    "phone": "+573011234567", "active": true,
                }),
            ),
            (
                SERVICE_PROVIDER,
                json!({
                    "kind": "service_provider", "name": "Frío Andino S.A.S.", "tax_id": "900123456-8",
                    "email": "contratos@frioandino.example", "phone": "+573021234567",
                    "address": "Carrera 15 # 93-75, Bogotá", "active": true,
                }),
            ),
            (
                "julian.ortiz",
                json!({
                    "kind": "agent", "name": "Julián Ortiz", "email": "julian.ortiz@frioandino.example",
                    "phone": format!("+{TECHNICIAN}"), "active": true,
                }),
            ),
        ];
        for (id, person) in people {
            self.desk.put(&format!("/api/directory/{id}"), person).await?;
        }
        Ok(())
    }

    /// Assigns, quotes, and notes that the client agreed.
    async fn agree(&self, demo: &Demo, order: &str) -> anyhow::Result<()> {
        let to = |what: &str| format!("/api/orders/{order}/{what}");
        let people = json!({ "agent": AGENT, "service_provider": SERVICE_PROVIDER });
        self.desk.post(&to("assignment"), people).await?;
        let price = json!({
            "amount_minor": 125_000_000, "currency": "COP", "note": "Revisión, carga de gas y cambio de capacitor",
        });
        for (transition, quotation) in [
            ("start_quotation", Value::Null),
            ("send_quotation", price),
            ("approve_quotation", Value::Null),
        ] {
            let mut step = json!({ "transition": transition });
            if !quotation.is_null()
                && let Some(step) = step.as_object_mut()
            {
                step.insert("quotation".to_owned(), quotation);
            }
            self.desk.post(&to("transitions"), step).await?;
        }
        demo.screen.hop(&line(
            "Laura Mejía",
            Side::Person,
            "quotes",
            "$ 1.250.000, and the client agrees",
            Tone::Strong,
        ));
        Ok(())
    }

    /// Sends the contract, and shows that sending it twice is one sending.
    async fn send(&self, demo: &Demo, order: &str) -> anyhow::Result<()> {
        demo.show.set(Level::Every);
        let sent = self
            .desk
            .post(&format!("/api/orders/{order}/send-to-signature"), json!({}))
            .await?;
        let request = sent.get("request_id").and_then(Value::as_str).unwrap_or_default();
        ensure!(!request.is_empty(), "the sending has no id: {sent}");
        demo.screen.hop(&line(
            "gateway",
            Side::Fleet,
            "send-to-signature",
            &format!("202, request {request}"),
            Tone::Good,
        ));
        Ok(())
    }

    /// Lets a signer open the documents and sign, as a person does on the provider's page.
    async fn sign(&self, demo: &Demo, envelope: &str, recipient: &str, name: &str) -> anyhow::Result<()> {
        tokio::time::sleep(demo.pace.typing).await;
        let control = format!(
            "{}/docusign/_control/envelopes/{envelope}/signers/{recipient}",
            self.simulators
        );
        for does in ["open", "sign"] {
            let (status, text) = demo.post.json(&control, &json!({ "does": does })).await?;
            ensure!(status == 200, "{name} cannot {does}: {status} {text}");
        }
        demo.screen
            .hop(&line(name, Side::Person, "signs", "at DocuSign", Tone::Strong));
        Ok(())
    }

    /// Fetches the signed contract as the agent would.
    async fn fetch(&self, demo: &Demo, order: &str, number: &str) -> anyhow::Result<(PathBuf, bool)> {
        let list = self
            .desk
            .get(&format!("/api/documents?about_kind=order&about_id={order}"))
            .await?;
        let documents = list.get("documents").and_then(Value::as_array);
        let signed = documents
            .into_iter()
            .flatten()
            .find(|document| document.get("kind").and_then(Value::as_str) == Some("signed"))
            .ok_or_else(|| anyhow!("the order has no signed document: {list}"))?;
        let text = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (id, hash) = (text(signed, "document_id"), text(signed, "sha256"));
        let (file, intact, size) = self.open(&id, &hash, &format!("contrato-{number}.pdf")).await?;
        demo.screen.hop(&line(
            "Laura Mejía",
            Side::Person,
            "opens the contract",
            &format!(
                "{} kB by a link that ends, SHA-256 {}…",
                size / 1024,
                short(&hash)
            ),
            Tone::Good,
        ));
        Ok((file, intact))
    }

    /// Follows the link to a document, puts it under this name beside the data, and says whether it is what was recorded, and
    /// how long it is.
    pub(crate) async fn open(
        &self,
        id: &str,
        hash: &str,
        name: &str,
    ) -> anyhow::Result<(PathBuf, bool, usize)> {
        let link = self
            .desk
            .post(&format!("/api/documents/{id}/link"), json!({}))
            .await?;
        let url = link.get("url").and_then(Value::as_str).unwrap_or_default();
        let bytes = self.desk.follow(url).await?;
        let intact = hex::encode(Sha256::digest(&bytes)) == hash;
        let file = self.folder.join(name);
        write(&file, &bytes).await?;
        Ok((file, intact, bytes.len()))
    }
}

async fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    tokio::fs::write(file, bytes)
        .await
        .with_context(|| format!("{} cannot be written", file.display()))
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

fn line(who: &str, side: Side, what: &str, detail: &str, tone: Tone) -> Line {
    hop::line(who, side, what, detail.to_owned(), tone)
}
