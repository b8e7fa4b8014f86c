//! `puente run`: services in this process, on servers that are there.

use puente_service::Runtime;
use puente_service::admin::Admin;
use tokio_util::sync::CancellationToken;

use crate::cli::RunArgs;
use crate::exit::{Done, Failed};
use crate::fleet::{self, Fleet};
use crate::home::Home;
use crate::signals::Signals;
use crate::target::{Process, Target};
use crate::ui::Ui;

pub(crate) async fn run(args: RunArgs, ui: &Ui) -> Done {
    let members = fleet::choose(&args.services)?;
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    let telemetry = puente_telemetry::init(&process.telemetry).map_err(Failed::usage)?;
    let mut signals = Signals::catch()?;
    let root = Runtime::new("puente");
    let admin = Admin::bind(&process.admin).await?;
    let mut rows = vec![vec!["health".to_owned(), format!("http://{}", admin.address())]];
    let end = CancellationToken::new();
    let admin = admin.serve(root.clone(), end.clone());
    let overrides = |member: &fleet::Member, _: &fleet::Endpoints| target.overrides(&process, member);
    let started = Box::pin(Fleet::start(root, &members, &process.sources, overrides));

    let serve = async {
        let fleet = started.await?;
        let addresses = fleet.endpoints.iter();
        rows.extend(addresses.map(|(name, address)| vec![(*name).to_owned(), format!("http://{address}")]));
        ui.table(&[], &rows);
        let failed = tokio::select! {
            error = fleet.failed() => Some(error),
            () = signals.next() => None,
        };
        let stopped = signals.unless_again(fleet.stop()).await;
        failed.map_or(stopped, |error| Err(Failed::from(error)))
    };
    // The health port answers from before the first service until after the last one.
    let (done, _) = tokio::join!(
        async {
            let done = Box::pin(serve).await;
            end.cancel();
            done
        },
        admin
    );
    telemetry.shutdown().await;
    done
}
