//! Every provider folder has its page with all sections, and its variables are named as operators expect.

use std::path::Path;

use anyhow::Result;

use crate::tree;

/// The sections of an integration's page, by a word that its heading holds.
const SECTIONS: [&str; 11] = [
    "Purpose",
    "Credentials",
    "Operations",
    "Limits",
    "Errors",
    "Fallback",
    "Multi-tenant",
    "Webhook",
    "Testing",
    "Monitoring",
    "References",
];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for slug in tree::providers(root) {
        let folder = format!("libs/providers/src/{slug}");
        let manifest: toml::Table = tree::read(&root.join(&folder).join("provider.toml"))?.parse()?;
        let code = manifest
            .get("code")
            .and_then(toml::Value::as_str)
            .unwrap_or_default();
        match tree::read(&root.join(&folder).join("README.md")) {
            Err(_) => problems.push(format!("{folder}: the README.md is missing")),
            Ok(page) => problems.extend(
                missing(&page, code)
                    .into_iter()
                    .map(|what| format!("{folder}/README.md: {what}")),
            ),
        }
        let secrets = manifest.get("secrets").and_then(toml::Value::as_array);
        let variables = secrets
            .into_iter()
            .flatten()
            .filter_map(|secret| secret.get("env")?.as_str());
        problems.extend(variables.filter(|name| !is_well_named(name, &slug)).map(|name| {
            format!(
                "{folder}/provider.toml: `{name}` should be {{PROVIDER}}_{{TYPE}}, as `{}_TOKEN`",
                slug.to_uppercase()
            )
        }));
    }
    Ok(problems)
}

/// What a page lacks.
fn missing(page: &str, code: &str) -> Vec<String> {
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(str::to_lowercase)
        .collect();
    let mut problems: Vec<String> = SECTIONS
        .into_iter()
        .filter(|section| {
            !headings
                .iter()
                .any(|heading| heading.contains(&section.to_lowercase()))
        })
        .map(|section| format!("no section `{section}`"))
        .collect();
    if !headings
        .first()
        .is_some_and(|title| title.contains(&code.to_lowercase()))
    {
        problems.push(format!("its title does not name {code}"));
    }
    problems
}

/// `{PROVIDER}_{TYPE}`: the slug, or its first word, in capitals, then what it is.
fn is_well_named(variable: &str, slug: &str) -> bool {
    let slug = slug.to_uppercase();
    let first = slug.split('_').next().unwrap_or(&slug);
    let plain = variable
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    plain
        && variable
            .strip_prefix(first)
            .is_some_and(|rest| rest.starts_with('_') && rest.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_a_section_or_its_code_is_named() {
        let whole = SECTIONS.iter().fold("# INT-001 — Acme\n".to_owned(), |page, s| {
            page + "## " + s + "\n"
        });
        assert_eq!(missing(&whole, "INT-001"), Vec::<String>::new());
        assert_eq!(
            missing(&whole.replace("## Errors", "Errors"), "INT-001"),
            ["no section `Errors`"]
        );
        assert_eq!(missing(&whole, "INT-002"), ["its title does not name INT-002"]);
    }

    #[test]
    fn variables_begin_with_their_provider() {
        for good in ["WHATSAPP_CLOUD_TOKEN", "WHATSAPP_APP_SECRET"] {
            assert!(is_well_named(good, "whatsapp_cloud"), "{good}");
        }
        for bad in [
            "TOKEN",
            "WHATSAPP_",
            "WHATSAPPTOKEN",
            "whatsapp_token",
            "JELOU_TOKEN",
        ] {
            assert!(!is_well_named(bad, "whatsapp_cloud"), "{bad}");
        }
    }
}
