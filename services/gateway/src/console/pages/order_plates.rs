//! The equipment of an order, on its page: what has a record sheet, and what is still being read.

use maud::{Markup, html};
use puente_proto::ocr::ListCapturesRequest;
use puente_proto::orders::{ListAssetsRequest, OrderSummary};

use super::{assets, captures};
use crate::application::questions::missing;
use crate::console::parts::away;
use crate::console::view::{View, encode};
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Of each at most; all of them are listed on their own pages.
const MOST: u32 = 20;
/// Captures that have come to no end.
const OPEN: [&str; 4] = ["Leyendo", "PorConfirmar", "OtraFoto", "Ilegible"];

/// The live part.
pub(super) async fn plates(view: &View, app: &App, order: &OrderSummary) -> Markup {
    let ask = view.ask(app);
    let wanted = ListAssetsRequest {
        page_size: MOST,
        order_id: order.order_id.clone(),
        ..ListAssetsRequest::default()
    };
    let open = ListCapturesRequest {
        page_size: MOST,
        order_id: order.order_id.clone(),
        states: OPEN.map(str::to_owned).to_vec(),
        ..ListCapturesRequest::default()
    };
    let readings = async {
        if view.may(Right::ReadCaptures) {
            Some(ask.list_captures(open).await)
        } else {
            None
        }
    };
    let (found, readings) = futures::join!(ask.list_assets(wanted), readings);
    html! {
        section id="plates" class="block" aria-labelledby="h-plates" {
            header {
                h2 id="h-plates" { (view.say(w::ORDER_PLATES)) }
                @if view.may(Right::ChangeCaptures) { a class="more" href={ "/activos/leer?pedido=" (encode(&order.number)) } { (view.say(w::READ_PLATE)) } }
            }
            div class="panel" {
                @match &found {
                    Err(status) => div class="pad" { (away(view, missing("orders", status))) },
                    Ok(found) if found.assets.is_empty() => p class="none" { (view.say(w::ORDER_PLATES_NONE)) },
                    Ok(found) => (assets::table(view, &found.assets)),
                }
            }
            @match &readings {
                Some(Err(status)) => div class="gap" { (away(view, missing("ocr", status))) },
                Some(Ok(found)) if !found.captures.is_empty() => div class="panel gap" { (captures::table(view, &found.captures)) },
                _ => {},
            }
        }
    }
}
