//! The frame around every page: navigation by rights, search, live state, person.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use puente_rpc::Scope;

use super::assets;
use super::parts::{csrf, icon};
use super::pending::badge;
use super::tenant;
use super::view::View;
use super::words::{self as w, Language, Word};
use crate::domain::{Right, Role};

/// What a handler hands over to be framed.
pub(crate) struct Page {
    /// The verdict, as the window's title.
    pub(crate) title: String,
    /// Path of the place in the navigation.
    pub(crate) place: &'static str,
    /// Where the page lies: links above it.
    pub(crate) crumbs: Vec<(String, String)>,
    /// Topics of its live parts; nothing is live without.
    pub(crate) live: Option<String>,
    /// The page.
    pub(crate) body: Markup,
}

impl Page {
    /// A page of a place of the navigation.
    pub(crate) fn at(place: &'static str, title: impl Into<String>, body: Markup) -> Self {
        Self {
            title: title.into(),
            place,
            crumbs: Vec::new(),
            live: None,
            body,
        }
    }

    /// With live parts.
    pub(crate) fn live(mut self, topics: impl Into<String>) -> Self {
        self.live = Some(topics.into());
        self
    }

    /// Below another page.
    pub(crate) fn below(mut self, text: &str, href: &str) -> Self {
        self.crumbs.push((text.to_owned(), href.to_owned()));
        self
    }
}

/// A place of the navigation.
struct Place {
    path: &'static str,
    word: Word,
    right: Option<Right>,
}

const fn place(path: &'static str, word: Word, right: Right) -> Place {
    Place {
        path,
        word,
        right: Some(right),
    }
}

/// The place that has a number: how much waits there.
const REVIEWS: &str = "/revision-ocr";

/// The navigation: groups with what they hold.
const PLACES: &[(Option<Word>, &[Place])] = &[
    (
        None,
        &[Place {
            path: "/",
            word: w::OVERVIEW,
            right: None,
        }],
    ),
    (
        Some(w::GROUP_WORK),
        &[
            place("/pedidos", w::ORDERS, Right::ReadOrders),
            place("/conversaciones", w::CONVERSATIONS, Right::ReadConversations),
            place("/firmas", w::SIGNATURES, Right::ReadSignatures),
            place(REVIEWS, w::REVIEWS, Right::ReadCaptures),
            place("/activos", w::ASSETS, Right::ReadAssets),
            place("/directorio", w::DIRECTORY, Right::ReadDirectory),
        ],
    ),
    (
        Some(w::GROUP_TRAFFIC),
        &[
            place("/entregas", w::DELIVERIES, Right::ReadTraffic),
            place("/inciertos", w::UNCERTAIN, Right::ReadEffects),
            place("/cartas-muertas", w::DEAD_LETTERS, Right::ReadDeadLetters),
            place("/repeticiones", w::REPLAYS, Right::ReadTraffic),
        ],
    ),
    (
        Some(w::GROUP_CONNECTIONS),
        &[
            place("/integraciones", w::INTEGRATIONS_PAGE, Right::ReadConnections),
            place("/salud", w::HEALTH, Right::ReadHealth),
        ],
    ),
    (
        Some(w::GROUP_GOVERNMENT),
        &[
            place("/plantillas/contrato", w::TEMPLATES, Right::ReadConnections),
            place("/auditoria", w::AUDIT, Right::ReadAudit),
            place("/accesos", w::ACCESS, Right::ManageAccess),
        ],
    ),
];

/// What a role is called.
pub(crate) fn role(role: Role) -> Word {
    match role {
        Role::Admin => w::ROLE_ADMIN,
        Role::Agent => w::ROLE_AGENT,
        Role::Technician => w::ROLE_TECHNICIAN,
        Role::Finance => w::ROLE_FINANCE,
        Role::Operator => w::ROLE_OPERATOR,
        Role::Viewer => w::ROLE_VIEWER,
    }
}

/// The whole document around a page.
pub(crate) fn document(view: &View, page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(view.language.tag()) {
            (head(view.language, &page.title))
            body {
                (PreEscaped(assets::SPRITE))
                a class="skip" href="#main" { (view.say(w::SKIP)) }
                @if view.simulated { aside class="ribbon" aria-label=(view.say(w::ENVIRONMENT)) { (view.say(w::TEST_ENVIRONMENT)) } }
                div class="shell" {
                    (navigation(view, page.place))
                    div {
                        (bar(view, page.live.is_some()))
                        main id="main" tabindex="-1" data-live=[page.live.as_deref()] {
                            @if !page.crumbs.is_empty() { (crumbs(view, &page.crumbs)) }
                            (page.body)
                        }
                        footer class="foot" { p { (view.say(w::ZONE)) } }
                    }
                }
                script src=(assets::script()) defer {}
            }
        }
    }
}

/// The document of a page without a person: log-in, and troubles before it.
pub(crate) fn bare(language: Language, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            (head(language, title))
            body {
                (PreEscaped(assets::SPRITE))
                div class="door" { main id="main" { (body) } }
            }
        }
    }
}

fn head(language: Language, title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · " (language.say(w::PUENTE)) }
            link rel="stylesheet" href=(assets::style());
            link rel="icon" href="data:,";
        }
    }
}

fn navigation(view: &View, here: &str) -> Markup {
    let allowed = |place: &&Place| place.right.is_none_or(|right| view.may(right));
    html! {
        nav class="nav" id="nav" popover aria-label=(view.say(w::MAIN_NAV)) {
            div class="brand" {
                (icon("bridge"))
                span { (view.say(w::PUENTE)) small { (scope(view)) } }
            }
            @for (group, places) in PLACES {
                @let places: Vec<_> = places.iter().filter(allowed).collect();
                @if !places.is_empty() {
                    @if let Some(group) = group { h2 { (view.say(*group)) } }
                    ul {
                        @for place in places {
                            li { a href=(place.path) aria-current=[(place.path == here).then_some("page")] { (view.say(place.word)) @if place.path == REVIEWS { (badge(view, view.reviews)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn scope(view: &View) -> String {
    match &view.principal.scope {
        Scope::Tenant(tenant) => tenant.to_string(),
        Scope::Installation => view.say(w::INSTALLATION).to_owned(),
    }
}

fn bar(view: &View, live: bool) -> Markup {
    let other = match view.language {
        Language::Spanish => Language::English,
        Language::English => Language::Spanish,
    };
    html! {
        header class="bar" {
            button class="menu" type="button" popovertarget="nav" { (icon("bars")) span { (view.say(w::MENU)) } }
            form class="find" role="search" action="/buscar" {
                (icon("seek"))
                label class="hidden" for="q" { (view.say(w::SEARCH)) }
                input id="q" name="q" type="search" maxlength="100" placeholder=(view.say(w::SEARCH_HINT));
            }
            @if live {
                a class="live" href=(view.with("", None)) data-live=(view.say(w::LIVE_ON)) data-stale=(view.say(w::LIVE_STALE)) {
                    (view.say(w::REFRESH))
                }
            } @else {
                span class="live" { (view.say(w::LIVE_IDLE)) }
            }
            details class="me" {
                summary aria-label=(view.fill(w::PERSON_MENU, &[("name", &view.principal.name)])) {
                    (icon("person")) span { (view.principal.name) }
                }
                div {
                    p { b { (view.principal.name) } br; span class="muted" { (view.say(role(view.principal.role))) } }
                    @if view.session.wide { (tenant::chooser(view)) }
                    a href=(with_language(view, other)) lang=(other.tag()) { (view.say(w::OTHER_LANGUAGE)) }
                    form method="post" action="/salir" {
                        (csrf(view))
                        button type="submit" { (view.say(w::LOG_OUT)) }
                    }
                }
            }
        }
    }
}

fn with_language(view: &View, other: Language) -> String {
    let plain = view.with("lang", None);
    let join = if plain.contains('?') { '&' } else { '?' };
    format!("{plain}{join}lang={}", other.tag())
}

fn crumbs(view: &View, crumbs: &[(String, String)]) -> Markup {
    html! {
        nav class="crumbs" aria-label=(view.say(w::BREADCRUMB)) {
            @for (text, href) in crumbs { a href=(href) { (text) } " / " }
        }
    }
}
