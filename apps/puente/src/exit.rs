//! How a command fails: one line with its causes for the person, a code for the script.

use std::process::ExitCode;

use crate::ui::Ui;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    code: u8,
    error: anyhow::Error,
}

/// What a command answers.
pub(crate) type Done<T = ()> = Result<T, Failed>;

/// Something did not work.
const FAILURE: u8 = 1;
/// The command line, the configuration or a file given is wrong; clap uses the same.
const USAGE: u8 = 2;
/// A program that is needed is missing or too old.
const MISSING: u8 = 3;

impl Failed {
    /// The command line, the configuration or a file given is wrong.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: USAGE,
            error: error.into(),
        }
    }

    /// A program that is needed is missing or of the wrong version.
    pub(crate) fn missing(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: MISSING,
            error: error.into(),
        }
    }

    /// Says what went wrong, where more follows.
    pub(crate) fn tell(&self, ui: &Ui) {
        ui.error(&chain(&self.error));
    }

    /// Says what went wrong and gives the code to end with.
    pub(crate) fn report(self, ui: &Ui) -> ExitCode {
        self.tell(ui);
        ExitCode::from(self.code)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self {
            code: FAILURE,
            error: error.into(),
        }
    }
}

/// The error and its causes, outermost first. A cause that its error already repeats is left out.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_follow_on_the_same_line_and_are_not_repeated() {
        let error = anyhow!("the disk is full")
            .context("cannot write a: the disk is full")
            .context("no state");
        assert_eq!(chain(&error), "no state: cannot write a: the disk is full");
    }
}
