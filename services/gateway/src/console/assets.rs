//! Styles and script, inside the program: named by their content, so that browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

/// The symbols of all pages, put into each.
pub(crate) const SPRITE: &str = include_str!("../../assets/sprite.svg");

/// A file that browsers keep.
struct Asset {
    name: String,
    kind: &'static str,
    body: String,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let body = concat!(
        include_str!("../../assets/tokens.css"),
        include_str!("../../assets/console.css")
    );
    Asset::new("console", "css", "text/css; charset=utf-8", body)
});

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let body = include_str!("../../assets/console.js");
    Asset::new("console", "js", "text/javascript; charset=utf-8", body)
});

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, body: &str) -> Self {
        let digest = hex::encode(Sha256::digest(body));
        let mark: String = digest.chars().take(12).collect();
        Self {
            name: format!("{stem}.{mark}.{ending}"),
            kind,
            body: body.to_owned(),
        }
    }
}

/// Where the styles are.
pub(crate) fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// Where the script is.
pub(crate) fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// `GET /assets/{name}`
pub(crate) async fn get(Path(name): Path<String>) -> Response {
    let Some(asset) = [&*STYLE, &*SCRIPT].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.body.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_loads_stays_small() {
        assert!(SCRIPT.body.len() <= 8 * 1024, "{}", SCRIPT.body.len());
        assert!(STYLE.body.len() <= 32 * 1024, "{}", STYLE.body.len());
        assert!(SPRITE.len() <= 4 * 1024, "{}", SPRITE.len());
    }

    #[test]
    fn nothing_asks_for_other_hosts_or_inline_code() {
        for body in [&STYLE.body, &SCRIPT.body] {
            for word in ["http://", "https://", "@import", "url(", "eval(", "new Function"] {
                assert!(!body.contains(word), "{word}");
            }
        }
        assert!(!SPRITE.contains("style="));
    }
}
