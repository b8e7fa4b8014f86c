//! Bringing the database to the state that this version needs, service by service.

use std::collections::BTreeMap;
use std::io::Read;
use std::str::FromStr;

use anyhow::Context;
use puente_service::migrate::{Logins, migrate};
use puente_types::Secret;
use sqlx::postgres::PgConnectOptions;

use crate::exit::{Done, Failed};
use crate::fleet::Member;
use crate::home::Login;

/// Migrates the schemas of these services and leaves the passwords of their roles as they are.
pub(crate) async fn migrate_all(admin: &Secret, members: &[&'static Member]) -> Done {
    for member in members {
        migrate_one(admin, member, &Logins::default()).await?;
    }
    Ok(())
}

/// Migrates the schemas of these services, and gives each role a new password. For private servers: the passwords
/// live as long as the process that made them.
pub(crate) async fn migrate_with_logins(
    admin: &Secret,
    members: &[&'static Member],
) -> Done<BTreeMap<String, Login>> {
    let mut logins = BTreeMap::new();
    for member in members {
        let (worker, api) = (random_password()?, random_password()?);
        let login = Login {
            worker: login_url(admin, &format!("{}_worker", member.name), &worker)?,
            api: login_url(admin, &format!("{}_api", member.name), &api)?,
        };
        let passwords = Logins {
            worker: Some(Secret::new(worker)),
            api: Some(Secret::new(api)),
        };
        migrate_one(admin, member, &passwords).await?;
        logins.insert(member.name.to_owned(), login);
    }
    Ok(logins)
}

async fn migrate_one(admin: &Secret, member: &Member, logins: &Logins) -> Done {
    migrate(
        admin,
        member.name,
        &puente_outbox::MIGRATIONS,
        member.migrations,
        logins,
    )
    .await
    .with_context(|| format!("the schema of {} cannot be migrated", member.name))
    .map_err(Failed::from)
}

/// The same database for another login.
fn login_url(admin: &Secret, role: &str, password: &str) -> anyhow::Result<String> {
    let options = PgConnectOptions::from_str(admin.expose())
        .ok()
        .context("the database URL cannot be read")?;
    let database = options.get_database().unwrap_or("postgres");
    Ok(format!(
        "postgres://{role}:{password}@{}:{}/{database}",
        options.get_host(),
        options.get_port()
    ))
}

/// 192 random bits in hex, which needs no escaping in a URL.
fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 24];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("the machine gives no random bytes")?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_logs_into_the_administrators_database() {
        let admin = Secret::new("postgres://puente:s3cret@127.0.0.1:5555/puente");
        let url = login_url(&admin, "orders_worker", "abc").unwrap();
        assert_eq!(url, "postgres://orders_worker:abc@127.0.0.1:5555/puente");
    }
}
