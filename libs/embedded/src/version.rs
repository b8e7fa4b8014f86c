//! Which version a program is, and whether it will do.

use std::path::Path;
use std::process::Command;

use crate::error::ServerError;

/// Runs `<program> --version` as `command` and refuses what is older than `needed`.
pub(crate) fn check(
    program: &'static str,
    mut command: Command,
    needed: (u32, u32),
    needed_text: &'static str,
) -> Result<(), ServerError> {
    let path = Path::new(command.get_program()).to_owned();
    let output = command.arg("--version").current_dir("/").output();
    let output = output.map_err(|error| ServerError::Unusable {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(found) = parse(&text) else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let reason = if said.trim().is_empty() {
            text.trim().to_owned()
        } else {
            said.trim().to_owned()
        };
        return Err(ServerError::Unusable { path, reason });
    };
    if found < needed {
        let found = format!("{}.{}", found.0, found.1);
        return Err(ServerError::TooOld {
            program,
            found,
            needed: needed_text,
        });
    }
    Ok(())
}

/// The first thing that looks like a version: `nats-server: v2.15.1`, `postgres (PostgreSQL) 18.6`, `… 18beta1`.
fn parse(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let word = word.strip_prefix('v').unwrap_or(word);
        let mut parts = word.split('.');
        let number = |part: &str| -> Option<u32> {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end)?.parse().ok()
        };
        let major = number(parts.next()?)?;
        Some((major, parts.next().and_then(number).unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_write_them() {
        assert_eq!(parse("nats-server: v2.15.1\n"), Some((2, 15)));
        assert_eq!(parse("postgres (PostgreSQL) 18.6"), Some((18, 6)));
        assert_eq!(
            parse("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some((15, 18))
        );
        assert_eq!(parse("postgres (PostgreSQL) 19beta1"), Some((19, 0)));
        assert_eq!(parse("no such thing"), None);
    }

    #[test]
    fn an_old_program_is_refused_in_one_line() {
        let mut old = Command::new("sh");
        old.args(["-c", "echo nats-server: v2.9.10"]);
        let error = check("nats-server", old, (2, 12), "2.12").expect_err("too old");
        assert_eq!(
            error.to_string(),
            "nats-server is version 2.9, but 2.12 or newer is needed"
        );
    }
}
