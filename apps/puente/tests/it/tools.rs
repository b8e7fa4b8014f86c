//! What is said when programs are missing, too old, or there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::command::{folder, puente};

fn fake(folder: &Path, name: &str, prints: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file.display().to_string()
}

#[test]
fn without_any_program_to_fetch_by_one_line_says_what_to_install_and_the_code_is_3() {
    let dir = folder();
    for command in ["tools", "up", "demo"] {
        let ran = puente(dir.path(), &[("PATH", "")], &[command]);
        assert_eq!(ran.code, 3, "{command}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{command}: {}", ran.err);
        assert!(ran.err.contains("python3-pip"), "{command}: {}", ran.err);
        // Whichever is missed first: what to name instead is said.
        let instead = ["NATS_URL", "PUENTE_PLATE_MODELS"];
        assert!(
            instead.iter().any(|name| ran.err.contains(name)),
            "{command}: {}",
            ran.err
        );
    }
}

#[test]
fn a_folder_without_the_models_is_refused_by_name() {
    let dir = folder();
    let empty = dir.path().display().to_string();
    let env = [("PATH", ""), ("PUENTE_PLATE_MODELS", empty.as_str())];
    let ran = puente(dir.path(), &env, &["up"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("PUENTE_PLATE_MODELS") && ran.err.contains(&empty),
        "{}",
        ran.err
    );
}

#[test]
fn a_named_program_that_is_too_old_ends_with_3() {
    let dir = folder();
    let old = fake(dir.path(), "nats-server", "nats-server: v2.9.10");
    let ran = puente(dir.path(), &[("PATH", ""), ("PUENTE_NATS_BIN", &old)], &["tools"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("version 2.9") && ran.err.contains("2.12 or newer"),
        "{}",
        ran.err
    );
}

#[test]
fn named_programs_that_fit_are_listed() {
    let dir = folder();
    let nats = fake(dir.path(), "nats-server", "nats-server: v2.14.1");
    let postgres = fake(dir.path(), "postgres", "postgres (PostgreSQL) 16.9");
    let models = dir.path().join("models");
    std::fs::create_dir(&models).unwrap();
    for file in ["PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"] {
        std::fs::write(models.join(file), "").unwrap();
    }
    let models = models.display().to_string();
    let env = [
        ("PATH", ""),
        ("PUENTE_NATS_BIN", nats.as_str()),
        ("PUENTE_PG_BIN", postgres.as_str()),
        ("PUENTE_PLATE_MODELS", models.as_str()),
    ];
    let ran = puente(dir.path(), &env, &["tools"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for expected in ["2.14", "16.9", nats.as_str(), postgres.as_str(), models.as_str()] {
        assert!(ran.out.contains(expected), "{}", ran.out);
    }
}
