//! The charts of the overview, with their numbers as tables.

use maud::{Markup, html};
use puente_proto::ingress::GetTrafficResponse;
use puente_proto::notifications::CountMessagesResponse;

use crate::application::overview::Overview;
use crate::application::questions::Part;
use crate::console::charts::{Series, stacked};
use crate::console::view::View;
use crate::console::when;
use crate::console::words as w;

/// Deliveries and messages, minute by minute.
pub(super) fn charts(view: &View, all: &Overview) -> Markup {
    html! {
        section id="charts" class="block two" {
            @if let Some(Ok(traffic)) = &all.traffic { (traffic_chart(view, traffic)) }
            @if let Some(part) = &all.messages { (messages_chart(view, part)) }
        }
    }
}

fn messages_chart(view: &View, part: &Part<CountMessagesResponse>) -> Markup {
    let Ok(messages) = part else { return html! {} };
    let values = |pick: fn(&puente_proto::notifications::MessageBucket) -> u64| -> Vec<u64> {
        messages.buckets.iter().map(pick).collect()
    };
    let series = |family, word, values| Series {
        family,
        word: view.say(word).to_owned(),
        values,
    };
    let all = [
        series("good", w::KEY_SENT, values(|one| one.sent)),
        series(
            "rest",
            w::KEY_WAITING,
            values(|one| one.queued.saturating_sub(one.sent + one.failed + one.parked)),
        ),
        series("bad", w::KEY_FAILED, values(|one| one.failed)),
        series("doubt", w::KEY_PARKED, values(|one| one.parked)),
    ];
    let starts: Vec<_> = messages.buckets.iter().map(|one| one.start).collect();
    chart(view, w::CHART_MESSAGES, &all, &starts)
}

fn traffic_chart(view: &View, traffic: &GetTrafficResponse) -> Markup {
    let starts: Vec<_> = traffic.buckets.iter().map(|one| one.start).collect();
    chart(view, w::CHART_TRAFFIC, &traffic_series(view, traffic), &starts)
}

fn traffic_series(view: &View, traffic: &GetTrafficResponse) -> [Series; 4] {
    let values = |pick: fn(&puente_proto::ingress::TrafficBucket) -> u64| -> Vec<u64> {
        traffic.buckets.iter().map(pick).collect()
    };
    let series = |family, word, values| Series {
        family,
        word: view.say(word).to_owned(),
        values,
    };
    [
        series("good", w::KEY_ACCEPTED, values(|one| one.accepted)),
        series(
            "rest",
            w::KEY_DUPLICATE,
            values(|one| one.duplicate + one.ignored),
        ),
        series("warn", w::KEY_TROUBLED, values(|one| one.troubled)),
        series("bad", w::KEY_REFUSED, values(|one| one.refused)),
    ]
}

fn chart(view: &View, title: w::Word, series: &[Series], starts: &[Option<when::Stamp>]) -> Markup {
    let sums: Vec<(&Series, String)> = series
        .iter()
        .map(|one| (one, when::count(view.language, one.sum())))
        .collect();
    let said: Vec<String> = sums
        .iter()
        .map(|(one, sum)| format!("{sum} {}", one.word))
        .collect();
    let label = view.fill(
        w::CHART_LABEL,
        &[("what", view.say(title)), ("parts", &said.join(", "))],
    );
    html! {
        figure class="panel pad" {
            h2 { (view.say(title)) }
            (stacked(series, &label))
            p class="scale" aria-hidden="true" { span { (view.say(w::AN_HOUR_AGO)) } span { (view.say(w::NOW)) } }
            ul class="keys" {
                @for (one, sum) in &sums { li class=(one.family) { (one.word) " " b { (sum) } } }
            }
            (as_table(view, series, starts))
        }
    }
}

/// The same numbers, for who reads rather than looks: the stretches in which something happened.
fn as_table(view: &View, series: &[Series], starts: &[Option<when::Stamp>]) -> Markup {
    let value = |one: &Series, n: usize| one.values.get(n).copied().unwrap_or(0);
    let rows: Vec<_> = starts
        .iter()
        .enumerate()
        .filter(|(n, _)| series.iter().any(|one| value(one, *n) > 0))
        .filter_map(|(n, at)| Some((n, when::local(at.as_ref())?)))
        .collect();
    html! {
        @if !rows.is_empty() {
            details class="gap" {
                summary { (view.say(w::AS_TABLE)) }
                div class="scroll" tabindex="0" role="group" aria-label=(view.say(w::AS_TABLE)) {
                    table {
                        thead { tr { th scope="col" { (view.say(w::MINUTE)) } @for one in series { th scope="col" class="num" { (one.word) } } } }
                        tbody {
                            @for (n, at) in rows {
                                tr { th scope="row" { (when::short(at)) } @for one in series { td class="num" { (value(one, n)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
