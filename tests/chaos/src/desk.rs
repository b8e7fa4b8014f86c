//! Who has contracts sent: by the interface for programs, with a key, each sending repeated until it is answered.

use std::time::Duration;

use puente_e2e::{Office, PATIENCE, Stage};
use puente_gateway::domain::Role;
use puente_gateway::keys::{self, NewKey};
use puente_testkit::wait_for;
use puente_types::{Clock as _, Secret, SystemClock};
use reqwest::StatusCode;

/// How long a command is repeated. Of a gateway that was killed at one, another holds the key for a minute, since the call may
/// still be under way; more than one may be killed so.
const SENDING: Duration = Duration::from_secs(240);

/// A desk before a gateway that may die at any moment.
#[derive(Clone)]
pub struct Desk {
    office: Office,
    http: reqwest::Client,
    gateway: String,
    key: Secret,
}

impl Desk {
    /// With a key of the office's tenant.
    pub async fn of(stage: &Stage, office: Office, tenant: &str, gateway: String) -> Self {
        let new = NewKey {
            tenant: Some(tenant.parse().unwrap()),
            name: "chaos".to_owned(),
            role: Role::Agent,
            per_minute: 60_000,
            expires_at: None,
            created_by: "chaos".to_owned(),
        };
        let made = keys::create(&stage.db.pool("gateway"), &new, SystemClock.now()).await;
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            office,
            http: http.build().unwrap(),
            gateway,
            key: made.unwrap().text,
        }
    }

    /// Has the price of an order approved and its contract sent; the same command until there is an answer to it.
    /// Returns the signature request.
    pub async fn send_to_signature(&self, number: &str) -> String {
        self.office.prepare(number).await;
        wait_for("the sending", SENDING, || async {
            let request = self
                .http
                .post(format!("{}/api/orders/{number}/send-to-signature", self.gateway))
                .bearer_auth(self.key.expose())
                .header("idempotency-key", format!("sign-{number}"));
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let status = answer.status();
            let told = answer.text().await.map_err(|error| error.to_string())?;
            if passing(status) {
                return Err(format!("{status}: {told}"));
            }
            assert_eq!(status, StatusCode::ACCEPTED, "{number}: {told}");
            let told: serde_json::Value = serde_json::from_str(&told).unwrap();
            Ok(told["request_id"].as_str().unwrap().to_owned())
        })
        .await
    }
}

/// What a killed service, or the same command still under way, leaves its caller with.
fn passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
}
