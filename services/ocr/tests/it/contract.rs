//! One contract for every engine: our own, and those of providers at their simulators, over real connections.

use std::collections::BTreeMap;

use puente_ports::Connection;
use puente_providers::sim::{Account, FaultKind, Hub, ReadLine, ReadTrouble};
use puente_service::Overrides;
use puente_types::Secret;
use tokio::net::TcpListener;

use crate::support::{Asking, SERIAL, Seen, Stage, connection, new_id, turn_of, usual};

/// A plate as a phone sees it, and what stands on it.
const PLATE: &[u8] = include_bytes!("support/plate.jpg");

/// An engine in one of its ways.
struct Way {
    engine: &'static str,
    stage: Stage,
    /// The simulator, where there is one.
    hub: Option<Hub>,
}

impl Way {
    async fn embedded() -> Self {
        let models = puente_testkit::tools()
            .plate_models()
            .expect("`make tools` fetched the models");
        let overrides = overrides("embedded").set("models", models.display().to_string());
        Self {
            engine: "embedded",
            stage: Stage::set_of(overrides, puente_providers::find, Vec::new()).await,
            hub: None,
        }
    }

    async fn remote(engine: &'static str, secret: &str, settings: &[(&str, &str)]) -> Self {
        let hub = Hub::new();
        hub.put_account(engine, Account::new("resource-1").with_secret(secret, "the key"));
        hub.teach_default(
            engine,
            vec![
                ReadLine::new("MODELO MX500"),
                ReadLine::new(&format!("S/N: {SERIAL}")),
            ],
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(puente_providers::sim::serve(
            listener,
            hub.clone(),
            std::future::pending(),
        ));
        let mut own: Connection = connection("acme-eye", "acme", engine);
        own.secrets = std::iter::once((secret.to_owned(), Secret::new("the key"))).collect();
        let base = format!("http://{address}/sim/{engine}");
        for (name, value) in settings.iter().copied().chain([("base_url", base.as_str())]) {
            own.settings.insert(name.to_owned(), value.into());
        }
        Self {
            engine,
            stage: Stage::set_of(overrides(engine), puente_providers::find, vec![own]).await,
            hub: Some(hub),
        }
    }

    /// Sends a picture; what became of it.
    async fn sends(&self, name: &str, picture: &'static [u8], kind: &str) -> (String, Seen) {
        let id = new_id();
        self.stage.media.has(name, picture.into());
        let mut turn = turn_of(&id, 1);
        turn.media = Some(puente_proto::messaging::Media {
            provider_media_id: name.to_owned(),
            mime_type: kind.to_owned(),
            ..puente_proto::messaging::Media::default()
        });
        self.stage.publish("acme", &turn).await;
        let seen = self.stage.becomes(&id, |seen| seen.state != "Leyendo").await;
        (id, seen)
    }

    /// What every engine does.
    async fn keeps_the_contract(self) {
        // The serial, with everything that a reviewer is shown.
        let (id, seen) = self.sends("plate", PLATE, "image/jpeg").await;
        assert_eq!(
            (seen.serial.as_str(), seen.engine.as_str()),
            (SERIAL, self.engine)
        );
        let ask = Asking::of(&self.stage, "acme").await;
        let shown = ask.get(&id).await.unwrap();
        let capture = shown.capture.unwrap();
        let accepted = capture.confidence_permille >= capture.threshold_permille;
        assert_eq!(capture.state, if accepted { "Leido" } else { "PorConfirmar" });
        let attempt = &shown.attempts[0];
        assert_eq!((attempt.state.as_str(), attempt.troubles.len()), ("read", 0));
        let best = &attempt.candidates[0];
        assert_eq!(best.serial, SERIAL);
        assert_eq!(best.characters_permille.len(), SERIAL.len());
        assert_eq!(best.corners.len(), 8);
        assert!(attempt.lines.iter().any(|line| line.text.contains(SERIAL)));
        assert!(
            attempt
                .lines
                .iter()
                .all(|line| line.corners.iter().all(|at| *at >= 0.0))
        );
        // The same picture again is known.
        let (_, again) = self.sends("plate again", PLATE, "image/jpeg").await;
        assert_eq!(again.serial, SERIAL);
        if let Some(hub) = &self.hub {
            assert_eq!(hub.journal(self.engine).len(), 1, "sent, and paid for, once");
        }
        // A picture without text is no error.
        if let Some(hub) = &self.hub {
            let trouble = ReadTrouble {
                empty: 1,
                ..ReadTrouble::default()
            };
            hub.trouble_reading(self.engine, trouble);
        }
        let (id, nothing) = self
            .sends("empty", include_bytes!("support/photo.png"), "image/png")
            .await;
        assert_eq!((nothing.state.as_str(), nothing.attempt), ("OtraFoto", 1));
        assert_eq!(self.stage.attempts(&id).await[0].state, "nothing");
        self.fails_in_classes().await;
    }

    /// What every engine of a provider does when the provider does not.
    async fn fails_in_classes(&self) {
        let Some(hub) = &self.hub else { return };
        let kinds = BTreeMap::from([
            (
                "away",
                (
                    FaultKind::Status {
                        status: 503,
                        body: None,
                    },
                    "temporary",
                ),
            ),
            (
                "refused",
                (
                    FaultKind::Status {
                        status: 401,
                        body: None,
                    },
                    "configuration",
                ),
            ),
            (
                "too often",
                (
                    FaultKind::RateLimit {
                        retry_after_s: Some(1),
                    },
                    "temporary",
                ),
            ),
        ]);
        for (name, (fault, tag)) in kinds {
            hub.fault(self.engine, fault.with_probability(1.0));
            let ask = Asking::of(&self.stage, "acme").await;
            let answer = ask.recognize(ask.wish(&self.stage, name).await).await.unwrap();
            let attempt = answer.attempt.unwrap();
            assert_eq!(attempt.state, "failed", "{name}");
            assert_eq!(attempt.troubles[0].tag, tag, "{name}");
            assert!(attempt.photo.is_some(), "{name}: the photograph is kept");
            hub.clear_faults(self.engine);
        }
    }
}

fn overrides(engine: &str) -> Overrides {
    usual()
        .set("engines", vec![engine])
        .set("engine_ms", 30_000)
        .set("work_longest_ms", 300_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_engine_keeps_the_contract() {
    Way::embedded().await.keeps_the_contract().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_image_analysis_keeps_the_contract() {
    let way = Way::remote("azure_vision", "key", &[("interface", "4.0")]).await;
    way.keeps_the_contract().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_read_keeps_the_contract() {
    let way = Way::remote("azure_vision", "key", &[("interface", "3.2")]).await;
    way.keeps_the_contract().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_vision_keeps_the_contract() {
    let way = Way::remote("google_vision", "api_key", &[]).await;
    way.keeps_the_contract().await;
}
