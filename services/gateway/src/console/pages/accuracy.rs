//! `/revision-ocr/exactitud`: how often is what was read what the plate says?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::ocr::{AccuracyRow, GetAccuracyRequest};

use super::capture_reading::engine;
use crate::application::questions::missing;
use crate::console::charts::bar;
use crate::console::layout::Page;
use crate::console::parts::{away, none, views};
use crate::console::problem::Answer;
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::state::App;

/// The saved views: their word in the URL, their name, the days that they count.
const VIEWS: [(&str, w::Word, u32); 4] = [
    ("7", w::DAYS_7, 7),
    ("", w::DAYS_30, 30),
    ("90", w::DAYS_90, 90),
    ("365", w::DAYS_365, 365),
];

/// `GET /revision-ocr/exactitud`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadCaptures)?;
    let pairs = form(&view.query);
    let now = value(&pairs, "dias");
    let days = VIEWS
        .iter()
        .find(|(word, _, _)| *word == now)
        .map_or(30, |(_, _, days)| *days);
    let found = view.ask(app).get_accuracy(GetAccuracyRequest { days }).await;
    let all = found
        .as_ref()
        .ok()
        .and_then(|found| found.rows.iter().find(|row| row.group == "all"));
    let rate = all.and_then(|row| when::percent(view.language, row.exact, row.judged));
    let title = match (&rate, &found) {
        (Some(rate), _) => view.fill(w::ACCURACY_TITLE, &[("rate", rate)]),
        (None, Ok(_)) => view.say(w::ACCURACY_TITLE_NONE).to_owned(),
        (None, Err(_)) => view.say(w::SEE_ACCURACY).to_owned(),
    };
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let body = html! {
        h1 { (title) }
        p class="lede" { (view.say(w::ACCURACY_LEDE)) }
        div class="panel block" {
            (views(view, "dias", view.say(w::SEE_ACCURACY), now, &tabs))
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("ocr", status))) },
                Ok(_) if rate.is_none() => (none(view, w::ACCURACY_TITLE_NONE, false)),
                Ok(found) => (table(view, &found.rows)),
            }
        }
    };
    Ok(Page::at("/revision-ocr", title, body).below(view.say(w::REVIEWS), "/revision-ocr"))
}

/// What a row counts: its group, and its name in it.
fn named(view: &View, row: &AccuracyRow) -> (w::Word, String) {
    match row.group.as_str() {
        "engine" if row.name == "embedded" => (w::GROUP_ENGINE, view.say(w::ENGINE_OWN_NAME).to_owned()),
        "engine" => (w::GROUP_ENGINE, engine(view, &row.name)),
        "flaw" => {
            let word = states::flaw(&row.name);
            let name = word.map_or_else(|| row.name.clone(), |word| view.say(word).to_owned());
            (w::GROUP_FLAW, name)
        }
        "day" => {
            let day = when::calendar_day(&row.name);
            let name = day.map_or_else(|| row.name.clone(), |day| when::day_of(view.language, day));
            (w::GROUP_DAY, name)
        }
        _ => (w::GROUP_ALL, String::new()),
    }
}

/// Nine of ten are good; fewer than seven are not.
fn family(row: &AccuracyRow) -> &'static str {
    match row.exact.saturating_mul(100).checked_div(row.judged) {
        Some(90..) => "good",
        Some(70..) => "warn",
        Some(_) => "bad",
        None => "rest",
    }
}

fn table(view: &View, rows: &[AccuracyRow]) -> Markup {
    let head = |word, class| html! { th role="columnheader" scope="col" class=(class) { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::ACCURACY_TABLE)) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::ACCURACY_GROUP, "")) (head(w::ACCURACY_RATE, "")) (head(w::ACCURACY_EXACT, "num")) (head(w::ACCURACY_JUDGED, "num"))
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    @let (group, name) = named(view, row);
                    tr role="row" data-row {
                        td role="cell" class="o1" { @if name.is_empty() { b { (view.say(group)) } } @else { span class="faint" { (view.say(group)) } " " (name) } }
                        td role="cell" class="o2 end" { span class="quota" { (bar(row.exact, row.judged, family(row))) (when::percent(view.language, row.exact, row.judged).unwrap_or_else(|| "—".to_owned())) } }
                        td role="cell" class="num o3" data-label=(view.say(w::ACCURACY_EXACT)) { (when::count(view.language, row.exact)) }
                        td role="cell" class="num o4 end" data-label=(view.say(w::ACCURACY_JUDGED)) { (when::count(view.language, row.judged)) }
                    }
                }
            }
        }
    }
}
