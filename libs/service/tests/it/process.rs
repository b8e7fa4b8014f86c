//! `main` in a process of its own: this test binary starts itself again in the part of a service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitCode, Stdio};

use puente_service::{BoxError, RunError, Runtime, Service, StartError};
use serde::Deserialize;

/// What the service does: `serve`, `fail` or `refuse`. Set only in the child.
const PART: &str = "PUENTE_BUOY__PART";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    part: String,
}

struct Buoy(Runtime);

impl Service for Buoy {
    const NAME: &'static str = "buoy";
    const DEFAULTS: &'static str = "part = \"serve\"";
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        match config.part.as_str() {
            "refuse" => return Err(StartError::other("the harbour is closed", "ice")),
            "fail" => rt.spawn("lamp", async { Err::<(), BoxError>("burnt out".into()) }),
            _ => {}
        }
        Ok(Self(rt))
    }

    async fn run(self) -> Result<(), RunError> {
        self.0.shutdown.cancelled().await;
        Ok(())
    }
}

fn start(part: &str, port: u16) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "process::a_service_lives_and_ends_in_order",
            "--nocapture",
        ])
        .env(PART, part)
        .env("PUENTE_ADMIN__LISTEN", format!("127.0.0.1:{port}"))
        .env("PUENTE_SHUTDOWN__GRACE_MS", "50")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads the log up to a line with `text`, which is returned; the end of the log fails the test.
fn wait_for_line(log: &mut impl BufRead, text: &str) -> String {
    let mut line = String::new();
    while log.read_line(&mut line).unwrap() > 0 {
        if line.contains(text) {
            return line;
        }
        line.clear();
    }
    panic!("the log ended without {text:?}");
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_service_lives_and_ends_in_order() {
    if std::env::var_os(PART).is_some() {
        // In the child: the arguments are the test runner's, so `main` is entered past them.
        let code = puente_service::main_with::<Buoy>(std::iter::empty());
        std::process::exit(if code == ExitCode::SUCCESS {
            0
        } else if code == ExitCode::from(69) {
            69
        } else {
            1
        });
    }
    let mut child = start("serve", 0);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let line = wait_for_line(&mut log, "health and metrics");
    let port = line.split("\"address\":\"127.0.0.1:").nth(1).unwrap();
    let port: u16 = port.split('"').next().unwrap().parse().unwrap();
    wait_for_line(&mut log, "is running");
    assert!(get(port, "/livez").starts_with("HTTP/1.1 200"));
    assert!(get(port, "/readyz").contains("\"status\":\"ready\""));
    assert!(get(port, "/metrics").contains("target_info"));

    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    wait_for_line(&mut log, "told to stop");
    wait_for_line(&mut log, "ended in order");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_dead_task_ends_the_process_with_its_reason() {
    let mut child = start("fail", 0);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let line = wait_for_line(&mut log, "ended with an error");
    assert!(line.contains("task `lamp` of buoy failed: burnt out"), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_service_that_cannot_start_says_why() {
    let mut child = start("refuse", 0);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let line = wait_for_line(&mut log, "did not start");
    assert!(line.contains("the harbour is closed: ice"), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(69));
}
