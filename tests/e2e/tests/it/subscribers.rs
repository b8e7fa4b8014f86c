//! The example subscribers of `docs/examples`, run as an internal team would run them, against a running fleet.
//!
//! They need Python with pip, and npm; `make examples` runs them, `make test` does not.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use puente_e2e::{InProcess, PATIENCE, Person, Stage};
use serde_json::Value;
use tokio::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A copy of an example in a folder of its own: installing leaves nothing in the tree.
fn copy_of(example: &str) -> PathBuf {
    let from = repository().join("docs/examples").join(example);
    let to = repository().join("target/examples").join(example);
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    to
}

async fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(3 * PATIENCE, done)
        .await
        .unwrap_or_else(|_| panic!("{program} {arguments:?} did not end"))
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// Plays two orders, lets the subscriber read the stream from its beginning, and compares what it printed.
async fn tells_of_two_orders(program: &str, script: &str, folder: &Path) {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    for n in 1..=2 {
        Person::on_cloud(n).order(&stage, &fleet.url(0), 2).await;
    }
    let descriptors = folder.join("descriptors.binpb");
    std::fs::write(&descriptors, puente_proto::DESCRIPTORS).unwrap();
    let arguments = [
        script,
        "--nats-url",
        &stage.nats.url(),
        "--descriptors",
        descriptors.to_str().unwrap(),
        "--subject",
        "puente.v1.*.orders.order.opened",
        "--since",
        "1h",
        "--count",
        "2",
    ];
    let printed = run(folder, program, &arguments).await;
    let mut told: Vec<(String, String)> = printed
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["type"], "puente.orders.v1.OrderOpened");
            assert_eq!(event["replay"], Value::Null);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&event["tenant"]), text(&event["data"]["order_id"]))
        })
        .collect();
    told.sort();
    let kept: Vec<(String, String)> =
        sqlx::query_as("SELECT tenant, id::text FROM orders.orders ORDER BY 1, 2")
            .fetch_all(&stage.db.admin())
            .await
            .unwrap();
    assert_eq!(told, kept);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with pip; run by `make examples`"]
async fn the_python_subscriber_tells_of_every_order_once() {
    let folder = copy_of("python");
    run(&folder, "python3", &["-m", "venv", "venv"]).await;
    let python = folder.join("venv/bin/python");
    let python = python.to_str().unwrap();
    run(
        &folder,
        python,
        &["-m", "pip", "install", "--quiet", "-r", "requirements.txt"],
    )
    .await;
    tells_of_two_orders(python, "subscribe.py", &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm; run by `make examples`"]
async fn the_typescript_subscriber_compiles_and_tells_of_every_order_once() {
    let folder = copy_of("typescript");
    run(&folder, "npm", &["ci", "--silent", "--no-audit", "--no-fund"]).await;
    run(&folder, "npm", &["run", "--silent", "build"]).await;
    tells_of_two_orders("node", "dist/subscribe.js", &folder).await;
}
