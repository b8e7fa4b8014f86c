//! `/activos/leer`: a photograph of a plate, taken or chosen, and its serial within seconds. Made for a phone on site.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::plates::{asset, capture, settled};
use crate::console::change;
use crate::console::layout::Page;
use crate::console::parts::{csrf, icon};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::documents::{self as files, By, Photo, Plate};
use crate::domain::Right;
use crate::state::App;
use crate::web::form_data::{self, Field};

/// What file choosers offer; what counts is the content.
const ACCEPT: &str = "image/jpeg,image/png,image/webp";
const PAGE: &str = "/activos/leer";

/// `GET /activos/leer`
pub(crate) async fn show(view: View, State(app): State<App>) -> Response {
    let answer = page(&view, &app).await;
    view.answer(answer)
}

async fn page(view: &View, app: &App) -> Answer {
    view.see(Right::ChangeCaptures)?;
    let pairs = form(&view.query);
    let (of_asset, of_capture) = (value(&pairs, "activo"), value(&pairs, "captura"));
    let about = if !of_asset.is_empty() {
        let found = asset(view.ask(app), of_asset).await?.asset;
        let number = found.map(|one| one.number).unwrap_or_default();
        Some(view.fill(w::READ_OF_ASSET, &[("number", &number)]))
    } else if !of_capture.is_empty() {
        capture(view.ask(app), of_capture).await?;
        Some(view.say(w::READ_OF_CAPTURE).to_owned())
    } else {
        None
    };
    let title = view.say(w::READ_TITLE);
    let body = html! {
        h1 { (title) }
        p class="lede" { (view.say(w::READ_LEDE)) @if let Some(about) = &about { " " (about) } }
        @if value(&pairs, "falta") == "archivo" { (missing(view, w::FILE_NEEDED)) }
        @if value(&pairs, "falta") == "pedido" { (missing(view, w::READ_ORDER_BAD)) }
        form class="panel pad form block" method="post" enctype="multipart/form-data" action=(PAGE) {
            (csrf(view))
            input type="hidden" name="once" value=(Uuid::now_v7());
            input type="hidden" name="asset" value=(of_asset);
            input type="hidden" name="capture" value=(of_capture);
            div class="fields" {
                div class="field" {
                    label for="photo" { (view.say(w::READ_TAKE)) }
                    input id="photo" name="photo" type="file" accept=(ACCEPT) capture="environment" aria-describedby="photo-hint";
                }
                div class="field" {
                    label for="file" { (view.say(w::READ_CHOOSE)) }
                    input id="file" name="file" type="file" accept=(ACCEPT) aria-describedby="photo-hint";
                }
            }
            small id="photo-hint" { (view.say(w::READ_HINT)) }
            @if of_asset.is_empty() && of_capture.is_empty() {
                div class="field" {
                    label for="order" { (view.say(w::READ_ORDER)) }
                    input id="order" name="order" maxlength="40" autocomplete="off" value=(value(&pairs, "pedido")) aria-describedby="order-hint";
                    small id="order-hint" { (view.say(w::READ_ORDER_HINT)) }
                }
            }
            p class="acts" { button class="primary" type="submit" { (view.say(w::READ_BUTTON)) } }
        }
    };
    Ok(Page::at("/activos", title, body).below(view.say(w::ASSETS), "/activos"))
}

fn missing(view: &View, word: w::Word) -> Markup {
    html! { p class="note bad gap" role="alert" { (icon("alert")) span { (view.say(word)) } } }
}

/// What the form sent.
struct Sent(Vec<Field>);

impl Sent {
    async fn read(request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| Problem::Kind)?;
        let fields = form_data::read(&parts.headers, bytes).await;
        fields.map(Self).map_err(|_| Problem::Kind)
    }

    fn photo(&self) -> Option<&Field> {
        form_data::file(&self.0, "photo").or_else(|| form_data::file(&self.0, "file"))
    }

    fn text(&self, name: &str) -> &str {
        form_data::text(&self.0, name).trim()
    }

    /// The same photograph of the same form is one; another one is another.
    fn once(&self, view: &View, photo: &Field) -> String {
        let digest = hex::encode(Sha256::digest(&photo.bytes));
        let mark: String = digest.chars().take(16).collect();
        let once: String = self.text("once").chars().take(40).collect();
        change::once(view, &[("once".to_owned(), format!("{once}-{mark}"))])
    }
}

/// `POST /activos/leer`
pub(crate) async fn read(view: View, State(app): State<App>, request: Request) -> Response {
    let back = view.back_to(PAGE);
    match reading(&view, &app, request).await {
        Ok(place) => Redirect::to(&place).into_response(),
        Err(problem) => back.answer(Err(problem)),
    }
}

/// Where to go on: to the capture, or back to what is missing.
async fn reading(view: &View, app: &App, request: Request) -> Result<String, Problem> {
    if !view.may(Right::ChangeCaptures) {
        return Err(Problem::Forbidden);
    }
    let sent = Sent::read(request).await?;
    let (of_asset, of_capture, which) = (sent.text("asset"), sent.text("capture"), sent.text("order"));
    let again = |what: &str| {
        let places = [("activo", of_asset), ("captura", of_capture), ("pedido", which)];
        let kept = places.into_iter().filter(|(_, value)| !value.is_empty());
        let kept: String = kept
            .map(|(name, value)| format!("&{name}={}", encode(value)))
            .collect();
        format!("{PAGE}?falta={what}{kept}")
    };
    let Some(photo) = sent.photo() else {
        return Ok(again("archivo"));
    };
    let ask = view.ask(app);
    let order_id = match which {
        "" => String::new(),
        which => match order(ask, &view.principal, which).await {
            Ok(order) => order.order_id,
            Err(Failure::NotFound) => return Ok(again("pedido")),
            Err(failure) => return Err(failure.into()),
        },
    };
    let asset_id = match of_asset {
        "" => String::new(),
        which => asset(ask, which).await?.asset.unwrap_or_default().asset_id,
    };
    let key = sent.once(view, photo);
    let by = By {
        principal: &view.principal,
        trace: "",
        key: &key,
    };
    let plate = Plate {
        capture_id: of_capture,
        order_id: &order_id,
        asset_id: &asset_id,
    };
    let (capture, attempt) = files::recognise(app, ask, by, Photo::File(photo), plate).await?;
    let (capture, _) = settled(ask, capture, attempt).await?;
    Ok(format!("/revision-ocr/{}", capture.capture_id))
}
