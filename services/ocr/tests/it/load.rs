//! Many photographs at once: other answers keep coming, and what waits is bounded.

use puente_proto::ocr::CountCapturesRequest;
use puente_testkit::wait_for;
use tonic::Code;

use crate::support::{Asking, Eyes, PATIENCE, Stage, embedded, new_id, plate, usual};

/// Photographs that keep a processor busy, one after the other.
const READ: usize = 6;

/// How many photographs of the tenant are not read yet.
async fn waiting(ask: &Asking) -> u64 {
    let counted = ask
        .queries
        .clone()
        .count_captures(ask.signed(CountCapturesRequest {}))
        .await;
    let by_state = counted.unwrap().into_inner().by_state;
    by_state.get("Leyendo").copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_photographs_that_wait_keep_nobody_else_waiting() {
    let stage = Stage::set_with(usual().set("waiting_max", 100)).await;
    let ask = Asking::of(&stage, "acme").await;
    let held = Eyes::hold().await;
    for n in 0..100 {
        let mut wish = ask.wish(&stage, &n.to_string()).await;
        wish.wait_ms = 0;
        ask.recognize(wish).await.unwrap();
    }
    let mut wish = ask.wish(&stage, "one too many").await;
    wish.wait_ms = 0;
    assert_eq!(
        ask.recognize(wish).await.unwrap_err().code(),
        Code::ResourceExhausted
    );
    // Another tenant is not kept out by it.
    let other = Asking::of(&stage, "other").await;
    let mut wish = other.wish(&stage, "x").await;
    wish.wait_ms = 0;
    assert_eq!(
        other.recognize(wish).await.unwrap().capture.unwrap().state,
        "Leyendo"
    );
    // No reading ends while the engine is held: each of these is answered before any photograph is.
    for _ in 0..50 {
        assert_eq!(waiting(&ask).await, 100);
    }
    drop(held);
    wait_for("all to be read", PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM plate_captures WHERE state = 'Leido'")
            .await
            == 101
    })
    .await;
}

/// Processor time of this process's threads whose name begins so, in ticks, and how many they are.
fn threads(named: &str) -> (u64, usize) {
    let mut all = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        // A thread may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        let (name, rest) = stat
            .split_once('(')
            .and_then(|(_, rest)| rest.rsplit_once(')'))
            .unwrap();
        if name.starts_with(named) {
            // Of what follows the name, the 12th and 13th are ticks in user and system mode.
            let ticks = rest.split_whitespace().skip(11).take(2);
            all.0 += ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>();
            all.1 += 1;
        }
    }
    all
}

/// The runtime has one thread for all but the test itself: were anything read on it, a question, which needs it several
/// times on its way, would get through between two photographs at best.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[cfg_attr(not(target_os = "linux"), ignore = "threads are looked at in /proc")]
async fn while_photographs_keep_a_processor_busy_many_questions_are_answered_for_each() {
    let stage = Stage::set_with(embedded().set("threads", 1).set("readings", 4)).await;
    let ask = Asking::of(&stage, "acme").await;
    let (before, count) = threads("ocr-");
    assert_eq!(count, 1, "as many as configured");
    for n in 0..READ {
        ask.brings(&stage, plate(n)).await.unwrap();
    }
    let mut answered = 0;
    while waiting(&ask).await > 0 {
        answered += 1;
    }
    let (after, count) = threads("ocr-");
    assert_eq!(count, 1, "and never more");
    assert!(after - before >= 10, "it was real work: {} ticks", after - before);
    assert!(answered >= 5 * READ, "{answered} answers during {READ} readings");
    let read = stage
        .count("SELECT count(*) FROM plate_captures WHERE serial = 'C2MNF9YS'")
        .await;
    assert_eq!(usize::try_from(read).unwrap(), READ);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_many_photographs_keeps_no_other_tenant_waiting() {
    let stage = Stage::set_with(usual().set("readings", 2)).await;
    let held = Eyes::hold().await;
    let ask = Asking::of(&stage, "acme").await;
    let other = Asking::of(&stage, "other").await;
    for n in 0..20 {
        let mut wish = ask.wish(&stage, &n.to_string()).await;
        wish.wait_ms = 0;
        ask.recognize(wish).await.unwrap();
    }
    let mut wish = other.wish(&stage, "x").await;
    wish.wait_ms = 0;
    other.recognize(wish).await.unwrap();
    drop(held);
    wait_for("all to be read", PATIENCE, async || {
        Eyes::asked("eye_a").len() == 21
    })
    .await;
    let place = Eyes::asked("eye_a").iter().position(|tenant| tenant == "other");
    assert!(
        place.unwrap() <= 3,
        "right after those that were being read: {place:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_wait_are_bounded_and_others_are_shown_what_is_known() {
    let stage = Stage::set_with(usual().set("callers_waiting", 1)).await;
    let ask = Asking::of(&stage, "acme").await;
    let held = Eyes::hold().await;
    let wish = ask.wish(&stage, "one").await;
    let request = ask.signed(wish);
    let mut commands = ask.commands.clone();
    let first = tokio::spawn(async move { commands.recognize_serial(request).await });
    wait_for("the engine to be asked", PATIENCE, async || {
        Eyes::asked("eye_a").len() == 1
    })
    .await;
    let second = ask.recognize(ask.wish(&stage, "two").await).await.unwrap();
    assert_eq!(second.capture.unwrap().state, "Leyendo", "answered at once");
    assert!(!first.is_finished());
    drop(held);
    let first = first.await.unwrap().unwrap().into_inner();
    assert_eq!(first.capture.unwrap().state, "Leido", "waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_pictures_neither_crash_nor_stall_it() {
    let stage = Stage::set().await;
    let png = crate::support::picture("x").to_vec();
    let mut huge = png.clone();
    // 60,000 by 60,000 pixels by its header.
    huge[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let pictures = [
        huge,
        png[..png.len() / 2].to_vec(),
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png[..40].to_vec(),
    ];
    let mut ids = Vec::new();
    for n in 0..100 {
        let id = new_id();
        let file = format!("{id}-1");
        let mut turn = crate::support::photo_turn(&stage.media, &id, 1);
        stage
            .media
            .has(&file, pictures[n % pictures.len()].clone().into());
        turn.media.as_mut().unwrap().provider_media_id = file;
        stage.publish("acme", &turn).await;
        ids.push(id);
    }
    for id in &ids {
        let seen = stage.state(id, "OtraFoto").await;
        assert_eq!(seen.attempt, 1);
        assert_eq!(stage.attempts(id).await[0].state, "unusable");
    }
    let id = new_id();
    stage.photo(&id, 1).await;
    stage.state(&id, "Leido").await;
}
