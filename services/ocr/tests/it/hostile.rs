//! Files that are to do harm, brought as photographs and read by our own engine.

// One list, kept where pictures are decoded.
#[path = "../../../../libs/plates/tests/it/files.rs"]
mod files;

use puente_plates::Picture;
use puente_testkit::wait_for;
use tonic::Code;

use crate::support::{Asking, PATIENCE, SERIAL, Stage, embedded, plate};

/// Of the files that differ only in where they are cut off or changed, every so many.
const OF_A_SERIES: usize = 8;

/// The most memory that this process ever held.
fn resident_most_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

/// A photograph that is read well; `n` makes it another one.
async fn reads_on(stage: &Stage, ask: &Asking, n: usize) {
    let id = ask.brings(stage, plate(n)).await.unwrap();
    let seen = stage.becomes(&id, |seen| seen.state != "Leyendo").await;
    assert_eq!((seen.serial.as_str(), seen.engine.as_str()), (SERIAL, "embedded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_hostile_file_has_its_answer_and_the_engine_reads_on() {
    let stage = Stage::set_with(embedded().set("waiting_max", 1_000)).await;
    let ask = Asking::of(&stage, "acme").await;
    reads_on(&stage, &ask, 0).await;
    let before = resident_most_mib();
    let (series, kinds): (Vec<_>, Vec<_>) = files::hostile()
        .into_iter()
        // Without any content nothing can be brought.
        .filter(|(_, bytes)| !bytes.is_empty())
        .partition(|(name, _)| name.contains("cut off at") || name.contains("changed from"));
    assert!(kinds.len() >= 50, "{}", kinds.len());
    let (mut brought, mut refused) = (Vec::new(), 0);
    for (name, bytes) in kinds.into_iter().chain(series.into_iter().step_by(OF_A_SERIES)) {
        let decodes = Picture::decode(&bytes).is_ok();
        match ask.brings(&stage, bytes).await {
            Ok(id) => brought.push((name, decodes, id)),
            // By its first bytes it is no picture, or of a kind that is not taken.
            Err(status) => {
                assert_eq!(status.code(), Code::InvalidArgument, "{name}: {status}");
                refused += 1;
            }
        }
    }
    let mut unusable = 0;
    for (name, decodes, id) in &brought {
        let seen = stage.becomes(id, |seen| seen.state != "Leyendo").await;
        let attempts = stage.attempts(id).await;
        assert_eq!((seen.attempt, attempts.len()), (1, 1), "{name}");
        let attempt = attempts[0].state.as_str();
        if *decodes {
            assert!(matches!(attempt, "read" | "nothing"), "{name}: {attempt}");
        } else {
            assert_eq!((attempt, seen.state.as_str()), ("unusable", "OtraFoto"), "{name}");
            unusable += 1;
        }
    }
    assert!(
        unusable >= 40,
        "{unusable} of {}, {refused} refused",
        brought.len()
    );
    let grown = resident_most_mib() - before;
    assert!(grown < 400, "grown by {grown} MiB");
    reads_on(&stage, &ask, 1).await;
    wait_for("nothing to be left", PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM plate_captures WHERE due_at IS NOT NULL")
            .await
            == 0
    })
    .await;
}
