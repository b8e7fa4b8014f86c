//! What is printed and written: sections with tables, and the figures that were promised beside those that came.

use std::fmt::Write as _;

/// A run's results.
pub(crate) struct Report {
    /// The machine and the servers.
    pub(crate) machine: Vec<(String, String)>,
    /// In the order they were measured.
    pub(crate) sections: Vec<Section>,
}

/// One part.
pub(crate) struct Section {
    title: &'static str,
    method: &'static str,
    heads: &'static [&'static str],
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
    verdicts: Vec<Verdict>,
}

/// A figure with its target.
pub(crate) struct Verdict {
    what: &'static str,
    value: f64,
    target: f64,
    unit: &'static str,
    at_least: bool,
    /// Whether it holds on a machine that has nothing else to do only.
    idle_only: bool,
}

impl Verdict {
    pub(crate) fn at_least(
        what: &'static str,
        value: f64,
        target: f64,
        unit: &'static str,
        idle_only: bool,
    ) -> Self {
        Self {
            what,
            value,
            target,
            unit,
            at_least: true,
            idle_only,
        }
    }

    pub(crate) fn at_most(
        what: &'static str,
        value: f64,
        target: f64,
        unit: &'static str,
        idle_only: bool,
    ) -> Self {
        Self {
            at_least: false,
            ..Self::at_least(what, value, target, unit, idle_only)
        }
    }

    fn met(&self) -> bool {
        if self.at_least {
            self.value >= self.target
        } else {
            self.value <= self.target
        }
    }

    fn row(&self) -> [String; 5] {
        let number = |value: f64| match value.abs() {
            big if big >= 100.0 => format!("{value:.0}"),
            middle if middle >= 10.0 => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        let sign = if self.at_least { "≥" } else { "≤" };
        [
            self.what.to_owned(),
            format!("{sign} {} {}", number(self.target), self.unit)
                .trim_end()
                .to_owned(),
            format!("{} {}", number(self.value), self.unit)
                .trim_end()
                .to_owned(),
            if self.met() { "yes" } else { "no" }.to_owned(),
            if self.idle_only {
                "on an idle machine"
            } else {
                "always"
            }
            .to_owned(),
        ]
    }
}

impl Section {
    pub(crate) fn new(title: &'static str, method: &'static str, heads: &'static [&'static str]) -> Self {
        Self {
            title,
            method,
            heads,
            rows: Vec::new(),
            notes: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn verdict(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    /// In Markdown, which reads well on a terminal, too.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("## {}\n\n{}\n", self.title, self.method);
        if !self.rows.is_empty() {
            out.push('\n');
            out.push_str(&table(
                self.heads.iter().map(|head| (*head).to_owned()),
                &self.rows,
            ));
        }
        for note in &self.notes {
            let _ = write!(out, "\n- {note}");
        }
        out.push('\n');
        out
    }
}

impl Report {
    pub(crate) fn new(machine: Vec<(String, String)>) -> Self {
        Self {
            machine,
            sections: Vec::new(),
        }
    }

    /// What was promised, and what came.
    pub(crate) fn verdicts(&self) -> String {
        let all = self.sections.iter().flat_map(|section| &section.verdicts);
        let rows: Vec<_> = all.map(|verdict| verdict.row().to_vec()).collect();
        let heads = ["figure", "target", "measured", "reached", "must hold"];
        table(heads.into_iter().map(str::to_owned), &rows)
    }

    /// The whole document.
    pub(crate) fn document(&self) -> String {
        let mut out = String::from(
            "# Benchmarks\n\n<!-- Written by `make bench`; a change by hand is lost. -->\n\n\
             Every figure here comes from one run of `make bench` and can be repeated with it; `make bench ARGS=--quick` \
             takes about a minute, `ARGS=\"--only accept,e2e\"` measures parts. Compare ratios: what stands in one table was \
             measured in turns on the same machine in the same minutes, while absolute figures move with the machine and \
             with what else it does.\n\n## Method\n\n\
             - A release build of the services with their default configuration, logs and metrics on; only the limit of \
             requests per source is raised, since one address sends everything here. They take a thread for every second \
             processor, as the programs do; the bare handler takes all.\n\
             - A private PostgreSQL and a private nats-server, started by the same code and with the same settings as by \
             `puente up`: every commit is fsynced before it counts. Each part has a database and a broker of its own.\n\
             - The load generator is a process of its own on one thread, keeps its connections (HTTP/1.1, one request under way \
             on each), and has signed all bodies before the clock starts. It shares the processor with what it measures, so \
             all figures include its cost; the bare handler shows how much of the machine it takes.\n\
             - What is compared takes turns, round by round. A figure is the median of the rounds, a ratio the median of the \
             rounds' ratios; “± %” is half of the range. Times are those of the generator, from the first byte sent to the last byte received.\n\n## Machine\n\n",
        );
        for (what, value) in &self.machine {
            let _ = writeln!(out, "- {what}: {value}");
        }
        let _ = write!(out, "\n## Figures to reach\n\n{}", self.verdicts());
        for section in &self.sections {
            out.push('\n');
            out.push_str(&section.text());
        }
        out
    }
}

fn table(heads: impl Iterator<Item = String>, rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads.collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heads).chain(rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!(" {cell:<width$} "));
        format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
    };
    let rule = widths
        .iter()
        .map(|width| "-".repeat(width + 2))
        .collect::<Vec<_>>();
    let mut out = line(&heads);
    let _ = writeln!(out, "|{}|", rule.join("|"));
    for row in rows {
        out.push_str(&line(row));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_reached_from_its_own_side() {
        assert!(Verdict::at_least("a", 0.2, 0.2, "", false).met());
        assert!(!Verdict::at_most("a", 0.3, 0.2, "", false).met());
        assert!(!Verdict::at_least("a", f64::NAN, 0.2, "", false).met());
    }

    #[test]
    fn a_section_is_a_table_with_its_notes() {
        let mut section = Section::new("T", "How.", &["a", "b"]);
        section.row(["1".to_owned(), "long".to_owned()]);
        section.note("n".to_owned());
        assert_eq!(
            section.text(),
            "## T\n\nHow.\n\n| a | b    |\n|---|------|\n| 1 | long |\n\n- n\n"
        );
    }
}
