//! What was read on a plate, and what a person may do about it.

use maud::{Markup, html};
use puente_proto::ocr::{Attempt, Candidate, Capture, SimilarSerial};

use super::capture::Found;
use crate::application::plates::{FLAWS, percent};
use crate::console::parts::{csrf, fact, icon, pill};
use crate::console::states;
use crate::console::view::View;
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;

/// Below this a character is named as doubtful, in thousandths.
const DOUBTFUL: u32 = 900;
/// Below this it is more likely to be another one.
const POOR: u32 = 600;
/// Candidates that are offered.
const OFFERED: usize = 5;
/// Lines of text that are shown.
const LINES: usize = 60;

fn may(one: &Capture, act: &str) -> bool {
    one.actions.iter().any(|other| other == act)
}

/// An engine by the name that people know.
pub(super) fn engine(view: &View, name: &str) -> String {
    match name {
        "embedded" => view.say(w::ENGINE_OWN).to_owned(),
        "azure_vision" => "Azure Vision".to_owned(),
        "google_vision" => "Google Vision".to_owned(),
        other => other.to_owned(),
    }
}

/// The faults of a photograph in one sentence; nothing without any.
pub(super) fn flaws(view: &View, attempt: &Attempt) -> Option<String> {
    let words: Vec<_> = attempt
        .flaws
        .iter()
        .filter_map(|flaw| states::flaw(flaw))
        .map(|word| view.say(word))
        .collect();
    let list = match words.split_last() {
        None => return None,
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => view.fill(w::AND, &[("list", &rest.join(", ")), ("last", last)]),
    };
    Some(view.fill(w::FLAWS_ARE, &[("list", &list)]))
}

/// The live part about the reading.
pub(super) fn reading(view: &View, found: &Found) -> Markup {
    let one = &found.capture;
    let last = found.last();
    let decides = view.may(Right::ChangeCaptures);
    html! {
        section id="reading" class="panel pad" aria-labelledby="h-reading" {
            h2 id="h-reading" { (view.say(w::READING)) }
            @if let Some(text) = last.and_then(|last| flaws(view, last)) { p class="note warn gap" { (icon("alert")) span { (text) } } }
            @if may(one, "confirm") || may(one, "write") {
                @if decides { (deciding(view, one, last)) } @else { (told(view, one, last)) p class="muted gap" { (view.say(w::REVIEW_ONLY)) } }
            } @else { (told(view, one, last)) }
            (known(view, found))
            @if !found.rest.similar.is_empty() && !one.actions.is_empty() { (similar(view, &found.rest.similar)) }
            @if !one.facts.is_empty() { (plate(view, one)) }
            @if let Some(last) = last { (lines(view, last)) }
            @if decides && one.actions.is_empty() { p class="muted gap" { (view.say(w::REVIEW_OVER)) } }
            @if decides { (others(view, one, last)) }
        }
    }
}

/// The form whose field holds the reading: Enter stores what it says.
fn deciding(view: &View, one: &Capture, last: Option<&Attempt>) -> Markup {
    let read = may(one, "confirm") && !one.serial.is_empty();
    let button = if read { w::CONFIRM_NEXT } else { w::WRITE_NEXT };
    let other = if read { w::CORRECT_NEXT } else { w::WRITE_NEXT };
    html! {
        form class="form gap review" method="post" action={ "/revision-ocr/" (one.capture_id) "/serial" } {
            (csrf(view))
            input type="hidden" name="version" value=(one.version);
            div class="field" {
                label for="serial" { (view.say(w::SERIAL_FIELD)) }
                input id="serial" name="serial" value=(one.serial) maxlength="60" autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus
                    enterkeyhint="done" aria-describedby="serial-hint" data-read=(one.serial);
                small id="serial-hint" { (view.say(w::SERIAL_HINT)) }
            }
            (sure(view, one, last))
            p class="acts" { button class="primary" type="submit" data-same=(view.say(button)) data-other=(view.say(other)) { (view.say(button)) } }
            @if let Some(last) = last { (candidates(view, one, last)) }
            p class="faint" { (view.say(w::CONFIRM_ABOUT)) }
            p class="faint fine" { (view.say(w::KEYS_HINT)) }
        }
    }
}

/// The same for whoever only looks, and for what is decided.
fn told(view: &View, one: &Capture, last: Option<&Attempt>) -> Markup {
    html! {
        @if one.serial.is_empty() { @if last.is_some_and(|last| last.state == "nothing") { p class="gap" { (view.say(w::NOTHING_READ)) } } }
        @else {
            p class="gap" { span class="serial big" { (one.serial) } }
            @if !one.origin.is_empty() { p class="gap" { (pill(view, states::origin(&one.origin))) } }
        }
        (sure(view, one, last))
    }
}

/// How sure the reading is, as a whole and by character.
fn sure(view: &View, one: &Capture, last: Option<&Attempt>) -> Markup {
    let best = last.and_then(|last| last.candidates.first());
    let best = best.filter(|best| best.serial.chars().count() == best.characters_permille.len());
    let (sure, threshold) = (percent(one.confidence_permille), percent(one.threshold_permille));
    html! {
        @if one.confidence_permille > 0 {
          div class="sure" {
            p class="muted" { (view.fill(w::CONFIDENCE_IS, &[("sure", &sure), ("threshold", &threshold)])) }
            @if let Some(best) = best { (characters(view, best)) }
          }
        }
    }
}

fn characters(view: &View, best: &Candidate) -> Markup {
    let each: Vec<(char, u32)> = best
        .serial
        .chars()
        .zip(best.characters_permille.iter().copied())
        .collect();
    let doubtful: Vec<String> = each
        .iter()
        .enumerate()
        .filter(|(_, (_, sure))| *sure < DOUBTFUL)
        .map(|(n, (c, sure))| {
            let places = [("n", (n + 1).to_string()), ("c", c.to_string())];
            let places = places.each_ref().map(|(name, value)| (*name, value.as_str()));
            format!("{} {}", view.fill(w::DOUBTFUL_ONE, &places), percent(*sure))
        })
        .collect();
    html! {
        ol class="chars" aria-label=(view.say(w::CHARACTERS)) {
            @for (c, sure) in &each {
                li class=(family(*sure)) { b { (c) } small { ((sure + 5) / 10) } }
            }
        }
        @if !doubtful.is_empty() { p { (view.fill(w::DOUBTFUL, &[("list", &doubtful.join(", "))])) } }
    }
}

const fn family(sure: u32) -> &'static str {
    match sure {
        DOUBTFUL.. => "good",
        POOR.. => "warn",
        _ => "bad",
    }
}

fn candidates(view: &View, one: &Capture, last: &Attempt) -> Markup {
    let others: Vec<_> = last
        .candidates
        .iter()
        .filter(|other| other.serial != one.serial)
        .take(OFFERED)
        .collect();
    html! {
        @if !others.is_empty() {
            fieldset {
                legend { (view.say(w::CANDIDATES)) }
                p class="acts choices" {
                    @for other in others {
                        button type="submit" name="use" value=(other.serial) {
                            (view.fill(w::USE_READING, &[("serial", &other.serial)])) " " small { (percent(other.confidence_permille)) @if !other.label.is_empty() { " · " (other.label) } }
                        }
                    }
                }
            }
        }
    }
}

/// The asset of the serial, which there is or will be.
fn known(view: &View, found: &Found) -> Markup {
    let ended = matches!(
        found.capture.state.as_str(),
        "Leido" | "EscritoAMano" | "Generado"
    );
    html! {
        @match &found.asset {
            Some(asset) => p class="note wait gap" {
                (icon("check"))
                span { (view.fill(w::KNOWN_ASSET, &[("number", &asset.number)])) }
                a class="more" href={ "/activos/" (asset.number) } { (view.say(w::SEE_SHEET)) }
            },
            None if ended && view.may(Right::ReadAssets) => p class="note wait gap" { (icon("clock")) span { (view.say(w::SHEET_COMING)) } },
            None => {},
        }
    }
}

fn similar(view: &View, all: &[SimilarSerial]) -> Markup {
    html! {
        div class="note warn gap" {
            (icon("alert"))
            div {
                p { (view.say(w::SIMILAR)) }
                ul {
                    @for one in all {
                        @let differs = if one.distance == 1 { view.say(w::SIMILAR_ONE).to_owned() } else { view.fill(w::SIMILAR_MANY, &[("n", &one.distance.to_string())]) };
                        li { a class="more" href={ "/revision-ocr/" (one.capture_id) } { span class="serial" { (one.serial) } } " · " (differs) }
                    }
                }
            }
        }
    }
}

/// What else stands on the plate.
fn plate(view: &View, one: &Capture) -> Markup {
    let mut all: Vec<_> = one.facts.iter().collect();
    all.sort();
    html! {
        h3 class="gap" { (view.say(w::ON_PLATE)) }
        dl class="facts bare" {
            @for (name, value) in all {
                (fact(states::datum(name).map_or(name.as_str(), |word| view.say(word)), html! { (value) }))
            }
        }
    }
}

fn lines(view: &View, last: &Attempt) -> Markup {
    html! {
        @if !last.lines.is_empty() {
            details class="gap quiet" {
                summary { (view.fill(w::ALL_LINES, &[("n", &when::count(view.language, last.lines.len() as u64))])) }
                ul class="lines" {
                    @for line in last.lines.iter().take(LINES) { li { (line.text) " " small { (percent(line.confidence_permille)) } } }
                }
            }
        }
    }
}

/// Another photograph, or none at all.
fn others(view: &View, one: &Capture, last: Option<&Attempt>) -> Markup {
    let place = format!("/revision-ocr/{}", one.capture_id);
    let worst = last.and_then(|last| last.flaws.first());
    html! {
        @if may(one, "recognize") {
            p class="acts gap" { a class="button" href={ "/activos/leer?captura=" (one.capture_id) } { (view.say(w::READ_PLATE)) } }
        }
        @if may(one, "ask_photo") {
            form class="form gap apart" method="post" action={ (place) "/otra-foto" } {
                (csrf(view))
                input type="hidden" name="version" value=(one.version);
                div class="field" {
                    label for="flaw" { (view.say(w::OTHER_PHOTO_FLAW)) }
                    select id="flaw" name="flaw" {
                        option value="" { (view.say(w::FLAW_NONE)) }
                        @for flaw in FLAWS {
                            @if let Some(word) = states::flaw(flaw) { option value=(flaw) selected[worst.is_some_and(|worst| worst == flaw)] { (view.say(word)) } }
                        }
                    }
                }
                p class="faint" { (view.say(w::OTHER_PHOTO_ABOUT)) }
                p class="acts" { button type="submit" { (view.say(w::OTHER_PHOTO)) } }
            }
        }
        @if may(one, "generate") {
            details class="gap apart quiet" {
                summary { (view.say(w::GENERATE)) }
                form class="form gap" method="post" action={ (place) "/generar" } {
                    (csrf(view))
                    input type="hidden" name="version" value=(one.version);
                    p class="muted" { (view.say(w::GENERATE_ABOUT)) }
                    p class="acts" { button class="danger" type="submit" { (view.say(w::GENERATE_BUTTON)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_good_doubtful_or_poor() {
        assert_eq!(
            [1000, 900, 899, 600, 599, 0].map(family),
            ["good", "good", "warn", "warn", "bad", "bad"]
        );
    }
}
