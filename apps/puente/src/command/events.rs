//! `puente events tail|catalog`.

use anyhow::Context as _;
use puente_proto::json::Personal;
use puente_proto::{CATALOGUE, DESCRIPTORS};
use puente_service::NatsConfig;
use puente_types::{Clock as _, SystemClock};

use crate::cli::{CatalogArgs, EventsAction, EventsArgs, TailArgs};
use crate::events::broker::Broker;
use crate::events::catalogue::Entry;
use crate::events::feed::{Feed, Next, Start};
use crate::events::pattern::{self, Pattern};
use crate::events::shown::Shown;
use crate::exit::Done;
use crate::home::Home;
use crate::signals::Signals;
use crate::target::{Process, Target};
use crate::ui::Ui;

pub(crate) async fn run(args: EventsArgs, ui: &Ui) -> Done {
    match args.action {
        EventsAction::Tail(args) => Box::pin(tail(args, ui)).await,
        EventsAction::Catalog(args) => catalog(&args, ui),
    }
}

async fn tail(args: TailArgs, ui: &Ui) -> Done {
    let wanted = Pattern::parse(args.subject.as_deref(), args.tenant.as_deref())?;
    let types = pattern::types(&args.types)?;
    let config = broker(&args)?;
    let start = match (args.since, args.from_seq) {
        (Some(since), _) => Start::Time(since.instant(SystemClock.now())),
        (None, Some(sequence)) => Start::Sequence(sequence),
        (None, None) if args.no_follow => Start::Sequence(1),
        (None, None) => Start::New,
    };
    let mut signals = Signals::catch()?;
    let read = async {
        let broker = Broker::connect(&config, args.inbox.as_deref()).await?;
        Feed::begin(broker, wanted.filter(), start, &config.url).await
    };
    let mut feed = tokio::select! {
        feed = read => feed?,
        () = signals.next() => return Ok(()),
    };
    if !args.no_follow {
        ui.note(&format!("listening to {}; Ctrl-C ends", wanted.filter()));
    }
    let personal = if args.reveal {
        Personal::Shown
    } else {
        Personal::Masked
    };
    let mut away = false;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let next = tokio::select! {
            next = feed.next() => next?,
            () = signals.next() => return Ok(()),
        };
        let taken = match next {
            Next::Taken(taken) => taken,
            Next::Drained if args.no_follow => break,
            Next::Drained => continue,
            Next::Interrupted => {
                if !std::mem::replace(&mut away, true) {
                    ui.note("interrupted; going on where it was as soon as the broker answers");
                }
                continue;
            }
        };
        away = false;
        if taken.counts_anew {
            ui.note("the broker was filled anew: events come again, under the ids they had");
        }
        let shown = Shown::read(&taken, personal);
        if !types.is_empty() && !shown.kind().is_some_and(|kind| types.contains(kind)) {
            continue;
        }
        let text = if args.json {
            serde_json::to_string(&shown)?
        } else {
            shown.text(ui)
        };
        if !ui.printed(&text) {
            break; // nobody reads any more
        }
        left -= 1;
    }
    Ok(())
}

/// What the command line names; else the configuration; else what runs in the folder.
fn broker(args: &TailArgs) -> Done<NatsConfig> {
    let mut config = match &args.nats_url {
        Some(url) => NatsConfig::at(url),
        None => {
            let target = Target::find(&Process::read()?, &Home::new(&args.dir.dir)?);
            target.nats()?.clone()
        }
    };
    if let Some(file) = &args.creds {
        config.credentials_file = Some(file.clone());
    }
    Ok(config)
}

fn catalog(args: &CatalogArgs, ui: &Ui) -> Done {
    if let Some(file) = &args.descriptors {
        std::fs::write(file, DESCRIPTORS).with_context(|| format!("cannot write {}", file.display()))?;
        ui.note(&format!(
            "wrote the schema of {} events to {}",
            CATALOGUE.len(),
            file.display()
        ));
        return Ok(());
    }
    let entries: Vec<_> = match &args.subject {
        Some(subject) => Pattern::parse(Some(subject), None)?
            .events()
            .map(Entry::of)
            .collect(),
        None => CATALOGUE.iter().map(Entry::of).collect(),
    };
    if args.json {
        for entry in &entries {
            ui.line(&serde_json::to_string(entry)?);
        }
        return Ok(());
    }
    if args.subject.is_none() {
        let row = |entry: &Entry| vec![entry.name.clone(), entry.owner.to_owned(), entry.about.to_owned()];
        let mut rows: Vec<_> = entries.iter().map(row).collect();
        rows.sort();
        ui.table(&["event", "published by", "meaning"], &rows);
        return Ok(());
    }
    for entry in &entries {
        ui.heading(&entry.name);
        ui.line(entry.about);
        ui.line(&format!(
            "subject {}, message {}, published by {}",
            entry.subject, entry.kind, entry.owner
        ));
        let rows: Vec<_> = entry
            .fields
            .iter()
            .map(|field| {
                let personal = if field.personal { "personal" } else { "" };
                vec![
                    field.name.clone(),
                    field.kind.clone(),
                    personal.to_owned(),
                    field.about.clone(),
                ]
            })
            .collect();
        ui.table(&["field", "type", "", "meaning"], &rows);
    }
    Ok(())
}
