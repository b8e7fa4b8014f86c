//! `cargo xtask new-provider <slug>`: one new folder and one changed line, nothing else.
//!
//! The folder is a copy of `libs/providers/template/` with the names put in: `__slug__`, `__Name__`, `__SLUG__` and
//! `__code__` (the next free `INT-NNN`). The line is the `providers! { … }` list in `libs/providers/src/lib.rs`. What
//! comes out passes the conformance tests as it is, so that a new adapter starts green and is changed from there.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

const TEMPLATE: &str = "libs/providers/template";
const SOURCES: &str = "libs/providers/src";
const REGISTRY: &str = "libs/providers/src/lib.rs";
/// What the template can do, all of it: an adapter begins whole, and loses by hand what its provider does not have.
const CAPABILITIES: [&str; 2] = ["message", "webhook"];
/// A slug becomes part of subjects, URLs and metric labels.
const LONGEST_SLUG: usize = 32;

/// Adds the provider to the tree at `root`.
///
/// # Errors
/// When the slug or a capability will not do, or a provider of that name exists.
pub fn run(root: &Path, slug: &str, caps: &[String]) -> Result<()> {
    check_slug(slug)?;
    check_capabilities(caps)?;
    let folder = root.join(SOURCES).join(slug);
    ensure!(!folder.exists(), "`{slug}` exists already: {SOURCES}/{slug}");
    let template = root.join(TEMPLATE);
    let files = tree::files(&template).context("the template is missing")?;

    let registry = root.join(REGISTRY);
    let listed = insert(&tree::read(&registry)?, slug)?;
    let names = Names {
        slug,
        code: next_code(root)?,
    };
    for file in files {
        let inner = file.strip_prefix(&template)?.to_string_lossy().into_owned();
        let target = names.fill(inner.trim_end_matches(".tmpl"));
        let text = names.fill(&tree::read(&file)?);
        tree::write(&folder.join(target), &text)?;
    }
    tree::write(&registry, &listed)?;
    tree::say(&format!(
        "{SOURCES}/{slug}/ is made and listed; next: its wire.rs, map.rs and fixtures, then `cargo test -p puente-providers`"
    ));
    Ok(())
}

fn check_capabilities(caps: &[String]) -> Result<()> {
    let known = CAPABILITIES.join(",");
    for cap in caps {
        ensure!(
            CAPABILITIES.contains(&cap.as_str()),
            "unknown capability `{cap}`: the template has {known}"
        );
    }
    ensure!(
        CAPABILITIES
            .iter()
            .all(|known| caps.iter().any(|cap| cap == known)),
        "the template has {known} and comes whole: take away afterwards what the provider does not have"
    );
    Ok(())
}

fn check_slug(slug: &str) -> Result<()> {
    let plain = slug
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let starts = slug.starts_with(|c: char| c.is_ascii_lowercase());
    if !plain || !starts || slug.ends_with('_') || slug.contains("__") || slug.len() > LONGEST_SLUG {
        bail!(
            "`{slug}` will not do: a-z, 0-9 and single `_`, beginning with a letter, at most {LONGEST_SLUG} characters"
        );
    }
    if RESERVED.contains(&slug) {
        bail!("`{slug}` is taken by the crate itself or by the language");
    }
    Ok(())
}

/// Words that cannot be a module of the providers crate.
const RESERVED: [&str; 16] = [
    "as", "crate", "enum", "fn", "impl", "match", "mod", "move", "pub", "self", "sim", "static", "super",
    "type", "use", "where",
];

/// The names that the template leaves open.
struct Names<'a> {
    slug: &'a str,
    code: String,
}

impl Names<'_> {
    fn fill(&self, text: &str) -> String {
        text.replace("__slug__", self.slug)
            .replace("__Name__", &title(self.slug))
            .replace("__SLUG__", &self.slug.to_ascii_uppercase())
            .replace("__code__", &self.code)
    }
}

/// `whatsapp_cloud` → `WhatsappCloud`.
fn title(slug: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + chars.as_str())
            .unwrap_or_default()
    };
    slug.split('_').map(word).collect()
}

/// The first free `INT-NNN` after the highest one in use.
fn next_code(root: &Path) -> Result<String> {
    let mut highest = 0;
    for slug in tree::providers(root) {
        let manifest: toml::Table =
            tree::read(&root.join(SOURCES).join(slug).join("provider.toml"))?.parse()?;
        let number = manifest
            .get("code")
            .and_then(|c| c.as_str())
            .and_then(|c| c.strip_prefix("INT-")?.parse().ok());
        highest = highest.max(number.unwrap_or(0));
    }
    Ok(format!("INT-{:03}", highest + 1))
}

/// The registry's source with one more name in its `providers! { … }` line, in alphabetical order.
fn insert(source: &str, slug: &str) -> Result<String> {
    let line = source
        .lines()
        .find(|line| line.trim_start().starts_with("providers! {"))
        .context("libs/providers/src/lib.rs has no `providers! { … }` line")?;
    let (head, rest) = line.split_once('{').context("no `{` in the providers! line")?;
    let (list, tail) = rest
        .split_once('}')
        .context("the providers! list must stand on one line")?;
    let mut names: Vec<&str> = list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    ensure!(!names.contains(&slug), "`{slug}` is listed already");
    names.push(slug);
    names.sort_unstable();
    let changed = format!("{head}{{ {} }}{tail}", names.join(", "));
    Ok(source.replacen(line, &changed, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_stays_in_order_and_the_rest_untouched() {
        let source = "//! x\nmod registry;\nproviders! { jelou, whatsapp_cloud }\nfn rest() {}\n";
        let changed = insert(source, "acme").unwrap();
        assert_eq!(changed, source.replace("{ jelou", "{ acme, jelou"));
        assert!(
            insert(&changed, "acme")
                .unwrap_err()
                .to_string()
                .contains("listed already")
        );
        assert!(insert("fn none() {}", "acme").is_err());
    }

    #[test]
    fn slugs_that_break_subjects_urls_or_modules_are_refused() {
        for bad in [
            "",
            "Acme",
            "9lives",
            "a-b",
            "a__b",
            "a_",
            "_a",
            "ácme",
            "../x",
            "self",
            "type",
            &"a".repeat(33),
        ] {
            assert!(check_slug(bad).is_err(), "{bad}");
        }
        for good in ["acme", "s3", "azure_blob"] {
            check_slug(good).unwrap();
        }
    }

    #[test]
    fn names_are_put_in_as_code_and_variables_want_them() {
        let names = Names {
            slug: "azure_blob",
            code: "INT-007".to_owned(),
        };
        assert_eq!(
            names.fill("__slug__ __Name__ __SLUG___KEY __code__"),
            "azure_blob AzureBlob AZURE_BLOB_KEY INT-007"
        );
    }
}
