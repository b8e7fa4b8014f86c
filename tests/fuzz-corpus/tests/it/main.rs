//! Every file of `fuzz/corpus/`, every fixture, and damaged copies of them, through the same functions that fuzzers use.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use puente_fuzz_corpus::{TARGETS, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/corpus").join(target);
    names(&folder)
        .iter()
        .map(|name| fs::read(folder.join(name)).unwrap())
        .collect()
}

#[test]
fn every_target_has_a_corpus_and_a_fuzzer() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&root().join("fuzz/corpus")), targets);
    let fuzzers = names(&root().join("fuzz/fuzz_targets"));
    assert_eq!(
        fuzzers
            .iter()
            .map(|name| name.trim_end_matches(".rs").to_owned())
            .collect::<BTreeSet<_>>(),
        targets
    );
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for target in &targets {
        assert!(corpus(target).len() >= 3, "{target} has hardly a corpus");
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target} is not in fuzz/Cargo.toml"
        );
    }
}

#[test]
fn corpus_files_keep_every_promise() {
    for (target, _) in TARGETS {
        for bytes in corpus(target) {
            run(target, &bytes);
        }
    }
}

/// What a line cut short or a flipped bit makes of an input: the cheap half of what a fuzzer does.
#[test]
fn damaged_corpus_files_keep_every_promise() {
    for (target, _) in TARGETS {
        for bytes in corpus(target) {
            let step = (bytes.len() / 24).max(1);
            for at in (0..bytes.len()).step_by(step) {
                run(target, &bytes[..at]);
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                run(target, &flipped);
            }
        }
    }
}

#[test]
fn the_corpus_of_webhooks_speaks_every_shipped_providers_language() {
    for slug in ["jelou", "whatsapp_cloud"] {
        let understood = |bytes: &Vec<u8>| {
            puente_providers::fuzz_translate(slug, bytes).is_ok_and(|events| !events.is_empty())
        };
        assert!(
            corpus("webhook_translate")
                .iter()
                .filter(|bytes| understood(bytes))
                .count()
                >= 5,
            "{slug}"
        );
    }
}
