//! From a photograph to a record sheet: the technician sends the plate in the chat, is told the serial, and the sheet of the
//! equipment is fetched as a PDF.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::AssetRegistered;
use puente_providers::sim::Inbound;
use serde_json::Value;

use crate::demo::cast::Person;
use crate::demo::screen::{Line, Side};
use crate::demo::signing::Office;
use crate::demo::{Demo, Level, hop};
use crate::ui::Tone;

/// A plate as a phone sees it: a little askew, with a reflection beside it.
const PHOTO: &[u8] = include_bytes!("../../demo/plate.jpg");
/// What stands on it.
const SERIAL: &str = "C2MNF9YS";
/// A busy machine takes seconds to read a plate, and to set a sheet.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often an awaited end is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The record sheet that was made.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// The trace that the plate was read in.
    pub(crate) trace: String,
    /// What was read.
    pub(crate) serial: String,
    /// Whether that is what stands on the plate.
    pub(crate) right: bool,
    /// Assets of this serial.
    pub(crate) assets: usize,
    /// The PDF on this machine.
    pub(crate) file: PathBuf,
    /// Whether its hash is the one that was recorded.
    pub(crate) intact: bool,
}

impl Office {
    /// Plays it, for equipment that belongs to an order.
    pub(crate) async fn photograph(
        &self,
        demo: &Demo,
        technician: &Person,
        number: &str,
    ) -> anyhow::Result<Sheet> {
        demo.screen
            .part("The technician photographs the plate of the equipment, in the chat");
        demo.show.set(Level::Outside);
        let heard = demo.timeline.ledger().messages_to(&technician.contact);
        demo.say(technician, &format!("leer placa {number}")).await?;
        let _ = demo.hear(technician, heard).await?;
        demo.show.set(Level::Every);
        self.send_photo(demo, technician).await?;
        let trace = demo
            .timeline
            .until(PATIENCE, "the plate to be read", |ledger| ledger.read_plate())
            .await?;
        let asset = self.asset().await?;
        // The serial, and the number of the sheet.
        let _ = demo.hear(technician, heard + 2).await?;
        demo.until_read(technician).await?;
        demo.show.set(Level::Outside);
        let (file, intact) = self.sheet(demo, &asset).await?;
        demo.show.set(Level::Nothing);
        let serial = text(&asset, "serial");
        let all = self.desk.get(&format!("/api/assets?search={SERIAL}")).await?;
        Ok(Sheet {
            trace,
            right: serial == SERIAL,
            assets: all.get("assets").and_then(Value::as_array).map_or(0, Vec::len),
            serial,
            file,
            intact,
        })
    }

    async fn send_photo(&self, demo: &Demo, technician: &Person) -> anyhow::Result<()> {
        let photo = demo.hub.put_media(technician.provider, PHOTO, "image/jpeg");
        let message = Inbound {
            kind: "image".to_owned(),
            payload: photo,
            ..technician.message("")
        };
        let webhook = demo.hub.webhook(technician.provider, &message)?;
        tokio::time::sleep(demo.pace.typing).await;
        let size = format!("a photograph of {} kB", PHOTO.len() / 1024);
        demo.screen.hop(&line(
            &technician.name,
            Side::Person,
            "sends",
            &size,
            Tone::Strong,
        ));
        let answer = demo.post.send(&webhook).await?;
        let accepted = answer.word == "accepted";
        demo.screen.hop(&hop::answer(&answer, accepted));
        ensure!(accepted, "the photograph was answered with {}", answer.status);
        Ok(())
    }

    /// The asset, as soon as the sheet of its last version is made.
    async fn asset(&self) -> anyhow::Result<Value> {
        let made = async {
            loop {
                let found = self.desk.get(&format!("/api/assets?search={SERIAL}")).await?;
                let asset = found.get("assets").and_then(|assets| assets.get(0));
                if let Some(asset) = asset
                    && !text(asset, "sheet_document_id").is_empty()
                    && asset.get("sheet_version") == asset.get("version")
                {
                    return Ok::<_, anyhow::Error>(asset.clone());
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(PATIENCE, made)
            .await
            .context("the record sheet was not made")?
    }

    /// Fetches the sheet as the agent would.
    async fn sheet(&self, demo: &Demo, asset: &Value) -> anyhow::Result<(PathBuf, bool)> {
        let (id, number) = (text(asset, "sheet_document_id"), text(asset, "number"));
        let about = text(asset, "asset_id");
        let list = self
            .desk
            .get(&format!("/api/documents?about_kind=asset&about_id={about}"))
            .await?;
        let documents = list.get("documents").and_then(Value::as_array);
        let recorded = documents
            .into_iter()
            .flatten()
            .find(|document| text(document, "document_id") == id)
            .with_context(|| format!("the asset has no sheet: {list}"))?;
        let hash = text(recorded, "sha256");
        let (file, intact, _) = self
            .open(&id, &hash, &format!("hoja-de-vida-{number}.pdf"))
            .await?;
        let detail = format!("{number}, serial {}", text(asset, "serial"));
        demo.screen.hop(&line(
            "Laura Mejía",
            Side::Person,
            "opens the record sheet",
            &detail,
            Tone::Good,
        ));
        Ok((file, intact))
    }
}

/// What is shown of a plate's way.
pub(crate) fn shown(envelope: &puente_bus::Envelope) -> Option<(&'static str, String)> {
    if let Ok(event) = envelope.decode::<CaptureStateChanged>() {
        let sure = match event.confidence_permille {
            0 => String::new(),
            permille => format!(", {} %", permille / 10),
        };
        let serial = if event.serial.is_empty() {
            String::new()
        } else {
            format!(": {}{sure}", event.serial)
        };
        return Some(("plate", format!("{}{serial}", event.after)));
    }
    let event = envelope.decode::<AssetRegistered>().ok()?;
    Some((
        "asset registered",
        format!("{}, serial {}", event.number, event.serial),
    ))
}

fn text(value: &Value, name: &str) -> String {
    let found = value.get(name).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn line(who: &str, side: Side, what: &str, detail: &str, tone: Tone) -> Line {
    hop::line(who, side, what, detail.to_owned(), tone)
}
