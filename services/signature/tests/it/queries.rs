//! What callers are told: their own tenant's requests.

use puente_proto::signature::get_signature_request::Key;
use puente_proto::signature::{
    CompleteAuthorizationRequest, CountSignaturesRequest, GetSignatureRequest, ListAccountsRequest,
    ListSignaturesRequest, PreviewContractRequest,
};
use tonic::Code;

use crate::support::{Asking, Fake, Reply, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_newest_first_in_parts_and_only_to_their_tenant() {
    let stage = Stage::set().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(stage.sends("acme").await.0);
    }
    let (foreign, _) = stage.sends("other").await;
    let ask = Asking::of(&stage, "acme").await;
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let question = ListSignaturesRequest {
            page_size: 2,
            cursor,
            ..ListSignaturesRequest::default()
        };
        let part = ask
            .queries
            .clone()
            .list_signatures(ask.signed(question))
            .await
            .unwrap();
        let part = part.into_inner();
        found.extend(part.signatures.into_iter().map(|signature| signature.request_id));
        cursor = part.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    ids.reverse();
    assert_eq!(found, ids);
    assert_eq!(ask.get(&foreign).await.unwrap_err().code(), Code::NotFound);
    let own = ask.get(&ids[0]).await.unwrap();
    assert_eq!((own.label.as_str(), own.colour.as_str()), ("En proceso", "blue"));
    assert_eq!(own.signers.len(), 3);
    assert_eq!(own.signers[1].name, "Luis Peña");
    let by_order = GetSignatureRequest {
        key: Some(Key::OrderId(own.order_id.clone())),
    };
    let by_order = ask
        .queries
        .clone()
        .get_signature(ask.signed(by_order))
        .await
        .unwrap();
    assert_eq!(by_order.into_inner().signature.unwrap(), own);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_need_a_person_are_counted_and_listed() {
    let stage = Stage::set().await;
    stage.sends("acme").await;
    Fake::will(&[Reply::Reject]);
    let stuck = stage.asks("acme").await;
    stage.becomes(&stuck, |seen| seen.problem_code.is_some()).await;
    let ask = Asking::of(&stage, "acme").await;
    let mut queries = ask.queries.clone();
    let counts = queries
        .count_signatures(ask.signed(CountSignaturesRequest {}))
        .await;
    let counts = counts.unwrap().into_inner();
    assert_eq!((counts.troubled, counts.in_process, counts.signed), (1, 2, 0));
    let question = ListSignaturesRequest {
        needs_person: true,
        states: vec!["EnProceso".into()],
        ..ListSignaturesRequest::default()
    };
    let listed = ask
        .queries
        .clone()
        .list_signatures(ask.signed(question))
        .await
        .unwrap();
    let listed = listed.into_inner().signatures;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].request_id.as_str(), listed[0].problem_code.as_str()),
        (stuck.as_str(), "INVALID_EMAIL")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_the_contract_is_shown_and_accounts_are_listed() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let mut queries = ask.queries.clone();
    let sample = queries
        .preview_contract(ask.signed(PreviewContractRequest {}))
        .await;
    assert!(sample.unwrap().into_inner().pdf.starts_with(b"%PDF-"));
    let accounts = queries.list_accounts(ask.signed(ListAccountsRequest {})).await;
    let accounts = accounts.unwrap().into_inner().accounts;
    assert_eq!(
        (accounts[0].connection.as_str(), accounts[0].state.as_str()),
        ("acme-sign", "active")
    );
    let wish = CompleteAuthorizationRequest {
        state: "unknown".into(),
        code: "code".into(),
    };
    let refused = ask
        .commands
        .clone()
        .complete_authorization(ask.signed(wish))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
}
