//! The way of other systems, tried on this one.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use super::*;

/// Set for the copy that plays the parent.
const PARENT: &str = "PUENTE_TEST_PARENT";
/// A child that has not been told anything lives this long, in seconds.
const UNTOLD: &str = "60";

fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg(UNTOLD);
    command
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_process_is_known_by_its_start_until_it_ends() {
    let mut child = sleeper().spawn().unwrap();
    let pid = child.id();
    let began = started(pid).expect("it runs");
    // Some versions of `ps` reckon it anew each time and are a second off now and then.
    assert!((0..5).any(|_| started(pid) == Some(began)));
    child.kill().unwrap();
    let dead = Instant::now();
    while started(pid).is_some() {
        assert!(dead.elapsed() < Duration::from_secs(10), "a zombie does not run");
    }
    child.wait().unwrap();
    assert_eq!(started(pid), None);
    assert_ne!(
        fingerprint("Tue Nov 24 10:00:00 2026"),
        fingerprint("Tue Nov 24 10:00:01 2026")
    );
}

#[test]
fn a_server_is_known_by_the_cluster_in_its_command_line() {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "read -r _",
            "postgres",
            "-D",
            "/some where/pg",
            "-c",
            "port=1",
        ])
        .stdin(Stdio::piped());
    let child = command.spawn().unwrap();
    assert!(works_in(child.id(), Path::new("/some where/pg")));
    assert!(!works_in(child.id(), Path::new("/some where")));
    assert!(!works_in(std::process::id(), Path::new("/some where/pg")));
    end(child);
}

#[test]
fn a_child_ends_with_its_parent_though_that_is_killed() {
    if std::env::var_os(PARENT).is_some() {
        // It inherits the standard output, which therefore ends when both are gone.
        let (_child, _leash) = spawn(sleeper(), Some(Signal::SIGINT)).unwrap();
        println!("\nstarted");
        std::thread::park();
    }
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "platform::portable::tests::a_child_ends_with_its_parent_though_that_is_killed",
            "--nocapture",
        ])
        .env(PARENT, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(parent.stdout.take().unwrap());
    assert!(output.by_ref().lines().any(|line| line.unwrap() == "started"));
    let begin = Instant::now();
    parent.kill().unwrap(); // SIGKILL: no destructor runs
    parent.wait().unwrap();
    output.read_to_end(&mut Vec::new()).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn an_untied_child_goes_on() {
    let (mut child, leash) = spawn(sleeper(), Some(Signal::SIGINT)).unwrap();
    drop(leash.expect("it is tied"));
    assert!(child.try_wait().unwrap().is_none());
    end(child);
}
