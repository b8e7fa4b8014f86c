//! `/activos/{id}`: the record sheet of a piece of equipment.

use std::collections::HashMap;

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use puente_proto::orders::{Asset, AssetFact, GetAssetResponse, UpdateAssetRequest};

use super::asset_parts::{data, history, photos, what_is_known};
use crate::application::plates::{asset, percent};
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::names::Names;
use crate::console::parts::{csrf, date, fact, icon, pill, trace_id};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, encode, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::domain::documents::{Container, Reach, reach};
use crate::state::App;

/// Values that people know of; others are kept as they came.
pub(super) const KNOWN: [&str; 8] = [
    "brand", "model", "voltage", "power", "date", "part", "location", "note",
];
/// What stands before a value's name in the form.
const FIELD: &str = "data_";
/// Values that one command changes.
const MOST: usize = 20;
/// Characters of a value at most.
const LONGEST: usize = 200;

/// `GET /activos/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = page(&view, &app, &id).await;
    view.answer(answer)
}

/// The asset of this id or number, for whoever may see it.
async fn found(view: &View, app: &App, id: &str) -> Result<(Asset, Vec<AssetFact>), Problem> {
    view.see(Right::ReadAssets)?;
    let GetAssetResponse { asset, history } = asset(view.ask(app), id).await?;
    Ok((asset.ok_or(Problem::NotFound)?, history))
}

async fn page(view: &View, app: &App, id: &str) -> Answer {
    let (one, facts) = found(view, app, id).await?;
    let (title, parts) = parts_of(view, app, &one, &facts).await;
    let pairs = form(&view.query);
    let note =
        |word| html! { p class="note good" role="status" { (icon("check")) span { (view.say(word)) } } };
    let body = html! {
        @if value(&pairs, "hecho") == "1" { (note(w::DONE_NOTE)) }
        @if value(&pairs, "igual") == "1" { (note(w::ASSET_UNCHANGED)) }
        @for part in &parts { (part) }
        @if view.may(Right::ChangeAssets) { (editing(view, &one)) }
    };
    Ok(Page::at("/activos", title, body)
        .below(view.say(w::ASSETS), "/activos")
        .live(format!("asset:{}", one.number)))
}

/// The live parts of the page.
pub(crate) async fn parts(view: &View, app: &App, id: &str) -> Result<(String, Vec<Markup>), Problem> {
    let (one, facts) = found(view, app, id).await?;
    Ok(parts_of(view, app, &one, &facts).await)
}

async fn parts_of(view: &View, app: &App, one: &Asset, facts: &[AssetFact]) -> (String, Vec<Markup>) {
    let (names, photos) = futures::join!(Names::of(view, app), photos(view, app, one));
    let title = view.fill(
        w::ASSET_TITLE,
        &[("number", &one.number), ("serial", &one.serial)],
    );
    let parts = vec![
        head(view, one, &title),
        origin(view, one, &names),
        data(view, one),
        photos,
        history(view, facts, &names),
    ];
    (title, parts)
}

fn place(number: &str) -> String {
    format!("/activos/{}", encode(number))
}

fn head(view: &View, one: &Asset, title: &str) -> Markup {
    let changed = when::local(one.updated_at.as_ref())
        .map(|at| when::ago(view.language, view.now, at))
        .unwrap_or_default();
    let opens = reach(view.principal.role, Container::Reports) >= Reach::Open;
    html! {
        section id="verdict" {
            div class="title" {
                h1 { (title) }
                @if opens && !one.sheet_document_id.is_empty() { a class="button primary end" href={ "/documentos/" (one.sheet_document_id) } { (view.say(w::SHEET_PDF)) } }
            }
            p class="lede" { (view.fill(w::ASSET_LEDE, &[("n", &one.version.to_string()), ("ago", &changed)])) }
            @if one.sheet_document_id.is_empty() { p class="faint" { (view.say(w::SHEET_NOT_YET)) } }
            @else if one.sheet_version < one.version { p class="faint" { (view.fill(w::SHEET_OLD, &[("n", &one.sheet_version.to_string())])) } }
        }
    }
}

/// Who a fact is owed to, in words.
pub(super) fn by<'a>(view: &'a View, names: &'a Names, by: &'a str) -> &'a str {
    match by {
        "" => view.say(w::BY_ITSELF),
        "contact" => view.say(w::BY_CONTACT),
        other => names.name(view, other),
    }
}

fn origin(view: &View, one: &Asset, names: &Names) -> Markup {
    html! {
        section id="origin" class="block" aria-labelledby="h-origin" {
            header {
                h2 id="h-origin" { (view.say(w::ASSET_FACTS)) }
                @if view.may(Right::ChangeCaptures) { a class="more" href={ "/activos/leer?activo=" (encode(&one.number)) } { (view.say(w::ASSET_READ_AGAIN)) } }
            }
            div class="panel" {
                dl class="facts" {
                    (fact(view.say(w::COL_SERIAL), html! { span class="serial" { (one.serial) } }))
                    (fact(view.say(w::FACT_ORIGIN), pill(view, states::origin(&one.origin))))
                    @if one.confidence_permille > 0 { (fact(view.say(w::COL_CONFIDENCE), html! { (percent(one.confidence_permille)) })) }
                    (fact(view.say(w::FACT_BY), html! { (by(view, names, &one.by)) }))
                    (fact(view.say(w::FACT_REGISTERED), date(view, one.registered_at.as_ref())))
                    @if !one.order_number.is_empty() {
                        (fact(view.say(w::FACT_FIRST_ORDER), html! {
                            @if view.may(Right::ReadOrders) { a href={ "/pedidos/" (encode(&one.order_number)) } { (one.order_number) } } @else { (one.order_number) }
                        }))
                    }
                    @if !one.trace_id.is_empty() { (fact(view.say(w::TRACE), trace_id(&one.trace_id))) }
                }
            }
        }
    }
}

fn editing(view: &View, one: &Asset) -> Markup {
    html! {
        details class="panel pad gap bring" {
            summary { (view.say(w::ASSET_EDIT)) }
            form class="form gap" method="post" action=(place(&one.number)) {
                (csrf(view))
                input type="hidden" name="version" value=(one.version);
                div class="fields" {
                    @for name in names(one) {
                        div class="field" {
                            label for={ "d-" (name) } { (what_is_known(view, name)) }
                            input id={ "d-" (name) } name={ (FIELD) (name) } maxlength=(LONGEST) autocomplete="off" value=(one.data.get(name).map_or("", String::as_str));
                        }
                    }
                }
                p class="faint" { (view.say(w::ASSET_EDIT_HINT)) }
                p class="acts" { button class="primary" type="submit" { (view.say(w::ASSET_SAVE)) } }
            }
        }
    }
}

/// What may be known of an asset: what people know of, and what it has beside that.
fn names(one: &Asset) -> Vec<&str> {
    let mut others: Vec<_> = one
        .data
        .keys()
        .map(String::as_str)
        .filter(|name| !KNOWN.contains(name))
        .collect();
    others.sort_unstable();
    KNOWN.into_iter().chain(others).take(MOST).collect()
}

/// The values that the form changes: those that it shows, and that are others now.
fn changed(one: &Asset, fields: &[(String, String)]) -> HashMap<String, String> {
    let known = names(one);
    let sent = fields.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(FIELD)?;
        let value: String = value
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST)
            .collect();
        let before = one.data.get(name).map_or("", String::as_str);
        (known.contains(&name) && value != before).then(|| (name.to_owned(), value))
    });
    sent.collect()
}

/// `POST /activos/{id}`
pub(crate) async fn edit(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let page = place(&id);
    let one = match found(&view, &app, &id).await {
        Ok((one, _)) => one,
        Err(problem) => return view.back_to(&page).answer(Err(problem)),
    };
    let data = changed(&one, &fields);
    if data.is_empty() {
        return Redirect::to(&format!("{page}?igual=1")).into_response();
    }
    let version: i64 = value(&fields, "version").parse().unwrap_or_default();
    let mut changed: Vec<_> = data.keys().cloned().collect();
    changed.sort();
    let entry = Entry {
        action: "asset.changed",
        object: &one.asset_id,
        before: Some(serde_json::json!({ "version": one.version })),
        after: Some(serde_json::json!({ "data": changed })),
        ..Entry::default()
    };
    let doing = async {
        let command = UpdateAssetRequest {
            asset_id: one.asset_id.clone(),
            version,
            data,
            // What was seen says which change it is: the same form twice is one.
            idempotency_key: format!(
                "{}/console/asset/{}/{version}/{}",
                view.principal.subject(),
                one.asset_id,
                digest(&fields)
            ),
        };
        let answer = view.ask(&app).update_asset(command).await;
        answer.map_err(|status| Problem::of("orders", &status)).map(drop)
    };
    let done = change::make(&view, &app, Right::ChangeAssets, entry, doing).await;
    change::done(&view, &page, done)
}

fn digest(fields: &[(String, String)]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for (name, value) in fields {
        hash.update(format!("{}:{name}{}:{value}", name.len(), value.len()));
    }
    hex::encode(hash.finalize()).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_the_form_shows_and_that_are_others_now_are_changed() {
        let one = Asset {
            data: HashMap::from([
                ("brand".to_owned(), "Carrier".to_owned()),
                ("serie_motor".to_owned(), "M-1".to_owned()),
            ]),
            ..Asset::default()
        };
        let field = |name: &str, value: &str| (format!("data_{name}"), value.to_owned());
        let fields = [
            field("brand", "Carrier "),
            field("model", " X-9 "),
            field("serie_motor", ""),
            field("secret", "x"),
            ("csrf".to_owned(), "t".to_owned()),
        ];
        let changed = changed(&one, &fields);
        let expected = HashMap::from([
            ("model".to_owned(), "X-9".to_owned()),
            ("serie_motor".to_owned(), String::new()),
        ]);
        assert_eq!(changed, expected);
    }
}
