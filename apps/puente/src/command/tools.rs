//! `puente tools`: sees to it that nats-server, PostgreSQL and the models that read plates are there, and says where.

use crate::cli::ToolsArgs;
use crate::exit::Done;
use crate::tools::{Choice, Tools, Which};
use crate::ui::Ui;

pub(crate) fn run(args: &ToolsArgs, ui: &Ui) -> Done {
    let tools = Tools::new(&args.dir.dir)?;
    let choice = if args.fetch { Choice::Pinned } else { Choice::Any };
    let mut rows = Vec::new();
    for which in [Which::Nats, Which::Postgres] {
        let found = tools.ensure(which, choice, ui)?;
        rows.push(vec![
            tools.about(which).to_owned(),
            found.version.to_string(),
            found.origin.to_owned(),
            found.program.display().to_string(),
        ]);
    }
    let models = tools.ensure_models(ui)?;
    let (about, version) = tools.about_models();
    let origin = if models.starts_with(&args.dir.dir) {
        "fetched"
    } else {
        "variable"
    };
    rows.push(vec![
        about.to_owned(),
        version.to_owned(),
        origin.to_owned(),
        models.display().to_string(),
    ]);
    ui.table(&["program", "version", "from", "path"], &rows);
    Ok(())
}
