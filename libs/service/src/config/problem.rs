//! What is wrong with a configuration: all of it, one line a mistake.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key with its tables, e.g. `database.max_connections`.
    pub key: String,
    /// What is wrong with it. Values of secrets are never shown.
    pub what: String,
    /// Where it was set, if it was.
    pub origin: Option<String>,
}

/// Every mistake of a service's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The service.
    pub service: String,
    /// The mistakes, at least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "the configuration of {} has {count} {noun}:", self.service)?;
        for Problem { key, what, origin } in &self.problems {
            write!(f, "\n  {key}: {what}")?;
            if let Some(origin) = origin {
                write!(f, " (from {origin})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
