//! Engines that read pictures against their simulators, over real connections: one test for all of them.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use puente_ports::{
    CallCtx, Connection, OcrPicture, OcrProgress, ProviderError, ProviderErrorKind, TextRead,
};
use puente_providers::find;
use puente_providers::sim::{FaultKind, ReadLine, ReadTrouble};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::stage::{Stage, open_stage};
use crate::support::DEADLINE;

/// Every engine in every way in which it is called: slug and the setting `interface`.
const WAYS: [(&str, &str); 3] = [
    ("azure_vision", "4.0"),
    ("azure_vision", "3.2"),
    ("google_vision", ""),
];

/// Says whether an error is of the kind that is expected.
type Judge<'a> = &'a dyn Fn(&ProviderErrorKind) -> bool;

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x02\0\0\0");
    bytes
}

fn picture(bytes: Vec<u8>, width: u32, height: u32) -> OcrPicture {
    OcrPicture {
        sha256: hex::encode(Sha256::digest(&bytes)),
        bytes: Bytes::from(bytes),
        media_type: "image/png",
        width,
        height,
        language: "es".to_owned(),
    }
}

pub(super) fn plate() -> OcrPicture {
    picture(png(640, 480), 640, 480)
}

struct Engine<'a> {
    stage: &'a Stage,
    slug: &'static str,
    connection: Connection,
}

impl<'a> Engine<'a> {
    fn open(stage: &'a Stage, (slug, interface): (&'static str, &str)) -> Self {
        stage.hub.put_account(slug, Stage::account(slug));
        stage.hub.reset(slug);
        stage.hub.teach_default(slug, Vec::new());
        let mut connection = stage.connection(slug);
        if !interface.is_empty() {
            connection
                .settings
                .insert("interface".to_owned(), interface.into());
        }
        Self {
            stage,
            slug,
            connection,
        }
    }

    fn ctx(&self) -> CallCtx<'_> {
        CallCtx {
            connection: &self.connection,
            http: &self.stage.http,
            idempotency_key: "effect-1",
            deadline: DEADLINE,
            traceparent: None,
        }
    }

    /// Reads to the end, without the waits; how often it had to ask, and what came of it.
    async fn read(&self, picture: &OcrPicture) -> (u32, Result<TextRead, ProviderError>) {
        let engine = find(self.slug).unwrap().ocr().unwrap();
        let mut progress = engine.read(self.ctx(), picture).await;
        for polls in 0..20 {
            match progress {
                Ok(OcrProgress::Done(text)) => return (polls, Ok(text)),
                Ok(OcrProgress::Pending { operation, wait }) => {
                    assert!(
                        wait >= Duration::from_secs(1),
                        "Azure allows one question a second"
                    );
                    progress = engine.poll(self.ctx(), &operation).await;
                }
                Err(error) => return (polls, Err(error)),
            }
        }
        panic!("{}: it never ends", self.slug)
    }

    async fn fails(&self, picture: &OcrPicture) -> ProviderError {
        self.read(picture).await.1.expect_err(self.slug)
    }
}

#[tokio::test]
async fn every_engine_reads_the_lines_that_stand_in_a_picture_with_their_words_and_places() {
    let stage = open_stage!();
    for way in WAYS {
        let engine = Engine::open(&stage, way);
        let picture = plate();
        let mut low = ReadLine::new("SERIAL: AB-12345").sure_by(0.5);
        low.corners = Some([(0.0, 100.0), (400.0, 120.0), (400.0, 160.0), (0.0, 140.0)]);
        let lines = vec![ReadLine::new("MOTOR TRIFÁSICO"), low];
        stage.hub.teach(engine.slug, &picture.sha256, lines);
        let (_, text) = engine.read(&picture).await;
        let text = text.unwrap();
        let said: Vec<&str> = text.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(said, ["MOTOR TRIFÁSICO", "SERIAL: AB-12345"], "{way:?}");
        assert_eq!(text.lines[0].confidence, 0.98, "{way:?}");
        assert_eq!(text.lines[1].confidence, 0.5, "{way:?}");
        assert_eq!(text.lines[1].characters.len(), 16, "{way:?}");
        assert_eq!(text.lines[1].characters[7], 1.0, "a blank is sure: {way:?}");
        assert_eq!(text.lines[1].corners[0], (0.0, 100.0), "{way:?}");
        assert_eq!(text.lines[1].corners[2], (400.0, 160.0), "{way:?}");
        let journal = stage.hub.journal(engine.slug);
        assert_eq!(journal.len(), 1, "{way:?}");
        assert_eq!(journal[0].recipient, picture.sha256, "{way:?}");
        assert_eq!(stage.hub.times_read(engine.slug, &picture.sha256), 1);
    }
}

#[tokio::test]
async fn a_picture_without_text_is_read_and_empty_and_an_unknown_one_says_what_the_default_says() {
    let stage = open_stage!();
    for way in WAYS {
        let engine = Engine::open(&stage, way);
        assert_eq!(engine.read(&plate()).await.1.unwrap().lines, [], "{way:?}");
        let path = "readings/default";
        let lesson = json!({"lines": [{"text": "S/N 777"}]});
        assert_eq!(stage.control(Method::PUT, engine.slug, path, lesson).await.0, 200);
        assert_eq!(
            engine.read(&plate()).await.1.unwrap().lines[0].text,
            "S/N 777",
            "{way:?}"
        );
        let lesson = json!({"sha256": plate().sha256, "lines": [{"text": "S/N 888", "confidence": 0.4}]});
        assert_eq!(
            stage
                .control(Method::POST, engine.slug, "readings", lesson)
                .await
                .0,
            200
        );
        let text = engine.read(&plate()).await.1.unwrap();
        assert_eq!(
            (text.lines[0].text.as_str(), text.lines[0].confidence),
            ("S/N 888", 0.4)
        );
        let trouble = json!({"empty": 1, "confidence": 0.2});
        assert_eq!(
            stage
                .control(Method::PUT, engine.slug, "readings/trouble", trouble)
                .await
                .0,
            200
        );
        assert_eq!(engine.read(&plate()).await.1.unwrap().lines, [], "{way:?}");
        assert_eq!(
            engine.read(&plate()).await.1.unwrap().lines[0].confidence,
            0.2,
            "{way:?}"
        );
        let counts = stage
            .control(Method::GET, engine.slug, "readings", json!({}))
            .await
            .1;
        assert_eq!(counts["read"][plate().sha256.as_str()], 5, "{way:?}");
    }
}

#[tokio::test]
async fn limits_failures_and_cuts_are_told_apart_and_a_second_try_succeeds() {
    let stage = open_stage!();
    for way in WAYS {
        let engine = Engine::open(&stage, way);
        stage
            .hub
            .teach_default(engine.slug, vec![ReadLine::new("S/N 777")]);
        let status = |status| FaultKind::Status { status, body: None };
        let waits = |kind: &ProviderErrorKind| matches!(kind, ProviderErrorKind::RateLimited { retry_after: Some(wait) } if wait.as_secs() == 26);
        let passes = |kind: &ProviderErrorKind| matches!(kind, ProviderErrorKind::Unavailable { .. });
        let check: [(FaultKind, Judge<'_>); 5] = [
            (
                FaultKind::RateLimit {
                    retry_after_s: Some(26),
                },
                &waits,
            ),
            (status(500), &passes),
            (status(503), &passes),
            (FaultKind::CutBefore, &passes),
            (FaultKind::CutAfter, &passes),
        ];
        for (fault, expected) in check {
            stage.hub.fault(engine.slug, fault.clone().times(1));
            let error = engine.fails(&plate()).await;
            assert!(expected(error.kind()), "{way:?} {fault:?}: {error}");
            assert_eq!(
                engine.read(&plate()).await.1.unwrap().lines.len(),
                1,
                "{way:?} {fault:?}"
            );
        }
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_and_nothing_is_read() {
    let stage = open_stage!();
    for way in WAYS {
        let mut engine = Engine::open(&stage, way);
        let mut other = Stage::account(engine.slug);
        for secret in other.secrets.values_mut() {
            *secret = puente_types::Secret::new("another key");
        }
        stage.hub.put_account(engine.slug, other);
        let error = engine.fails(&plate()).await;
        assert_eq!(*error.kind(), ProviderErrorKind::Auth, "{way:?}: {error}");
        assert!(stage.hub.journal(engine.slug).is_empty(), "{way:?}");
        // A token instead of the key, as the setting says.
        let token = Stage::account(engine.slug).with_secret("access_token", "the token");
        stage.hub.put_account(engine.slug, token);
        let auth = if engine.slug == "azure_vision" {
            "entra"
        } else {
            "token"
        };
        engine.connection.settings.insert("auth".to_owned(), auth.into());
        let secrets = [("access_token".to_owned(), puente_types::Secret::new("the token"))];
        engine.connection.secrets = secrets.into_iter().collect();
        assert!(engine.read(&plate()).await.1.is_ok(), "{way:?}");
    }
}

#[tokio::test]
async fn a_picture_that_is_none_is_refused_for_good() {
    let stage = open_stage!();
    for way in WAYS {
        let engine = Engine::open(&stage, way);
        let error = engine
            .fails(&picture(b"no picture at all".to_vec(), 640, 480))
            .await;
        assert_eq!(*error.kind(), ProviderErrorKind::Rejected, "{way:?}: {error}");
        // The adapter believes what it is told about the size; the vendor looks.
        if way.0 == "azure_vision" {
            let error = engine.fails(&picture(png(640, 20), 640, 480)).await;
            assert_eq!(*error.kind(), ProviderErrorKind::Rejected, "{way:?}: {error}");
        }
    }
}

#[tokio::test]
async fn the_limit_of_calls_a_second_is_the_vendors() {
    let stage = open_stage!();
    let engine = Engine::open(&stage, WAYS[0]);
    let mut account = Stage::account(engine.slug);
    account.rate_per_second = Some(2);
    stage.hub.put_account(engine.slug, account);
    let mut refused = 0;
    for _ in 0..6 {
        match engine.read(&plate()).await.1 {
            Ok(_) => {}
            Err(error) => {
                let wait = ProviderErrorKind::RateLimited {
                    retry_after: Some(Duration::from_secs(1)),
                };
                assert_eq!(*error.kind(), wait);
                refused += 1;
            }
        }
    }
    assert!(
        refused >= 2,
        "six calls in far less than three seconds: {refused}"
    );
}

#[tokio::test]
async fn an_operation_runs_expires_fails_and_belongs_to_its_resource() {
    let stage = open_stage!();
    let engine = Engine::open(&stage, ("azure_vision", "3.2"));
    stage
        .hub
        .teach_default(engine.slug, vec![ReadLine::new("S/N 777")]);
    let trouble = |trouble| stage.hub.trouble_reading(engine.slug, trouble);
    trouble(ReadTrouble {
        running_polls: 3,
        ..ReadTrouble::default()
    });
    let (polls, text) = engine.read(&plate()).await;
    assert_eq!((polls, text.unwrap().lines.len()), (4, 1));
    trouble(ReadTrouble {
        expire: 1,
        ..ReadTrouble::default()
    });
    let error = engine.fails(&plate()).await;
    assert_eq!(error.code(), "operation_expired");
    assert_eq!(error.tag(), puente_ports::ErrorTag::Temporary);
    assert_eq!(
        engine.read(&plate()).await.1.unwrap().lines.len(),
        1,
        "sent again"
    );
    trouble(ReadTrouble {
        fail: 1,
        ..ReadTrouble::default()
    });
    assert_eq!(engine.fails(&plate()).await.code(), "read_failed");
    for style in ["bare", "wrapped"] {
        let account = Stage::account(engine.slug).with_setting("error_style", style);
        stage.hub.put_account(engine.slug, account);
        let error = engine.fails(&picture(png(640, 20), 640, 480)).await;
        assert_eq!(error.code(), "InvalidImageDimension", "{style}");
    }
}
