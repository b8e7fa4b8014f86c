//! `/plantillas/contrato`: how does the contract look that people sign? A sample to download: the policy of our pages lets
//! nothing be embedded, and viewers of phones show a saved PDF better anyway.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use puente_blob::{MediaType, name};
use puente_proto::signature::PreviewContractRequest;

use crate::console::layout::Page;
use crate::console::parts::icon;
use crate::console::problem::Problem;
use crate::console::view::View;
use crate::console::words as w;
use crate::documents::serve::file;
use crate::domain::Right;
use crate::state::App;

/// `GET /plantillas/contrato`
pub(crate) async fn show(view: View) -> Response {
    let answer = view.see(Right::ReadConnections).map(|()| {
        let title = view.say(w::TEMPLATE_TITLE);
        let body = html! {
            h1 { (title) }
            p class="lede" { (view.say(w::TEMPLATE_LEDE)) }
            div class="panel pad block" {
                h2 { (view.say(w::TEMPLATE_CONTRACT)) }
                p class="gap muted" { (view.say(w::TEMPLATE_PARTS)) }
                p class="acts gap" { a class="button primary" href="/plantillas/contrato/muestra" { (icon("mail")) (view.say(w::TEMPLATE_DOWNLOAD)) } }
            }
        };
        Page::at("/plantillas/contrato", title, body)
    });
    view.answer(answer)
}

/// `GET /plantillas/contrato/muestra`
pub(crate) async fn sample(view: View, State(app): State<App>) -> Response {
    let made = async {
        view.see(Right::ReadConnections)?;
        let made = view.ask(&app).preview_contract(PreviewContractRequest {}).await;
        made.map_err(|status| Problem::of("signature", &status))
    };
    match made.await {
        Ok(made) => file(
            &name::disposition("contrato-muestra.pdf"),
            MediaType::Pdf,
            made.pdf,
        ),
        Err(problem) => view.back_to("/plantillas/contrato").answer(Err(problem)),
    }
}
