//! The task of an order in the task manager, as a line among its facts.

use maud::{Markup, html};
use puente_proto::orders::OrderSummary;
use puente_proto::sync::Task;

use crate::application::failure::Failure;
use crate::application::tasks::task_of;
use crate::console::parts::{fact, icon};
use crate::console::states;
use crate::console::view::View;
use crate::console::words as w;
use crate::state::App;

/// The line: nothing for an order without a task.
pub(super) async fn task(view: &View, app: &App, order: &OrderSummary) -> Markup {
    let value = match task_of(view.ask(app), &order.order_id).await {
        Ok(Some(task)) => standing(view, &task),
        Err(Failure::Away(service) | Failure::Busy(service) | Failure::Broken(service)) => {
            html! { span class="warn ink" { (icon("plug")) " " (view.fill(w::PART_AWAY, &[("service", service)])) } }
        }
        Ok(None) | Err(_) => return html! {},
    };
    fact(view.say(w::FACT_TASK), value)
}

fn standing(view: &View, task: &Task) -> Markup {
    let name = view.fill(w::TASK_IN, &[("name", &task.provider_name)]);
    // What a provider names as its page is followed only where it can be one.
    let page = ["https://", "http://"]
        .iter()
        .any(|scheme| task.url.starts_with(scheme));
    let stage = match task.state.as_str() {
        "creating" => w::TASK_CREATING,
        "failed" => w::TASK_FAILED,
        "completed" => w::TASK_COMPLETED,
        _ => states::order(&task.stage).word,
    };
    html! {
        @if page { a href=(task.url) rel="noreferrer" { (name) } } @else { (name) }
        " · " (view.say(stage))
        @if !task.problem_code.is_empty() {
            br;
            small class="bad ink" {
                (icon("alert")) " "
                (view.fill(w::TASK_PROBLEM, &[("code", &task.problem_code), ("problem", &task.problem)]))
            }
        }
    }
}
