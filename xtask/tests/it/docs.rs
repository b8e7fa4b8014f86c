//! What documents state about the tree, the commands and the code is so.

use xtask::{check_docs, gen_docs, tree};

#[test]
fn documents_tell_the_truth() {
    assert_eq!(
        check_docs::check(&tree::root().unwrap()).unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn every_event_of_the_catalogue_is_in_the_event_page() {
    let page = tree::read(&tree::root().unwrap().join("docs/events.md")).unwrap();
    for event in puente_proto::CATALOGUE {
        let subject = format!(
            "puente.v1.<tenant>.{}.{}.{}",
            event.domain, event.entity, event.verb
        );
        assert!(
            page.contains(&subject) && page.contains(event.about),
            "{}",
            event.name
        );
    }
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    let root = tree::root().unwrap();
    if !tree::has_program("promtool") {
        println!("skipped: promtool, of the package prometheus, is not on this machine");
        return;
    }
    let output = std::process::Command::new("promtool")
        .args(["test", "rules", "alerts.test.yml"])
        .current_dir(root.join("deploy/observability"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

#[test]
fn the_inventory_equals_the_provider_folders() {
    let root = tree::root().unwrap();
    let inventory = tree::read(&root.join("docs/integrations/MASTER_INVENTORY.yml")).unwrap();
    let listed: Vec<&str> = inventory
        .lines()
        .filter_map(|line| line.trim().strip_prefix("provider: "))
        .collect();
    assert_eq!(listed, tree::providers(&root));
    assert!(listed.contains(&"jelou"));
}

#[test]
fn a_changed_source_makes_its_document_stale() {
    let root = tree::root().unwrap();
    let copy = root.join("target/docs-copy");
    let _ = std::fs::remove_dir_all(&copy);
    for part in [
        "libs/providers/src",
        "libs/service/src/config",
        "services",
        "docs",
        ".env.example",
    ] {
        let from = root.join(part);
        let files = if from.is_dir() {
            tree::files(&from).unwrap()
        } else {
            vec![from]
        };
        for file in files
            .iter()
            .filter(|file| file.extension().is_none_or(|e| e != "rs"))
        {
            let target = copy.join(tree::shown(&root, file));
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(file, target).unwrap();
        }
    }
    gen_docs::run(&copy, false).unwrap();
    gen_docs::run(&copy, true).unwrap();
    let manifest = copy.join("libs/providers/src/jelou/provider.toml");
    let changed = tree::read(&manifest)
        .unwrap()
        .replace("timeout_ms = ", "timeout_ms = 1");
    tree::write(&manifest, &changed).unwrap();
    let stale = gen_docs::stale(&copy).unwrap();
    assert!(
        stale
            .iter()
            .any(|name| name.starts_with("docs/integrations/INT-") && name.contains("jelou")),
        "{stale:?}"
    );
}

#[test]
fn a_requirement_without_its_test_is_told() {
    let table = "| Id | Condition | Held by |\n|---|---|---|\n\
                 | SIG-01 | x | `a/b.rs`: `good`, `gone`; `a/c.rs`: `good` |\n\
                 | SIG-02 | y | by nobody |\n\
                 | SIG-01 | z | `a/b.rs`: `good` |\n";
    let has = |file: &str, test: &str| file == "a/b.rs" && test == "good";
    assert_eq!(
        check_docs::requirements::judge(table, &has),
        [
            "docs/requirements.md:3: SIG-01: `a/b.rs` has no test `gone`",
            "docs/requirements.md:3: SIG-01: `a/c.rs` has no test `good`",
            "docs/requirements.md:4: SIG-02 is held by no test",
            "docs/requirements.md:5: SIG-01 stands there twice",
        ]
    );
}
