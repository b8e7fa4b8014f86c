//! Who is let in.

use std::time::Duration;

use puente_rpc::token::sign;
use puente_rpc::{Caller, Guard};
use puente_types::ManualClock;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor as _;
use tonic::{Code, Request, Status};

use crate::support::{NOW, ONE, TWO, caller, clock, keys};

fn ask_at(clock: &ManualClock, headers: &[&str]) -> Result<Request<()>, Status> {
    let mut request = Request::new(());
    let metadata: &mut MetadataMap = request.metadata_mut();
    for header in headers {
        metadata.append("authorization", header.parse().unwrap());
    }
    Guard::new(keys(ONE), "orders", std::sync::Arc::new(clock.clone())).call(request)
}

fn ask(headers: &[&str]) -> Result<Request<()>, Status> {
    ask_at(&clock(), headers)
}

fn bearer(key: &str, audience: &str) -> String {
    format!("Bearer {}", sign(&keys(key), audience, &caller(), NOW).unwrap())
}

#[test]
fn a_good_token_lets_its_caller_in_and_goes_no_further() {
    let request = ask(&[&bearer(ONE, "orders")]).unwrap();
    assert_eq!(request.extensions().get::<Caller>(), Some(&caller()));
    assert!(request.metadata().get("authorization").is_none());
}

#[test]
fn everybody_else_is_refused_with_the_same_words() {
    let good = bearer(ONE, "orders");
    let (other_key, other_service) = (bearer(TWO, "orders"), bearer(ONE, "ingress"));
    let bare = good.trim_start_matches("Bearer ").to_owned();
    let basic = format!("Basic {bare}");
    let cases: [&[&str]; 7] = [
        &[],
        &[""],
        &[&bare],
        &[&basic],
        &[&other_key],
        &[&other_service],
        &[&good, &good],
    ];
    for headers in cases {
        let refused = ask(headers).unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{headers:?}");
        assert_eq!(refused.message(), "a valid caller token is needed", "{headers:?}");
    }
}

#[test]
fn a_token_is_refused_once_its_time_is_over() {
    let clock = ManualClock::at(NOW);
    let good = bearer(ONE, "orders");
    assert!(ask_at(&clock, &[&good]).is_ok());
    clock.advance(Duration::from_secs(30));
    assert!(ask_at(&clock, &[&good]).is_err());
}
