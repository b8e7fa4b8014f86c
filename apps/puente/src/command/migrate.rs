//! `puente migrate`: roles, schemas and tables of the services.

use crate::cli::MigrateArgs;
use crate::database;
use crate::exit::Done;
use crate::fleet;
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui};

pub(crate) async fn run(args: &MigrateArgs, ui: &Ui) -> Done {
    let members = fleet::choose(&args.services)?;
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    for member in members {
        database::migrate_all(target.database()?, &[member]).await?;
        ui.line(&format!("{} {}", ui.paint(Tone::Good, "up to date"), member.name));
    }
    Ok(())
}
