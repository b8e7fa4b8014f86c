//! One file per skill.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::file::{ChoiceFile, DoneFile, SkillFile, StepFile};
use super::{check, phrases};
use crate::domain::skill::{Choice, Completion, Kind, Known, Skill, Step};
use crate::domain::words::Phrase;
use crate::infrastructure::skills::problem::Examined;

/// No chat message is longer.
const MAX_CHARS: usize = 4_096;
/// A photograph takes seconds of a processor: more than this is no person.
const MAX_PER_DAY: u32 = 10_000;
const KINDS: &str = "text, name, email, phone, location, choice, order_number, nit, check_client, confirm";

pub(super) fn build(written: SkillFile, expected: &str, file: &mut Examined<'_>) -> Skill {
    check::format(&written.format, file);
    check::version(&written.version, file);
    if written.name.get_ref() != expected {
        file.at(
            &written.name.span(),
            "name",
            format!("the file is named after `{expected}`"),
        );
    }
    let asks = !written.steps.is_empty();
    for (given, key) in [
        (written.max_tries.is_some(), "max_tries"),
        (written.handover.is_some(), "handover"),
    ] {
        if asks && !given {
            file.whole(key, "is needed where questions are asked");
        }
    }
    let tries = written.max_tries.as_ref();
    let max_tries = tries.map_or(1, |tries| check::within(tries, 1, 10, "max_tries", file));
    let text = written.handover.as_ref();
    let handover = text
        .map(|text| check::text_key(text, "handover", file))
        .unwrap_or_default();
    let mut fields = BTreeSet::new();
    let mut steps = Vec::with_capacity(written.steps.len());
    for (at, written) in written.steps.into_iter().enumerate() {
        let field = &written.get_ref().field;
        if !fields.insert(field.get_ref().clone()) {
            file.at(
                &field.span(),
                format!("steps[{at}].field"),
                format!("`{}` is asked twice", field.get_ref()),
            );
        }
        if let Some(step) = step(written.into_inner(), at, file) {
            steps.push(step);
        }
    }
    let span = written.done.span();
    let done = completion(written.done, file);
    let skill = Skill {
        name: expected.to_owned(),
        version: *written.version.get_ref(),
        client_only: written.client_only,
        steps,
        max_tries,
        handover,
        done: done.unwrap_or(Completion::OpenOrder),
    };
    if file.found.is_empty() {
        // A step that could not be read would only be told of twice.
        for missing in missing(&skill) {
            file.at(&span, "done", missing);
        }
    }
    skill
}

fn step(written: StepFile, at: usize, file: &mut Examined<'_>) -> Option<Step> {
    let key = |name: &str| format!("steps[{at}].{name}");
    check::name(&written.field, &key("field"), file);
    if ["options", "client"].contains(&written.field.get_ref().as_str()) {
        file.at(
            &written.field.span(),
            key("field"),
            "this name is kept for the bot itself",
        );
    }
    let kind_span = written.kind.span();
    let mut bounds = |min: usize, max: usize| {
        let low = written
            .min
            .as_ref()
            .map_or(min, |min| check::within(min, 1, MAX_CHARS, &key("min"), file));
        let high = written
            .max
            .as_ref()
            .map_or(max, |max| check::within(max, 1, MAX_CHARS, &key("max"), file));
        if low > high {
            file.at(
                &kind_span,
                key("min"),
                format!("{low} is more than the most, {high}"),
            );
        }
        (low, high)
    };
    let kind = match written.kind.get_ref().as_str() {
        "text" => {
            let (min, max) = bounds(1, 1_000);
            Kind::Text(min, max)
        }
        "name" => {
            let (min, max) = bounds(2, 80);
            Kind::Name(min, max)
        }
        "location" => {
            let (min, max) = bounds(3, 200);
            Kind::Location(min, max)
        }
        "email" => Kind::Email,
        "phone" => Kind::Phone,
        "choice" => Kind::Choice(Vec::new()),
        "order_number" => Kind::OrderNumber,
        "nit" => Kind::Nit,
        "check_client" => {
            if written.digit.is_none() {
                file.at(
                    &kind_span,
                    key("digit"),
                    "`check_client` needs the text that asks for the check digit",
                );
            }
            let digit = written.digit.as_ref();
            Kind::CheckClient {
                digit: digit
                    .map(|text| check::text_key(text, &key("digit"), file))
                    .unwrap_or_default(),
            }
        }
        "confirm" => Kind::Confirm,
        other => {
            file.at(
                &kind_span,
                key("kind"),
                format!("`{other}` is no kind of step; known: {KINDS}"),
            );
            return None;
        }
    };
    if let (Some(digit), false) = (&written.digit, matches!(kind, Kind::CheckClient { .. })) {
        file.at(
            &digit.span(),
            key("digit"),
            "only a step of kind `check_client` asks for a check digit",
        );
    }
    let measured = matches!(kind, Kind::Text(..) | Kind::Name(..) | Kind::Location(..));
    if let (Some(bound), false) = (written.min.as_ref().or(written.max.as_ref()), measured) {
        file.at(
            &bound.span(),
            key("min/max"),
            "only text, name and location have a length",
        );
    }
    if !written.choices.is_empty() && !matches!(kind, Kind::Choice(_)) {
        file.at(
            &kind_span,
            key("choices"),
            "only a step of kind `choice` has choices",
        );
    }
    let kind = match kind {
        Kind::Choice(_) => {
            if written.choices.len() < 2 {
                file.at(&kind_span, key("choices"), "a choice needs at least two choices");
            }
            Kind::Choice(choices(written.choices, &key("choices"), file))
        }
        other => other,
    };
    let known = written
        .known
        .as_ref()
        .and_then(|known| match (known.get_ref().as_str(), &kind) {
            ("contact_phone", Kind::Phone) => Some(Known::ContactPhone),
            ("client_location", Kind::Location(..)) => Some(Known::ClientLocation),
            _ => {
                let reason = "must be `contact_phone` for a phone or `client_location` for a location";
                file.at(&known.span(), key("known"), reason);
                None
            }
        });
    let readable = matches!(kind, Kind::Choice(_) | Kind::OrderNumber | Kind::Text(..));
    if let (Some(words), false) = (&written.opening_words, readable) {
        file.at(
            &words.span(),
            key("opening_words"),
            "only choice, order_number and text can be read from the first message",
        );
    }
    if written.optional && matches!(kind, Kind::Confirm | Kind::CheckClient { .. }) {
        let reason = "a confirmation, or the check of a client, cannot be optional";
        file.at(&kind_span, key("optional"), reason);
    }
    Some(Step {
        opening_words: written
            .opening_words
            .map(|words| check::within(&words, 1, 100, &key("opening_words"), file)),
        ask: check::text_key(&written.ask, &key("ask"), file),
        retry: check::text_key(&written.retry, &key("retry"), file),
        leads: phrases(written.leads, &key("leads"), file),
        field: written.field.into_inner(),
        optional: written.optional,
        kind,
        known,
    })
}

fn choices(written: Vec<Spanned<ChoiceFile>>, key: &str, file: &mut Examined<'_>) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::with_capacity(written.len());
    for choice in written {
        let choice = choice.into_inner();
        check::name(&choice.value, key, file);
        if choices.iter().any(|other| other.value == *choice.value.get_ref()) {
            file.at(
                &choice.value.span(),
                key,
                format!("`{}` stands twice", choice.value.get_ref()),
            );
        }
        if choice.label.get_ref().trim().is_empty() {
            file.at(&choice.label.span(), key, "a label must say something");
        }
        let label = choice.label.into_inner();
        let mut phrases = phrases(choice.phrases, key, file);
        // What people read they also write.
        phrases.push(Phrase::new(&label));
        choices.push(Choice {
            value: choice.value.into_inner(),
            label,
            phrases,
        });
    }
    choices
}

fn completion(done: Spanned<DoneFile>, file: &mut Examined<'_>) -> Option<Completion> {
    let done = done.into_inner();
    let action = done.action.get_ref().clone();
    let span = done.action.span();
    let mut text = |text: &Option<Spanned<String>>, name: &str, wanted: bool| {
        let key = format!("done.{name}");
        match (text, wanted) {
            (Some(text), true) => check::text_key(text, &key, file),
            (Some(text), false) => {
                file.at(&text.span(), key, format!("`{action}` has no such text"));
                String::new()
            }
            (None, true) => {
                file.at(&span, key, format!("`{action}` needs this text"));
                String::new()
            }
            (None, false) => String::new(),
        }
    };
    let (registers, tracks) = (action == "register_client", action == "track_order");
    let captures = action == "capture_plate";
    let (done_text, already) = (
        text(&done.text, "text", registers),
        text(&done.already, "already", registers),
    );
    let (found, not_found) = (
        text(&done.found, "found", tracks),
        text(&done.not_found, "not_found", tracks),
    );
    let (ask, order_unknown, too_many) = (
        text(&done.ask, "ask", captures),
        text(&done.order_unknown, "order_unknown", captures),
        text(&done.too_many, "too_many", captures),
    );
    let per_day = match (&done.per_day, captures) {
        (Some(per_day), true) => check::within(per_day, 1, MAX_PER_DAY, "done.per_day", file),
        (Some(per_day), false) => {
            file.at(
                &per_day.span(),
                "done.per_day",
                format!("`{action}` has no such number"),
            );
            1
        }
        (None, true) => {
            file.at(&span, "done.per_day", format!("`{action}` needs this number"));
            1
        }
        (None, false) => 1,
    };
    match action.as_str() {
        "capture_plate" => Some(Completion::CapturePlate {
            ask,
            order_unknown,
            per_day,
            too_many,
        }),
        "register_client" => Some(Completion::RegisterClient {
            done: done_text,
            already,
        }),
        "open_order" => Some(Completion::OpenOrder),
        "track_order" => Some(Completion::TrackOrder { found, not_found }),
        other => {
            let reason = format!(
                "`{other}` is no action; known: capture_plate, register_client, open_order, track_order"
            );
            file.at(&span, "done.action", reason);
            None
        }
    }
}

/// What the action needs and the steps do not bring.
fn missing(skill: &Skill) -> Vec<String> {
    let mut missing = Vec::new();
    let mut need = |field: &str, what: &str, fits: fn(&Kind) -> bool| match skill
        .steps
        .iter()
        .find(|s| s.field == field)
    {
        Some(step) if fits(&step.kind) && !step.optional => {}
        Some(_) => missing.push(format!("the step `{field}` must be {what} and not optional")),
        None => missing.push(format!("a step `{field}` is needed: {what}")),
    };
    match skill.done {
        Completion::RegisterClient { .. } => {
            need("name", "a name", |kind| matches!(kind, Kind::Name(..)));
            need("email", "an e-mail address", |kind| matches!(kind, Kind::Email));
            need("phone", "a phone", |kind| matches!(kind, Kind::Phone));
            need("location", "a location", |kind| {
                matches!(kind, Kind::Location(..))
            });
            if skill.client_only {
                missing.push("registration cannot be for clients only".to_owned());
            }
        }
        Completion::OpenOrder => {
            need("service", "a choice or text", |kind| {
                matches!(kind, Kind::Choice(_) | Kind::Text(..))
            });
            need("description", "text", |kind| matches!(kind, Kind::Text(..)));
            need("location", "a location", |kind| {
                matches!(kind, Kind::Location(..))
            });
            need("confirm", "a confirmation", |kind| matches!(kind, Kind::Confirm));
            if !skill.client_only && skill.client_step().is_none() {
                missing.push(
                    "an order needs a client: set client_only = true, or ask for one by a step `check_client`".to_owned(),
                );
            }
        }
        Completion::CapturePlate { .. } => {
            if !skill.steps.is_empty() {
                missing.push("a capture asks nothing itself: ocr goes on with the person".to_owned());
            }
        }
        Completion::TrackOrder { .. } => need("number", "an order number", |kind| {
            matches!(kind, Kind::OrderNumber)
        }),
    }
    let checks = |step: &Step| matches!(step.kind, Kind::CheckClient { .. });
    if skill.steps.iter().skip(1).any(checks) {
        // Whoever has to be registered first begins again with the message that began the skill, and no other answer.
        missing.push("a step of kind `check_client` must be the first".to_owned());
    }
    if skill.client_step().is_some() && skill.done != Completion::OpenOrder {
        missing.push("only what opens an order checks who it is for".to_owned());
    }
    missing
}
