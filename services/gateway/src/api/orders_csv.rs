//! The list of orders as a file for a spreadsheet: bounded, masked as everywhere, and with a row in the audit trail, since a
//! file leaves the house.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, header};
use puente_proto::orders::{ListOrdersRequest, OrderSummary};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::describe::{Api, doc};
use super::input::{Asking, Query};
use super::lists::{cursor, words};
use crate::application::failure::Failure;
use crate::application::orders::{assignee, visible};
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const ORDER: &str = "puente.orders.v1.OrderSummary";
/// Orders of one file at most: what one request can ask for within its time.
const MOST: usize = 2_000;
/// Orders of one question.
const PAGE: u32 = 100;
/// Where the next file begins; absent when this one holds all.
const NEXT: HeaderName = HeaderName::from_static("puente-next-cursor");
/// The fields of an order that become columns, in this order.
const COLUMNS: [&str; 14] = [
    "number",
    "state",
    "service",
    "client_name",
    "client_phone",
    "client_check",
    "location",
    "agent_name",
    "service_provider_name",
    "channel",
    "quotation.amount_minor",
    "quotation.currency",
    "opened_at",
    "updated_at",
];
/// Spreadsheets take a file for UTF-8 that begins with it.
const MARK: char = '\u{feff}';

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/api/orders.csv",
        Access::Needs(Right::ReadOrders),
        export,
        doc(
            "exportOrders",
            "At most 2000 orders as a spreadsheet, newest first; the header puente-next-cursor says where others follow. \
             Leaves a row in the audit trail",
        )
        .query::<Wanted>()
        .file("text/csv"),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `puente-next-cursor` of the file before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// States by their Spanish names, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    states: String,
    /// Orders of this client.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    client_id: String,
}

async fn export(asking: Asking, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    let about = json!({ "states": wanted.states, "client_id": wanted.client_id });
    let doing = gathered(&asking, wanted);
    let (orders, next) = asking
        .recorded("orders.exported", "orders", (None, Some(about)), None, doing)
        .await?;
    let show = Show::to(&asking.principal);
    let shown = orders
        .iter()
        .filter(|order| visible(&asking.principal, order))
        .map(|order| seen(ORDER, order, show));
    let kind = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"orders.csv\""),
    ];
    let mut answer = (kind, table(shown)).into_response();
    if let Some(next) = next.and_then(|next| next.parse().ok()) {
        answer.headers_mut().insert(NEXT, next);
    }
    Ok(answer)
}

/// The orders of one file, and where the next one begins.
async fn gathered(asking: &Asking, wanted: Wanted) -> Result<(Vec<OrderSummary>, Option<String>), Problem> {
    let mut orders = Vec::new();
    let mut question = ListOrdersRequest {
        page_size: PAGE,
        cursor: wanted.cursor,
        states: words(&wanted.states),
        client_id: wanted.client_id,
        assignee: assignee(&asking.principal),
        ..ListOrdersRequest::default()
    };
    while orders.len() < MOST {
        let page = asking.ask().list_orders(question.clone()).await;
        let page = page.map_err(|status| Failure::of("orders", &status))?;
        orders.extend(page.orders);
        if page.next_cursor.is_empty() {
            return Ok((orders, None));
        }
        question.cursor = page.next_cursor;
    }
    Ok((orders, Some(question.cursor)))
}

/// A table as RFC 4180 has it.
fn table(orders: impl Iterator<Item = Value>) -> String {
    let mut text = String::from(MARK);
    line(&mut text, COLUMNS.iter().map(|name| (*name).to_owned()));
    for order in orders {
        line(&mut text, COLUMNS.iter().map(|name| value(&order, name)));
    }
    text
}

fn value(order: &Value, name: &str) -> String {
    let found = name.split('.').try_fold(order, |within, part| within.get(part));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push('"');
        text.push_str(&harmless(&cell).replace('"', "\"\""));
        text.push('"');
    }
    text.push_str("\r\n");
}

/// A spreadsheet works out what looks like a formula; what people wrote is text, and stays text.
fn harmless(cell: &str) -> String {
    let starts = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%']);
    // Blanks before it may be dropped when the file is opened; `＝` and its like are read as their plain forms.
    let wide = |cell: &str| cell.starts_with(['＝', '＋', '－', '＠']);
    if starts(cell) || starts(cell.trim_start()) || wide(cell.trim_start()) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text_and_quotes_are_doubled() {
        for bad in [
            "=1+1",
            "+57",
            "-2",
            "@SUM(A1)",
            "\t=1",
            " =1",
            "\r=1",
            "＝1",
            "=cmd|'/c calc'!A1",
        ] {
            assert!(harmless(bad).starts_with('\''), "{bad:?}");
        }
        assert_eq!(harmless("Reparación"), "Reparación");
        let order = json!({ "number": "OT-000001", "service": "=HYPERLINK(\"x\")", "quotation": { "amount_minor": 5, "currency": "COP" } });
        let text = table([order].into_iter());
        let row = text.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "\"OT-000001\",\"\",\"'=HYPERLINK(\"\"x\"\")\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"5\",\"COP\",\"\",\"\""
        );
        assert!(text.starts_with("\u{feff}\"number\",") && text.ends_with("\r\n"));
    }
}
