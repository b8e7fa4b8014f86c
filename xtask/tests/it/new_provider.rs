//! Adding a provider to a copy of the repository: one new folder, one changed line, green conformance tests.
//!
//! The copy stands at a fixed place under `target/` and shares the target folder, so that what is compiled once stays.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::{check_docs, gen_docs, new_provider, tree};

/// Adapter and simulator of a new provider: more than this and the shared kit lacks something.
const MOST_CODE: usize = 320;

/// Brings `copy` to the state of the repository, touching only files that differ: the compiler looks at their times.
fn sync(root: &Path, copy: &Path) {
    let wanted: Vec<PathBuf> = tree::files(root)
        .unwrap()
        .iter()
        .map(|f| f.strip_prefix(root).unwrap().to_owned())
        .filter(|f| f != Path::new(".env"))
        .collect();
    if copy.exists() {
        for file in tree::files(copy).unwrap() {
            if !wanted
                .iter()
                .any(|name| *name == file.strip_prefix(copy).unwrap())
            {
                fs::remove_file(file).unwrap();
            }
        }
    }
    for name in wanted {
        let (from, to) = (root.join(&name), copy.join(&name));
        let bytes = fs::read(&from).unwrap();
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&to, bytes).unwrap();
        }
    }
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = tree::files(folder).unwrap();
    files
        .iter()
        .map(|file| (tree::shown(folder, file), fs::read(file).unwrap()))
        .collect()
}

fn all_caps() -> Vec<String> {
    vec!["message".to_owned(), "webhook".to_owned()]
}

#[test]
fn new_provider_is_one_folder_and_one_line_and_conforms() {
    let root = tree::root().unwrap();
    let copy = root.join("target/new-provider");
    let _ = fs::remove_dir_all(copy.join("libs/providers/src/acme"));
    sync(&root, &copy);
    let before = contents(&copy);

    new_provider::run(&copy, "acme", &all_caps()).unwrap();

    let after = contents(&copy);
    let mut changed = Vec::new();
    for (name, bytes) in &after {
        match before.get(name) {
            None => assert!(
                name.starts_with("libs/providers/src/acme/"),
                "{name} is new outside the folder"
            ),
            Some(old) if old != bytes => changed.push(name.as_str()),
            Some(_) => {}
        }
    }
    assert!(
        before.keys().all(|name| after.contains_key(name)),
        "a file is gone"
    );
    assert_eq!(changed, ["libs/providers/src/lib.rs"]);
    let lines = |files: &BTreeMap<String, Vec<u8>>| {
        String::from_utf8(files["libs/providers/src/lib.rs"].clone())
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (old, new) = (lines(&before), lines(&after));
    assert_eq!(old.len(), new.len());
    let differing: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
    assert_eq!(differing.len(), 1, "{differing:?}");
    assert!(differing[0].1.contains("acme"));

    let files: Vec<&String> = after
        .keys()
        .filter(|name| name.starts_with("libs/providers/src/acme/"))
        .collect();
    let code: usize = files
        .iter()
        .filter(|name| name.ends_with(".rs"))
        .map(|name| {
            String::from_utf8(after[*name].clone())
                .unwrap()
                .lines()
                .filter(|line| is_code(line))
                .count()
        })
        .sum();
    assert!(
        code <= MOST_CODE,
        "a new provider begins with {code} lines of code"
    );
    for name in &files {
        let text = String::from_utf8_lossy(&after[*name]).into_owned();
        assert!(
            !text.contains("__") || !text.contains("slug__"),
            "{name} still has a placeholder"
        );
        assert!(!text.contains("todo!"), "{name} is not finished");
    }

    // Its page and its variables follow from the folder alone.
    let stale = gen_docs::stale(&copy).unwrap();
    assert!(stale.iter().any(|name| name.contains("acme")), "{stale:?}");
    let lies = check_docs::check(&copy).unwrap();
    assert!(lies.iter().all(|lie| lie.contains("stale")), "{lies:?}");

    let (green, said) = conformance(&root, &copy);
    assert!(green, "{said}");

    // The tests walk over the registry without naming providers: a wrong expectation shows that this one is among them.
    let case = copy.join("libs/providers/src/acme/fixtures/inbound/message_text.expected.json");
    let expected = tree::read(&case).unwrap();
    assert!(expected.contains("Hola"), "{expected}");
    tree::write(&case, &expected.replace("Hola", "Adios")).unwrap();
    let (green, said) = conformance(&root, &copy);
    assert!(
        !green && said.contains("acme") && said.contains("Adios"),
        "{said}"
    );
}

/// Runs the providers' conformance tests of the copy: whether they passed, and what they said.
fn conformance(root: &Path, copy: &Path) -> (bool, String) {
    let output = tree::cargo()
        .args([
            "test",
            "--offline",
            "--package",
            "puente-providers",
            "--all-features",
            "--test",
            "it",
        ])
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env("SQLX_OFFLINE", "true")
        // The copy has no programs from npm: tests of others that need them are skipped there.
        .env_remove("CI")
        .current_dir(copy)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), said.join("\n"))
}

/// Neither blank nor a comment.
fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

#[test]
fn new_provider_refuses_what_exists_and_what_cannot_be_a_name() {
    let root = tree::root().unwrap();
    for (slug, caps, reason) in [
        ("jelou", all_caps(), "exists already"),
        ("Acme", all_caps(), "will not do"),
        ("self", all_caps(), "is taken"),
        ("acme", vec!["telepathy".to_owned()], "unknown capability"),
        ("acme", vec!["webhook".to_owned()], "comes whole"),
    ] {
        let error = new_provider::run(&root, slug, &caps).unwrap_err().to_string();
        assert!(error.contains(reason), "{slug}: {error}");
    }
    assert!(!root.join("libs/providers/src/acme").exists());
}
