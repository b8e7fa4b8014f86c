//! Whether the bench works; what it measures is of no interest here.

use std::process::Command;

#[test]
fn every_part_of_the_bench_runs_and_its_document_has_a_figure_for_every_target() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("benchmarks.md");
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("--smoke")
        .arg("--dir")
        .arg(folder.path())
        .arg("--write")
        .arg(&document)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    let text = std::fs::read_to_string(&document).unwrap();
    for title in [
        "## From the webhook to the provider",
        "## Memory",
        "## Accepted webhooks",
        "## From the outbox to the broker",
        "## From the broker to the tables",
        "## Replay",
        "## Cost with many stored deliveries",
    ] {
        assert!(text.contains(title), "{title} is missing:\n{text}");
    }
    assert!(text.contains("0 answers were not 200"), "{text}");
    assert!(!text.contains("NaN"), "{text}");
}
