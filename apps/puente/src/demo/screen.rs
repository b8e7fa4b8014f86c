//! The demo's terminal: one line per hop with its time since the start, and a bar at the bottom while something is
//! awaited.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::{Tone, Ui};

/// Where the demo writes. Clones write to the same terminal.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    ui: Ui,
    begin: Instant,
    bar: Arc<ProgressBar>,
}

/// Who a line is about; decides its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A person's phone.
    Person,
    /// The provider.
    Provider,
    /// One of our services.
    Fleet,
}

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Who did it: a person's name, a provider, a service.
    pub(crate) who: String,
    /// Where they stand.
    pub(crate) side: Side,
    /// What happened, in few words.
    pub(crate) what: String,
    /// The particulars.
    pub(crate) detail: String,
    /// How it is meant.
    pub(crate) tone: Tone,
}

impl Screen {
    /// The clock starts now.
    pub(crate) fn new(ui: Ui) -> Self {
        let target = if ui.moves() { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let bar = Arc::new(ProgressBar::with_draw_target(Some(0), target));
        Self { ui, begin: Instant::now(), bar }
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// A hop.
    pub(crate) fn hop(&self, line: &Line) {
        let Line { who, side, what, detail, tone } = line;
        let mark = match side {
            Side::Person => "»",
            Side::Provider => "◆",
            Side::Fleet => "·",
        };
        let time = format!("{:>8.3}", self.elapsed().as_secs_f64());
        let text = format!(
            "{} {mark} {who:<15} {} {}",
            self.ui.paint(Tone::Dim, &time),
            self.ui.paint(*tone, &format!("{what:<22}")),
            detail
        );
        self.print(text.trim_end());
    }

    /// A heading between parts of the story.
    pub(crate) fn part(&self, text: &str) {
        self.print("");
        self.print(&self.ui.paint(Tone::Strong, text));
    }

    /// A plain line.
    pub(crate) fn print(&self, text: &str) {
        self.bar.suspend(|| self.ui.line(text));
    }

    /// Shows that something is awaited; `total` steps are to come.
    pub(crate) fn expect(&self, total: u64, what: &str) {
        let template = if total > 1 { "  {spinner} {msg} [{bar:30}] {pos}/{len}" } else { "  {spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(total);
        self.bar.set_position(0);
        self.bar.set_message(what.to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    /// One step done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Nothing is awaited any more.
    pub(crate) fn done(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        self.bar.reset();
    }

    /// The terminal itself, for tables.
    pub(crate) fn ui(&self) -> &Ui {
        &self.ui
    }
}
