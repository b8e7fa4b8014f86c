//! The demo's terminal: one line per hop with its time since the start, and a bar at the bottom while something is
//! awaited.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::{Tone, Ui};

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Where the demo writes. Clones write to the same terminal.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    ui: Ui,
    begin: Instant,
    bar: Arc<Mutex<Option<ProgressBar>>>,
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
        Self {
            ui,
            begin: Instant::now(),
            bar: Arc::default(),
        }
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// A hop.
    pub(crate) fn hop(&self, line: &Line) {
        let Line {
            who,
            side,
            what,
            detail,
            tone,
        } = line;
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
        match &*self.bar() {
            Some(bar) => bar.suspend(|| self.ui.line(text)),
            None => self.ui.line(text),
        }
    }

    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows that something is awaited; `total` steps are to come.
    pub(crate) fn expect(&self, total: u64, what: &'static str) {
        self.done();
        if !self.ui.moves() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stdout());
        let template = if total > 1 {
            "  {spinner} {msg} [{bar:30}] {pos}/{len} in {elapsed}"
        } else {
            "  {spinner} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        *self.bar() = Some(bar);
    }

    /// One step done.
    pub(crate) fn step(&self) {
        if let Some(bar) = &*self.bar() {
            bar.inc(1);
        }
    }

    /// Nothing is awaited any more.
    pub(crate) fn done(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    /// The terminal itself, for tables.
    pub(crate) fn ui(&self) -> &Ui {
        &self.ui
    }
}
