//! The registry and the manifests.

use std::collections::BTreeSet;

use puente_providers::{all, find, with_capability};

#[test]
fn every_manifest_is_read_and_fits_what_the_adapter_has() {
    let mut codes = BTreeSet::new();
    for provider in all() {
        let manifest = provider.manifest();
        let slug = &manifest.slug;
        assert!(
            find(slug).is_some_and(|found| std::ptr::eq(found.manifest(), manifest)),
            "{slug}"
        );
        let says = |capability: &str| manifest.capabilities.iter().any(|c| c == capability);
        assert_eq!(says("webhook"), provider.webhook().is_some(), "{slug}");
        assert_eq!(says("message"), provider.message().is_some(), "{slug}");
        assert_eq!(says("signature"), provider.signature().is_some(), "{slug}");
        assert_eq!(says("ocr"), provider.ocr().is_some(), "{slug}");
        assert_eq!(says("task"), provider.task().is_some(), "{slug}");
        assert_eq!(says("oauth"), provider.oauth().is_some(), "{slug}");
        assert!(codes.insert(&manifest.code), "{slug}: {} is taken", manifest.code);
        assert!(
            manifest
                .code
                .strip_prefix("INT-")
                .is_some_and(|n| n.len() == 3 && n.parse::<u16>().is_ok()),
            "{slug}"
        );
        assert!(
            ["implemented", "documented", "pending"].contains(&manifest.state.as_str()),
            "{slug}"
        );
        assert!(
            manifest.timeout_ms > 0 && manifest.redelivery_hours > 0 && manifest.max_body_bytes > 0,
            "{slug}"
        );
        assert!(
            manifest
                .urls
                .get("live")
                .is_some_and(|url| url.starts_with("https://")),
            "{slug}"
        );
        assert!(
            manifest
                .quotas
                .iter()
                .all(|quota| quota.limit > 0 && quota.window_ms > 0),
            "{slug}"
        );
        let prefix = format!("{}_", slug.to_uppercase());
        for secret in &manifest.secrets {
            assert_eq!(
                secret.env,
                format!("{prefix}{}", secret.name.to_uppercase()),
                "{slug}"
            );
        }
    }
}

#[test]
fn providers_are_sorted_and_found_by_capability() {
    let slugs: Vec<_> = all().map(|provider| provider.manifest().slug.as_str()).collect();
    assert!(slugs.is_sorted(), "{slugs:?}");
    assert!(with_capability("message").any(|provider| provider.manifest().slug == "whatsapp_cloud"));
    assert_eq!(with_capability("teleport").count(), 0);
    assert!(find("acme-unknown").is_none());
}

#[test]
fn every_provider_has_a_page_with_the_agreed_sections() {
    let sections = [
        "Metadata",
        "Purpose",
        "Credentials",
        "Operations",
        "Limits",
        "Errors",
        "Fallbacks",
        "Multi-tenant",
        "Webhooks",
        "Testing",
        "Monitoring",
        "References",
    ];
    for provider in all() {
        let manifest = provider.manifest();
        let path = crate::support::folder(&manifest.slug).with_file_name("README.md");
        let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            page.starts_with(&format!("# {}", manifest.code)),
            "{}",
            path.display()
        );
        for section in sections {
            assert!(
                page.contains(&format!("\n## {section}\n")),
                "{}: no section {section}",
                path.display()
            );
        }
    }
}
