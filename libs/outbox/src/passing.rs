//! What an answer of the database says about the statement that got it: something, or nothing.

/// The statement ran for longer than it may, or somebody stopped it.
const CANCELED: &str = "57014";
/// The server only reads for now: another one takes over.
const READ_ONLY: &str = "25006";
/// Classes of SQLSTATE that pass by themselves: connection, rollback (deadlock), resources, locks, operator, system.
const PASSING: [&str; 6] = ["08", "40", "53", "55", "57", "58"];
/// Those of them that every other statement would meet now, too.
const AWAY: [&str; 4] = ["08", "53", "57", "58"];

/// Whether a database error says nothing about the statement: no connection, a shutdown, too many clients, a deadlock.
#[must_use]
pub fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code == READ_ONLY || of_class(&code, &PASSING)),
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::RowNotFound => false,
        _ => true,
    }
}

/// Whether a statement was stopped for its length. That may be the load of a bad hour, or the statement itself: whoever
/// repeats it must count.
pub(crate) fn is_overlong(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some(CANCELED))
}

/// Whether the database cannot be worked with now, whatever the statement.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(answer) => answer
            .code()
            .is_some_and(|code| code != CANCELED && (code == READ_ONLY || of_class(&code, &AWAY))),
        other => is_passing(other),
    }
}

fn of_class(code: &str, classes: &[&str]) -> bool {
    classes.iter().any(|class| code.starts_with(class))
}
