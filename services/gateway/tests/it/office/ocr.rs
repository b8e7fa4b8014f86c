//! Captures of serial plates. A photograph of eight bytes and more is read as soon as it is brought; what it says was told
//! before.

use puente_proto::documents::Document;
use puente_proto::ocr::capture_commands_server::CaptureCommands;
use puente_proto::ocr::capture_queries_server::CaptureQueries;
use puente_proto::ocr::*;
use puente_proto::timestamp;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{Desk, tenant};
use crate::support::NOW;

pub(crate) const CAPTURE: &str = "019469d2-0000-7000-8000-00000000000d";

/// A capture of this state: the second of three photographs, read as `AC-7F3K-2O911`.
pub(crate) fn capture(state: &str) -> Capture {
    let open = matches!(state, "PorConfirmar" | "Ilegible" | "OtraFoto");
    let acts: &[&str] = match state {
        "PorConfirmar" => &["confirm", "write", "ask_photo", "generate"],
        "Ilegible" => &["write", "generate"],
        "OtraFoto" => &["write", "generate", "recognize"],
        _ => &[],
    };
    Capture {
        capture_id: CAPTURE.to_owned(),
        state: state.to_owned(),
        label: state.to_owned(),
        tone: if open { "warn" } else { "good" }.to_owned(),
        serial: if state == "Ilegible" { "" } else { "AC-7F3K-2O911" }.to_owned(),
        confidence_permille: 815,
        attempt: 2,
        attempts_allowed: 3,
        threshold_permille: 900,
        facts: [("brand".to_owned(), "Carrier".to_owned())].into(),
        channel: "whatsapp".to_owned(),
        version: 3,
        opened_at: Some(timestamp(NOW)),
        updated_at: Some(timestamp(NOW)),
        actions: acts.iter().map(|act| (*act).to_owned()).collect(),
        ..Capture::default()
    }
}

/// Its second photograph.
pub(crate) fn attempt(photo: Option<StoredPhoto>) -> Attempt {
    let candidate = |serial: &str, sure: u32, characters: Vec<u32>| Candidate {
        serial: serial.to_owned(),
        confidence_permille: sure,
        characters_permille: characters,
        label: "S/N".to_owned(),
        corners: vec![10.0, 10.0, 90.0, 10.0, 90.0, 30.0, 10.0, 30.0],
    };
    Attempt {
        attempt: 2,
        photo,
        state: "read".to_owned(),
        engine: "embedded".to_owned(),
        serial: "AC-7F3K-2O911".to_owned(),
        confidence_permille: 815,
        candidates: vec![
            candidate(
                "AC-7F3K-2O911",
                815,
                vec![990, 990, 1000, 980, 970, 960, 990, 1000, 950, 520, 990, 980, 990],
            ),
            candidate("AC-7F3K-20911", 160, vec![990; 13]),
        ],
        flaws: vec!["glare".to_owned()],
        lines: vec![ReadLine {
            text: "MADE IN COLOMBIA".to_owned(),
            confidence_permille: 930,
            corners: Vec::new(),
        }],
        troubles: vec![EngineTrouble {
            engine: "azure_vision".to_owned(),
            code: "unavailable".to_owned(),
            tag: "temporary".to_owned(),
        }],
        read_at: Some(timestamp(NOW)),
        took_ms: 1_900,
    }
}

fn alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
    };
    plain(one).eq_ignore_ascii_case(&plain(other))
}

#[async_trait]
impl CaptureQueries for Desk {
    async fn get_capture(
        &self,
        request: Request<GetCaptureRequest>,
    ) -> Result<Response<GetCaptureResponse>, Status> {
        let whose = tenant(&request)?;
        let id = request.into_inner().capture_id;
        let mut tables = self.tables.lock().unwrap();
        let tables = &mut *tables;
        let found = tables
            .captures
            .iter_mut()
            .find(|(of, one, _)| *of == whose && one.capture_id == id);
        let (_, capture, attempts) = found.ok_or_else(|| Status::not_found("no such capture"))?;
        if capture.state == "Leyendo" {
            if tables.looks == 0 {
                "Leido".clone_into(&mut capture.state);
                "ABC123456".clone_into(&mut capture.serial);
                capture.confidence_permille = 950;
            } else {
                tables.looks -= 1;
            }
        }
        Ok(Response::new(GetCaptureResponse {
            capture: Some(capture.clone()),
            attempts: attempts.clone(),
            similar: tables.similar.clone(),
        }))
    }

    async fn list_captures(
        &self,
        request: Request<ListCapturesRequest>,
    ) -> Result<Response<ListCapturesResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let tables = self.tables.lock().unwrap();
        let fits = |one: &Capture| {
            (wanted.states.is_empty() || wanted.states.contains(&one.state))
                && (wanted.order_id.is_empty() || wanted.order_id == one.order_id)
                && (wanted.serial.is_empty() || alike(&wanted.serial, &one.serial))
        };
        let found = tables
            .captures
            .iter()
            .filter(|(of, one, _)| *of == whose && fits(one));
        let mut captures: Vec<_> = found.map(|(_, one, _)| one.clone()).collect();
        if !wanted.oldest_first {
            captures.reverse();
        }
        Ok(Response::new(ListCapturesResponse {
            captures,
            next_cursor: String::new(),
        }))
    }

    async fn count_captures(
        &self,
        request: Request<CountCapturesRequest>,
    ) -> Result<Response<CountCapturesResponse>, Status> {
        let whose = tenant(&request)?;
        let tables = self.tables.lock().unwrap();
        let mut answer = CountCapturesResponse::default();
        for (_, one, _) in tables.captures.iter().filter(|(of, _, _)| *of == whose) {
            *answer.by_state.entry(one.state.clone()).or_default() += 1;
            if matches!(one.state.as_str(), "PorConfirmar" | "Ilegible") {
                answer.waiting += 1;
            }
        }
        Ok(Response::new(answer))
    }

    async fn list_samples(
        &self,
        request: Request<ListSamplesRequest>,
    ) -> Result<Response<ListSamplesResponse>, Status> {
        let whose = tenant(&request)?;
        let mistaken_only = request.into_inner().mistaken_only;
        let sample = Sample {
            capture_id: CAPTURE.to_owned(),
            attempt: 2,
            serial: "AC-7F3K-20911".to_owned(),
            origin: "corrected".to_owned(),
            read: "AC-7F3K-2O911".to_owned(),
            confidence_permille: 815,
            engine: "embedded".to_owned(),
            ..Sample::default()
        };
        let right = Sample {
            read: sample.serial.clone(),
            origin: "confirmed".to_owned(),
            ..sample.clone()
        };
        let samples = match (whose.as_str(), mistaken_only) {
            ("algesta", true) => vec![sample],
            ("algesta", false) => vec![sample, right],
            _ => Vec::new(),
        };
        Ok(Response::new(ListSamplesResponse {
            samples,
            next_cursor: String::new(),
        }))
    }

    async fn get_accuracy(
        &self,
        request: Request<GetAccuracyRequest>,
    ) -> Result<Response<GetAccuracyResponse>, Status> {
        tenant(&request)?;
        let row = |group: &str, name: &str, judged, exact| AccuracyRow {
            group: group.to_owned(),
            name: name.to_owned(),
            judged,
            exact,
        };
        let rows = match request.into_inner().days {
            7 => Vec::new(),
            _ => vec![
                row("all", "", 240, 221),
                row("engine", "embedded", 200, 190),
                row("engine", "azure_vision", 40, 31),
                row("flaw", "glare", 20, 9),
                row("day", "2026-11-19", 12, 11),
            ],
        };
        Ok(Response::new(GetAccuracyResponse { rows }))
    }
}

impl Desk {
    fn decide(
        &self,
        whose: &str,
        (id, version): (&str, i64),
        told: String,
        change: impl FnOnce(&mut Capture),
    ) -> Result<Capture, Status> {
        let mut tables = self.tables.lock().unwrap();
        let found = tables
            .captures
            .iter_mut()
            .find(|(of, one, _)| of == whose && one.capture_id == id);
        let (_, one, _) = found.ok_or_else(|| Status::not_found("no such capture"))?;
        if version != 0 && version != one.version {
            return Err(Status::aborted("the capture was changed meanwhile"));
        }
        if one.actions.is_empty() {
            return Err(Status::failed_precondition(format!(
                "it is {} already",
                one.state
            )));
        }
        change(one);
        one.version += 1;
        let one = one.clone();
        tables.done.push(told);
        Ok(one)
    }
}

fn ended(one: &mut Capture, state: &str, serial: &str, origin: &str) {
    state.clone_into(&mut one.state);
    serial.clone_into(&mut one.serial);
    origin.clone_into(&mut one.origin);
    one.actions.clear();
}

#[async_trait]
impl CaptureCommands for Desk {
    async fn recognize_serial(
        &self,
        request: Request<RecognizeSerialRequest>,
    ) -> Result<Response<RecognizeSerialResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        let tables = &mut *tables;
        let photo = wanted.photo.unwrap();
        if let Some(problem) = &tables.unreadable {
            return Err(problem.clone());
        }
        let said = format!("{} {} {}", wanted.file_name, wanted.order_id, wanted.asset_id);
        let place = format!("{} said", wanted.idempotency_key);
        if *tables.made.entry(place).or_insert_with(|| said.clone()) != said {
            return Err(Status::failed_precondition(
                "the idempotency key was used for something else",
            ));
        }
        if let Some(id) = tables.made.get(&wanted.idempotency_key) {
            let found = tables.captures.iter().find(|(_, one, _)| one.capture_id == *id);
            let (_, capture, attempts) = found.unwrap();
            return Ok(Response::new(RecognizeSerialResponse {
                capture: Some(capture.clone()),
                attempt: attempts.last().cloned(),
            }));
        }
        tables.done.push(format!(
            "recognize order={} asset={} capture={}",
            wanted.order_id, wanted.asset_id, wanted.capture_id
        ));
        let document = Document {
            document_id: Uuid::now_v7().to_string(),
            about_kind: "capture".to_owned(),
            about_id: CAPTURE.to_owned(),
            kind: "photo".to_owned(),
            container: photo.container.clone(),
            key: photo.key.clone(),
            file_name: wanted.file_name,
            media_type: photo.media_type.clone(),
            bytes: photo.bytes,
            sha256: photo.sha256.clone(),
            stored_at: Some(timestamp(NOW)),
            ..Document::default()
        };
        let photo = StoredPhoto {
            document_id: document.document_id.clone(),
            ..photo
        };
        tables.documents.push(("ocr", whose.clone(), document));
        let mut capture = match &tables.reads {
            Some(told) => told.clone(),
            None => Capture {
                serial: "ABC123456".to_owned(),
                confidence_permille: 950,
                attempt: 1,
                ..capture("Leido")
            },
        };
        capture.order_id = wanted.order_id;
        capture.asset_id = wanted.asset_id;
        let attempt = Attempt {
            attempt: capture.attempt,
            ..attempt(Some(photo))
        };
        tables.captures.retain(|(_, one, _)| one.capture_id != CAPTURE);
        let known = (whose, capture.clone(), vec![attempt.clone()]);
        tables.captures.push(known);
        tables
            .made
            .insert(wanted.idempotency_key, capture.capture_id.clone());
        Ok(Response::new(RecognizeSerialResponse {
            capture: Some(capture),
            attempt: Some(attempt),
        }))
    }

    async fn confirm_serial(
        &self,
        request: Request<ConfirmSerialRequest>,
    ) -> Result<Response<ConfirmSerialResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let which = (wanted.capture_id.as_str(), wanted.version);
        let capture = self.decide(&whose, which, "confirm".to_owned(), |one| {
            let serial = one.serial.clone();
            ended(one, "Leido", &serial, "confirmed");
        })?;
        Ok(Response::new(ConfirmSerialResponse {
            capture: Some(capture),
        }))
    }

    async fn write_serial(
        &self,
        request: Request<WriteSerialRequest>,
    ) -> Result<Response<WriteSerialResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let which = (wanted.capture_id.as_str(), wanted.version);
        let capture = self.decide(&whose, which, format!("write {}", wanted.serial), |one| {
            ended(one, "EscritoAMano", &wanted.serial, "corrected");
        })?;
        Ok(Response::new(WriteSerialResponse {
            capture: Some(capture),
        }))
    }

    async fn ask_photo(
        &self,
        request: Request<AskPhotoRequest>,
    ) -> Result<Response<AskPhotoResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let which = (wanted.capture_id.as_str(), wanted.version);
        let capture = self.decide(&whose, which, format!("ask photo {}", wanted.flaw), |one| {
            "OtraFoto".clone_into(&mut one.state);
        })?;
        Ok(Response::new(AskPhotoResponse {
            capture: Some(capture),
        }))
    }

    async fn generate_serial(
        &self,
        request: Request<GenerateSerialRequest>,
    ) -> Result<Response<GenerateSerialResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let which = (wanted.capture_id.as_str(), wanted.version);
        let capture = self.decide(&whose, which, "generate".to_owned(), |one| {
            ended(one, "Generado", "GEN-000001", "generated");
        })?;
        Ok(Response::new(GenerateSerialResponse {
            capture: Some(capture),
        }))
    }
}
