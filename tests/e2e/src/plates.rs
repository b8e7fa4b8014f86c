//! Photographs of serial plates, and what became of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use puente_proto::documents::documents_client::DocumentsClient;
use puente_proto::documents::{Document, ListDocumentsRequest};
use puente_proto::ocr::capture_queries_client::CaptureQueriesClient;
use puente_proto::ocr::{Capture, GetCaptureRequest, GetCaptureResponse, ListCapturesRequest};
use puente_proto::orders::assets_client::AssetsClient;
use puente_proto::orders::{Asset, GetAssetRequest, get_asset_request};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_testkit::{wait_for, workspace};
use puente_types::{Secret, SystemClock};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::office::until_answered;
use crate::{PATIENCE, RPC_KEY};

const DEADLINE: Duration = Duration::from_secs(5);

/// A photograph that is read with certainty, and the serial on it.
#[must_use]
pub fn plate() -> (Vec<u8>, String) {
    let folder = workspace().join("libs/plates/tests/fixtures");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let plates = manifest["plates"].as_array().unwrap();
    let easy = plates
        .iter()
        .find(|plate| plate["difficulty"] == "easy")
        .expect("an easy plate");
    let file: PathBuf = folder.join(easy["file"].as_str().unwrap());
    let serial = easy["serial"].as_str().unwrap().to_owned();
    (std::fs::read(file).unwrap(), serial)
}

/// What a tenant's reviewers see of captures and assets.
pub struct Plates {
    keys: RpcKeys,
    caller: Caller,
    ocr: Channel,
    orders: Channel,
}

impl Plates {
    /// Of `tenant`, with ocr and orders at these addresses.
    #[must_use]
    pub fn of(tenant: &str, ocr_url: &str, orders_url: &str) -> Self {
        let channel = |url: &str| {
            let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
            endpoint.connect_timeout(DEADLINE).connect_lazy()
        };
        Self {
            keys: RpcKeys::parse(&Secret::new(RPC_KEY)).unwrap(),
            caller: Caller {
                scope: Scope::Tenant(tenant.parse().unwrap()),
                subject: "laura.mejia".to_owned(),
                role: "agent".to_owned(),
            },
            ocr: channel(ocr_url),
            orders: channel(orders_url),
        }
    }

    fn request<T>(&self, service: &'static str, message: T) -> Request<T> {
        let calls = Calls::new(self.keys.clone(), service, Arc::new(SystemClock), DEADLINE);
        calls.request(&self.caller, message).unwrap()
    }

    /// All captures, the oldest first.
    pub async fn captures(&self) -> Vec<Capture> {
        let request = ListCapturesRequest {
            page_size: 100,
            oldest_first: true,
            ..ListCapturesRequest::default()
        };
        let answer = CaptureQueriesClient::new(self.ocr.clone())
            .list_captures(self.request("ocr", request))
            .await;
        answer.map_or_else(|_| Vec::new(), |answer| answer.into_inner().captures)
    }

    /// Waits until the only capture stands in one of these states.
    pub async fn until(&self, states: &[&str]) -> Capture {
        wait_for("the capture to get there", PATIENCE, || async {
            let captures = self.captures().await;
            match captures.as_slice() {
                [one] if states.contains(&one.state.as_str()) => Ok(one.clone()),
                other => Err(format!(
                    "{:?}",
                    other.iter().map(|one| &one.state).collect::<Vec<_>>()
                )),
            }
        })
        .await
    }

    /// A capture with its attempts.
    pub async fn capture(&self, capture_id: &str) -> GetCaptureResponse {
        let request = GetCaptureRequest {
            capture_id: capture_id.to_owned(),
        };
        until_answered("a capture", || async {
            CaptureQueriesClient::new(self.ocr.clone())
                .get_capture(self.request("ocr", request.clone()))
                .await
        })
        .await
    }

    /// The asset of a serial, once its sheet is made.
    pub async fn asset(&self, serial: &str) -> Asset {
        wait_for("the record sheet", PATIENCE, || async {
            let request = GetAssetRequest {
                key: Some(get_asset_request::Key::Serial(serial.to_owned())),
            };
            let answer = AssetsClient::new(self.orders.clone())
                .get_asset(self.request("orders", request))
                .await;
            let asset = answer.map_err(|status| status.to_string())?.into_inner().asset;
            let asset = asset.ok_or("no asset")?;
            if asset.sheet_document_id.is_empty() || asset.sheet_version < asset.version {
                return Err(format!(
                    "version {}, sheet {}",
                    asset.version, asset.sheet_version
                ));
            }
            Ok(asset)
        })
        .await
    }

    /// The documents of an asset.
    pub async fn documents(&self, asset_id: &str) -> Vec<Document> {
        let request = ListDocumentsRequest {
            about_kind: "asset".to_owned(),
            about_id: asset_id.to_owned(),
            ..ListDocumentsRequest::default()
        };
        let answer = until_answered("documents", || async {
            DocumentsClient::new(self.orders.clone())
                .list_documents(self.request("orders", request.clone()))
                .await
        });
        answer.await.documents
    }
}
