//! `docs/integrations/`: one page per outside service, and the inventory of all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, ensure};
use puente_ports::Manifest;

use super::{NOTE, cell};
use crate::tree;

/// All manifests, by slug.
pub(super) fn manifests(root: &Path) -> Result<Vec<Manifest>> {
    let mut found: Vec<Manifest> = Vec::new();
    for slug in tree::providers(root) {
        let text = tree::read(&root.join("libs/providers/src").join(&slug).join("provider.toml"))?;
        let manifest = Manifest::parse(&slug, &text)?;
        let taken = found.iter().find(|other| other.code == manifest.code);
        ensure!(
            taken.is_none(),
            "{slug} and {} share the code {}",
            taken.map_or("", |t| &t.slug),
            manifest.code
        );
        found.push(manifest);
    }
    Ok(found)
}

/// The pages and the inventory, by path.
pub(super) fn pages(root: &Path) -> Result<BTreeMap<String, String>> {
    let manifests = manifests(root)?;
    let mut pages = BTreeMap::new();
    pages.insert(
        "docs/integrations/MASTER_INVENTORY.yml".to_owned(),
        inventory(&manifests)?,
    );
    pages.insert("docs/integrations/README.md".to_owned(), index(&manifests)?);
    for manifest in &manifests {
        pages.insert(
            format!("docs/integrations/{}", file_name(manifest)),
            page(manifest)?,
        );
    }
    Ok(pages)
}

fn file_name(manifest: &Manifest) -> String {
    format!("{}-{}.md", manifest.code, manifest.slug)
}

fn inventory(manifests: &[Manifest]) -> Result<String> {
    let mut text = "# Written by `cargo xtask gen-docs` from the provider folders; changes here are lost.\nintegrations:\n".to_owned();
    for m in manifests {
        write!(
            text,
            "  - code: {}\n    name: {:?}\n    provider: {}\n    type: [{}]\n    state: {}\n    multi_tenant: true\n    document: docs/integrations/{}\n",
            m.code,
            m.name,
            m.slug,
            m.capabilities.join(", "),
            m.state,
            file_name(m)
        )?;
    }
    Ok(text)
}

fn index(manifests: &[Manifest]) -> Result<String> {
    let mut text = format!(
        "{NOTE}# Integrations\n\n\
         One page per outside service. Our own services, databases and caches are no integrations and have none.\n\n\
         | code | name | does | state | owner |\n|---|---|---|---|---|\n"
    );
    for m in manifests {
        writeln!(
            text,
            "| [{}]({}) | {} | {} | {} | {} |",
            m.code,
            file_name(m),
            m.name,
            m.capabilities.join(", "),
            m.state,
            m.owner
        )?;
    }
    Ok(text)
}

fn page(m: &Manifest) -> Result<String> {
    let mut text = format!(
        "{NOTE}# {} — {}\n\nPurpose, operations, webhooks, testing, monitoring and references are in the \
         [provider's own page](../../libs/providers/src/{}/README.md); below is what its `provider.toml` says.\n\n",
        m.code, m.name, m.slug
    );
    write!(
        text,
        "| | |\n|---|---|\n| provider | `{}` |\n| type | {} |\n| state | {} |\n| multi-tenant | yes, by connection |\n\
         | owner of its tokens and quotas | {} |\n| longest call | {} ms |\n| largest webhook | {} bytes |\n\
         | redelivers for | {} h |\n| when it is down | {} |\n",
        m.slug,
        m.capabilities.join(", "),
        m.state,
        m.owner,
        m.timeout_ms,
        m.max_body_bytes,
        m.redelivery_hours,
        cell(&m.fallback)
    )?;
    text.push_str("\n## URLs\n\n| name | value |\n|---|---|\n");
    for (name, url) in &m.urls {
        writeln!(text, "| `{name}` | `{url}` |")?;
    }
    text.push_str("\n## Credentials\n\n| secret | variable | required | what it is |\n|---|---|---|---|\n");
    for s in &m.secrets {
        writeln!(
            text,
            "| `{}` | `{}` | {} | {} |",
            s.name,
            s.env,
            yes(s.required),
            cell(&s.about)
        )?;
    }
    text.push_str(
        "\n## Settings of a connection\n\n| setting | required | default | what it is |\n|---|---|---|---|\n",
    );
    for s in &m.settings {
        let default = s.default.as_deref().map(|d| format!("`{d}`")).unwrap_or_default();
        writeln!(
            text,
            "| `{}` | {} | {default} | {} |",
            s.name,
            yes(s.required),
            cell(&s.about)
        )?;
    }
    text.push_str("\n## Limits\n\n| quota | calls | in any |\n|---|---|---|\n");
    for q in &m.quotas {
        writeln!(text, "| `{}` | {} | {} ms |", q.name, q.limit, q.window_ms)?;
    }
    text.push_str(
        "\n## Errors\n\nThe first rule that fits decides.\n\n| statuses | codes | means |\n|---|---|---|\n",
    );
    for rule in &m.errors {
        let statuses: Vec<String> = rule
            .statuses
            .iter()
            .map(|s| if *s < 10 { format!("{s}xx") } else { s.to_string() })
            .collect();
        let any = |list: String| if list.is_empty() { "any".to_owned() } else { list };
        writeln!(
            text,
            "| {} | {} | {} |",
            any(statuses.join(", ")),
            any(rule.codes.join(", ")),
            rule.kind
        )?;
    }
    Ok(text)
}

fn yes(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}
