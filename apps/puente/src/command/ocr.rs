//! `puente ocr list|accuracy|export`: photographs of serial plates, and what was read.

mod export;

use anyhow::anyhow;
use puente_proto::ocr::{AccuracyRow, Capture, GetAccuracyRequest, ListCapturesRequest};
use tonic::Status;

use crate::answer;
use crate::ask::{Fleet, Peer};
use crate::cli::{AskArgs, OcrAction, OcrArgs};
use crate::exit::{Done, Failed};
use crate::ui::{Ui, plain};

/// The most that one answer holds.
const PAGE: u32 = 100;

pub(crate) async fn run(args: OcrArgs, ui: &Ui) -> Done {
    match args.action {
        OcrAction::List {
            states,
            serial,
            order,
            limit,
            ask,
        } => {
            let wanted = ListCapturesRequest {
                states,
                serial: serial.unwrap_or_default(),
                order_id: order.unwrap_or_default(),
                ..ListCapturesRequest::default()
            };
            list(&wanted, limit, &ask, ui).await
        }
        OcrAction::Accuracy { days, ask } => accuracy(days, &ask, ui).await,
        OcrAction::Export {
            folder,
            mistaken,
            unjudged,
            limit,
            ask,
        } => {
            let wanted = export::Wanted {
                folder: &folder,
                mistaken,
                unjudged,
                limit,
            };
            export::run(wanted, &ask, ui).await
        }
    }
}

/// The service, asked for one tenant.
fn peer(ask: &AskArgs) -> Done<Peer> {
    if ask.tenant.is_none() {
        return Err(Failed::usage(anyhow!(
            "captures belong to a tenant: name it by --tenant"
        )));
    }
    Fleet::find(ask)?.peer("ocr").cloned()
}

/// A thing whose number may be as large as this.
fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

async fn list(wanted: &ListCapturesRequest, limit: u32, ask: &AskArgs, ui: &Ui) -> Done {
    let peer = peer(ask)?;
    let found = captures(&peer, wanted, limit).await;
    let found = found.map_err(|status| peer.failed(&status))?;
    if ask.json {
        for one in &found {
            ui.line(&answer::value("puente.ocr.v1.Capture", one)?.to_string());
        }
        return Ok(());
    }
    if found.is_empty() {
        ui.line("no such captures");
        return Ok(());
    }
    let heading = [
        "began", "state", "serial", "sure", "photo", "origin", "by", "capture",
    ];
    let rows: Vec<_> = found.iter().map(row).collect();
    ui.table(&heading, &rows);
    Ok(())
}

/// Up to so many captures.
async fn captures(peer: &Peer, wanted: &ListCapturesRequest, limit: u32) -> Result<Vec<Capture>, Status> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let question = ListCapturesRequest {
            page_size: limit.saturating_sub(count(found.len())).min(PAGE),
            cursor,
            ..wanted.clone()
        };
        let page = peer.captures().list_captures(peer.request(question)?).await?;
        let page = page.into_inner();
        found.extend(page.captures);
        cursor = page.next_cursor;
        if cursor.is_empty() || count(found.len()) >= limit {
            return Ok(found);
        }
    }
}

fn row(one: &Capture) -> Vec<String> {
    vec![
        answer::time(one.opened_at.as_ref()),
        plain(&one.state),
        plain(&one.serial),
        sure(one.confidence_permille),
        format!("{}/{}", one.attempt, one.attempts_allowed),
        plain(&one.origin),
        plain(&one.by),
        plain(&one.capture_id),
    ]
}

/// A confidence; nothing of what was not read.
fn sure(permille: u32) -> String {
    if permille == 0 {
        String::new()
    } else {
        format!("{}.{} %", permille / 10, permille % 10)
    }
}

async fn accuracy(days: u32, ask: &AskArgs, ui: &Ui) -> Done {
    let peer = peer(ask)?;
    let question = GetAccuracyRequest { days };
    let answer = async { peer.captures().get_accuracy(peer.request(question)?).await };
    let rows = answer
        .await
        .map_err(|status| peer.failed(&status))?
        .into_inner()
        .rows;
    if ask.json {
        for row in &rows {
            ui.line(&answer::value("puente.ocr.v1.AccuracyRow", row)?.to_string());
        }
        return Ok(());
    }
    let judged = |row: &AccuracyRow| row.group == "all" && row.judged > 0;
    if !rows.iter().any(judged) {
        ui.line("nobody judged a reading in these days");
        return Ok(());
    }
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                plain(&row.group),
                plain(&row.name),
                row.judged.to_string(),
                row.exact.to_string(),
                rate(row),
            ]
        })
        .collect();
    ui.table(&["group", "name", "judged", "exact", "rate"], &shown);
    Ok(())
}

fn rate(row: &AccuracyRow) -> String {
    let permille = row.exact.saturating_mul(1000).checked_div(row.judged);
    permille.map_or_else(String::new, |permille| {
        format!("{}.{} %", permille / 10, permille % 10)
    })
}
