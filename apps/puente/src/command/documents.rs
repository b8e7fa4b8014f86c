//! `puente documents unrecorded|sweep|discard`: files that were stored and never recorded, straight in the gateway's tables.
//! The gateway does the looking and the deleting: it has the store, and asks the services.

use anyhow::anyhow;
use puente_blob::{BlobKey, Container};
use puente_gateway::unrecorded::{self, Discard, DiscardError, File, Swept};
use puente_rpc::Scope;
use puente_types::{Clock as _, SystemClock};

use crate::cli::{DocumentsAction, DocumentsArgs};
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui, plain};
use crate::when::second;

pub(crate) async fn run(args: DocumentsArgs, ui: &Ui) -> Done {
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    let now = SystemClock.now();
    match args.action {
        DocumentsAction::Unrecorded { tenant, limit } => {
            let scope = scope(tenant.as_deref())?;
            let pool = target.pool(&process, "gateway")?;
            let files = unrecorded::list(&pool, &scope, limit).await.map_err(away)?;
            let swept = unrecorded::swept(&pool).await.map_err(away)?;
            list(&files, &swept, args.json, ui)
        }
        DocumentsAction::Sweep => {
            let pool = target.pool(&process, "gateway")?;
            unrecorded::look_now(&pool, now).await.map_err(away)?;
            ui.note("The gateway looks through every container now; `puente documents unrecorded` shows what it found.");
            Ok(())
        }
        DocumentsAction::Discard { file, tenant, reason } => {
            let scope = scope(tenant.as_deref())?;
            let (container, key) = place(&file)?;
            let discard = Discard {
                container,
                key: &key,
                by: &crate::ask::subject(),
                reason: &reason,
            };
            let pool = target.pool(&process, "gateway")?;
            match unrecorded::discard(&pool, &scope, &discard, now).await {
                Ok(()) => {}
                Err(DiscardError::Database(error)) => return Err(away(error)),
                Err(error @ DiscardError::Reason) => return Err(Failed::usage(error)),
                Err(error) => return Err(Failed::from(anyhow!(error))),
            }
            ui.line(&format!(
                "{} {}",
                ui.paint(Tone::Notice, "discarded"),
                plain(&file)
            ));
            Ok(())
        }
    }
}

fn scope(tenant: Option<&str>) -> Done<Scope> {
    match tenant {
        Some(tenant) => Ok(Scope::Tenant(tenant.parse().map_err(Failed::usage)?)),
        None => Ok(Scope::Installation),
    }
}

fn place(file: &str) -> Done<(Container, BlobKey)> {
    let wrong = || Failed::usage(anyhow!("a file is named like orders/t/algesta/2026/11/…"));
    let (container, key) = file.split_once('/').ok_or_else(wrong)?;
    let container = container.parse::<Container>().map_err(|_| wrong())?;
    Ok((container, BlobKey::parse(key).map_err(|_| wrong())?))
}

fn away(error: sqlx::Error) -> Failed {
    let error = anyhow::Error::from(error);
    Failed::from(error.context("the gateway's tables cannot be used; `puente migrate gateway` makes them"))
}

fn list(files: &[File], swept: &[Swept], json: bool, ui: &Ui) -> Done {
    if json {
        for file in files {
            ui.line(&serde_json::to_value(file)?.to_string());
        }
        return Ok(());
    }
    if swept.iter().any(|one| one.under_way) {
        ui.note("The gateway is looking; there may be more.");
    } else if let Some(first) = swept.iter().filter_map(|one| one.finished_at).min() {
        ui.note(&format!(
            "Every container was looked through since {}.",
            second(first)
        ));
    } else {
        ui.note("The gateway has not looked yet: it does when it has a store and all services that keep documents.");
    }
    if files.is_empty() {
        ui.line("no unrecorded files");
        return Ok(());
    }
    let rows: Vec<_> = files.iter().map(row).collect();
    ui.table(&["found", "stored", "bytes", "tenant", "file", "state"], &rows);
    Ok(())
}

fn row(file: &File) -> Vec<String> {
    let state = file.discarded_by.as_ref().map_or("", |_| "discarded");
    vec![
        second(file.found_at),
        second(file.stored_at),
        file.bytes.to_string(),
        file.tenant.clone().unwrap_or_default(),
        plain(&format!("{}/{}", file.container, file.name)),
        state.to_owned(),
    ]
}
