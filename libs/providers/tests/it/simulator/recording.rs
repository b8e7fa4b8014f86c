//! What went over the wire, kept for the check against the vendors' API descriptions (`make contract`).
//!
//! A file per test in `target/contract/`, new at each run. Exchanges are written as if they had gone to the vendor, so
//! that the description's own addresses fit, and without what differs from run to run for no reason.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use http::header::DATE;
use puente_http::record::{Exchange, ExchangeRecorder, NdjsonRecorder};
use puente_providers::find;

/// The recording of one test.
pub(super) struct Recording {
    path: PathBuf,
    test: String,
    simulators: String,
    /// Opened by the first exchange: many tests have none.
    file: OnceLock<NdjsonRecorder>,
}

impl Recording {
    /// `place` is the path of a function within the test.
    pub(super) fn of(place: &str, simulators: SocketAddr) -> Self {
        let path = path(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.exists() {
            std::fs::remove_file(&path).unwrap();
        }
        Self {
            path,
            test: test(place).to_owned(),
            simulators: format!("http://{simulators}/sim/"),
            file: OnceLock::new(),
        }
    }
}

/// Where a test's recording is.
pub(super) fn path(place: &str) -> PathBuf {
    let name = test(place).replace("::", ".");
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/contract")
        .join(format!("providers.{name}.ndjson"))
}

/// `it::module::test::{{closure}}::here` → `module::test`.
fn test(place: &str) -> &str {
    let end = place.find("::{{closure}}").unwrap_or(place.len());
    let (_, test) = place.get(..end).unwrap().split_once("::").unwrap();
    test
}

impl ExchangeRecorder for Recording {
    fn record(&self, exchange: &Exchange) {
        let mut exchange = exchange.clone();
        let simulator = format!("{}{}", self.simulators, exchange.provider);
        let path = exchange.url.strip_prefix(&simulator).unwrap();
        if path.starts_with("/_control/") {
            return; // no vendor has these
        }
        // The gateway in front of Read 3.2 frames its refusals, and some gateways those of the interface, which its
        // description leaves out. The adapter reads both forms.
        let framed = || {
            serde_json::from_slice::<serde_json::Value>(&exchange.response_body)
                .is_ok_and(|body| body.get("error").is_some())
        };
        if exchange.provider == "azure_vision" && path.starts_with("/vision/v3.2/") && framed() {
            return;
        }
        let urls = &find(&exchange.provider).unwrap().manifest().urls;
        // Some vendors have hosts of their own for log-in, REST or files; the simulator has all below one path.
        let rest = urls.get("rest").filter(|_| path.starts_with("/restapi/"));
        let files = urls
            .get("media")
            .filter(|_| path.starts_with("/whatsapp_business/"));
        let live = rest.or(files).or_else(|| urls.get("live")).unwrap();
        let live = live.replace("{resource}", "acme-vision");
        exchange.url = format!("{}{path}", live.trim_end_matches('/'));
        // The descriptions lie in folders named with dashes; engines that read pictures share one.
        exchange.provider = match exchange.provider.as_str() {
            "azure_vision" | "google_vision" => "vision-ocr".to_owned(),
            other => other.replace('_', "-"),
        };
        exchange.response_headers.remove(DATE);
        let open = || NdjsonRecorder::open(&self.path, self.test.as_str()).unwrap();
        self.file.get_or_init(open).record(&exchange);
    }
}
