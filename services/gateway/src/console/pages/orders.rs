//! `/pedidos`: which orders are there, and where do they stand?

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{ListOrdersRequest, OrderSummary};

use crate::application::orders::list;
use crate::application::overview::count_orders;
use crate::application::questions::missing;
use crate::console::layout::Page;
use crate::console::parts::{ago, away, date, masked, none, pager, pill, views};
use crate::console::problem::Answer;
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Orders on one page.
const PAGE: u32 = 50;

/// The saved views: their word in the URL, their name, and the states that they show.
const VIEWS: [(&str, w::Word, &[&str]); 5] = [
    ("", w::VIEW_ALL, &[]),
    ("nuevos", w::VIEW_NEW, &["Nueva", "Asignada"]),
    ("firma", w::VIEW_SIGNING, &["EnFirma"]),
    ("cliente", w::VIEW_CLIENT, &["CotizacionEnviada", "Programada"]),
    (
        "problema",
        w::VIEW_TROUBLE,
        &["CotizacionRechazada", "DocumentosRechazados"],
    ),
];

/// `GET /pedidos`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ReadOrders)?;
    let pairs = form(&view.query);
    let now = value(&pairs, "vista");
    let one = value(&pairs, "estado");
    let mut wanted: Vec<String> = VIEWS
        .iter()
        .find(|(word, _, _)| *word == now)
        .map(|(_, _, states)| states.iter().map(|state| (*state).to_owned()).collect())
        .unwrap_or_default();
    if states::ORDER_STATES.contains(&one) {
        wanted = vec![one.to_owned()];
    }
    let filtered = !wanted.is_empty();
    let request = ListOrdersRequest {
        page_size: PAGE,
        cursor: value(&pairs, "cursor").to_owned(),
        states: wanted,
        client_id: value(&pairs, "cliente").to_owned(),
        ..ListOrdersRequest::default()
    };
    let ask = view.ask(app);
    let (counts, found) = futures::join!(
        count_orders(ask, &view.principal),
        list(ask, &view.principal, request)
    );
    let title = counts.map_or_else(
        |_| view.say(w::ORDERS_TITLE_PLAIN).to_owned(),
        |counts| {
            let open = counts.states.iter().filter(|one| !states::is_final(&one.state));
            let open: u64 = open.map(|one| one.count).sum();
            let number = |n| when::count(view.language, n);
            view.fill(
                w::ORDERS_TITLE,
                &[("n", &number(open)), ("today", &number(counts.opened_today))],
            )
        },
    );
    let tabs: Vec<_> = VIEWS.iter().map(|(word, name, _)| (*word, *name)).collect();
    let body = html! {
        h1 { (title) }
        p class="lede" { (view.say(w::ORDERS_LEDE)) }
        div class="panel block" {
            (views(view, "vista", view.say(w::ORDERS), now, &tabs))
            @match &found {
                Err(status) => div class="pad" { (away(view, missing("orders", status))) },
                Ok(found) if found.orders.is_empty() => (none(view, w::ORDERS_NONE, filtered)),
                Ok(found) => {
                    (table(view, &found.orders))
                    (pager(view, found.orders.len(), &found.next_cursor))
                },
            }
        }
    };
    Ok(Page::at("/pedidos", title, body))
}

/// Orders, one a line; also for the results of a search.
pub(crate) fn table(view: &View, orders: &[OrderSummary]) -> Markup {
    let head = |word| html! { th role="columnheader" scope="col" { (view.say(word)) } };
    html! {
        table class="stack" role="table" aria-label=(view.say(w::ORDERS_TABLE)) {
            thead role="rowgroup" {
                tr role="row" {
                    (head(w::COL_NUMBER)) (head(w::STATE)) (head(w::COL_CLIENT)) (head(w::COL_SERVICE)) (head(w::COL_OPENED)) (head(w::COL_CHANGED))
                }
            }
            tbody role="rowgroup" {
                @for order in orders {
                    tr role="row" data-row {
                        td role="cell" class="o1 nowrap" { a href={ "/pedidos/" (order.number) } { (order.number) } }
                        td role="cell" class="o2 end" { (pill(view, states::order(&order.state))) }
                        td role="cell" class="o3 wide" {
                            @if view.may(Right::ReadClients) { (order.client_name) } @else { (masked(&order.client_phone)) }
                        }
                        td role="cell" class="o4 muted" { (order.service) }
                        td role="cell" class="drop nowrap" { (date(view, order.opened_at.as_ref())) }
                        td role="cell" class="o5 end faint nowrap" { (ago(view, order.updated_at.as_ref())) }
                    }
                }
            }
        }
    }
}
