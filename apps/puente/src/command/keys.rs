//! `puente keys create|list|revoke`: API keys of the gateway, straight in its database, so that the first one can be
//! made before anybody can log in. What is changed leaves its row in the audit trail, as it does at the door.

use anyhow::anyhow;
use puente_gateway::domain::Role;
use puente_gateway::keys::{self, Key, NewKey};
use puente_rpc::Scope;
use puente_types::{Clock as _, SystemClock, TenantId};
use serde_json::Value;
use sqlx::PgPool;
use time::Duration;

use crate::cli::{KeysAction, KeysArgs};
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui, plain};
use crate::when::second;

/// Whose key it is, when it is no tenant's.
const INSTALLATION: &str = "(installation)";
/// Keys in one list.
const MOST: usize = 10_000;

pub(crate) async fn run(args: KeysArgs, ui: &Ui) -> Done {
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    let now = SystemClock.now();
    match args.action {
        KeysAction::Create {
            name,
            tenant,
            installation: _,
            role,
            per_minute,
            days,
        } => {
            let new = NewKey {
                tenant: tenant.as_deref().map(tenant_id).transpose()?,
                name,
                role: role.parse::<Role>().map_err(Failed::usage)?,
                per_minute,
                expires_at: days.map(|days| now.saturating_add(Duration::days(days.into()))),
                created_by: crate::ask::subject(),
            };
            let pool = target.pool(&process, "gateway")?;
            let created = keys::recorded::create(&pool, &new, now)
                .await
                .map_err(|error| match error {
                    keys::KeyError::Database(_) => away(error),
                    other => Failed::usage(other),
                })?;
            if args.json {
                let mut value = value(&created.key)?;
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("text".to_owned(), created.text.expose().into());
                }
                ui.line(&value.to_string());
            } else {
                ui.line(created.text.expose());
                ui.note("This is shown once. Keep it where secrets are kept.");
            }
        }
        KeysAction::List { tenant } => {
            let scope = match tenant {
                Some(tenant) => Scope::Tenant(tenant_id(&tenant)?),
                None => Scope::Installation,
            };
            let pool = target.pool(&process, "gateway")?;
            let all = all(&pool, &scope).await.map_err(away)?;
            list(&all, args.json, ui)?;
            if all.len() >= MOST {
                ui.note(&format!(
                    "only the newest {MOST} are shown; `--tenant` narrows them"
                ));
            }
        }
        KeysAction::Revoke { key } => {
            let pool = target.pool(&process, "gateway")?;
            let by = crate::ask::subject();
            let revoked = keys::recorded::revoke(&pool, &Scope::Installation, &key, &by, now).await;
            let revoked = revoked
                .map_err(away)?
                .ok_or_else(|| anyhow!("there is no such key; `puente keys list` has ids and prefixes"))?;
            if args.json {
                ui.line(&value(&revoked)?.to_string());
            } else {
                ui.line(&format!(
                    "{} {} ({})",
                    ui.paint(Tone::Notice, "revoked"),
                    revoked.prefix,
                    plain(&revoked.name)
                ));
            }
        }
    }
    Ok(())
}

/// All keys of the scope, as far as a list goes.
async fn all(pool: &PgPool, scope: &Scope) -> Result<Vec<Key>, sqlx::Error> {
    let mut all = Vec::new();
    loop {
        let below = all.last().map(|key: &Key| key.id);
        let page = keys::page(pool, scope, below, keys::MOST_LISTED).await?;
        let full = page.len() >= keys::MOST_LISTED as usize;
        all.extend(page);
        if !full || all.len() >= MOST {
            all.truncate(MOST);
            return Ok(all);
        }
    }
}

fn tenant_id(text: &str) -> Done<TenantId> {
    text.parse().map_err(Failed::usage)
}

fn away(error: impl Into<anyhow::Error>) -> Failed {
    let error: anyhow::Error = error.into();
    Failed::from(error.context("the gateway's tables cannot be used; `puente migrate gateway` makes them"))
}

fn value(key: &Key) -> Done<Value> {
    Ok(serde_json::to_value(key)?)
}

fn list(keys: &[Key], json: bool, ui: &Ui) -> Done {
    if json {
        for key in keys {
            ui.line(&value(key)?.to_string());
        }
        return Ok(());
    }
    if keys.is_empty() {
        ui.line("no keys yet; `puente keys create` makes one");
        return Ok(());
    }
    let rows: Vec<_> = keys.iter().map(row).collect();
    ui.table(
        &[
            "prefix",
            "tenant",
            "role",
            "name",
            "a minute",
            "made",
            "used last",
            "state",
        ],
        &rows,
    );
    Ok(())
}

fn row(key: &Key) -> Vec<String> {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", second(at)),
        (None, Some(at)) => format!("until {}", second(at)),
        (None, None) => "good".to_owned(),
    };
    vec![
        key.prefix.clone(),
        key.tenant.clone().unwrap_or_else(|| INSTALLATION.to_owned()),
        key.role.clone(),
        plain(&key.name),
        key.per_minute.to_string(),
        second(key.created_at),
        key.last_used_at.map(second).unwrap_or_default(),
        state,
    ]
}
