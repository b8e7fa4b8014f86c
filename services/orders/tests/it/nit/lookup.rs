//! People who look a tax id up.

use puente_proto::orders::{LookUpClientRequest, LookUpClientResponse};
use tonic::{Code, Status};

use super::erp::{Erp, Mood};
use super::{ACME, PLACE, REQUEST, checking, says};
use crate::asking::{Asking, served};
use crate::support::LAURA;

async fn look_up(asking: &Asking, nit: &str) -> Result<LookUpClientResponse, Status> {
    let question = LookUpClientRequest { nit: nit.to_owned() };
    let answer = asking
        .queries
        .clone()
        .look_up_client(asking.signed(question))
        .await?;
    Ok(answer.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_asks_the_erp_once_and_tells_the_last_known_with_its_age_while_it_is_away() {
    let erp = Erp::default();
    erp.knows(ACME, "ACME SERVICIOS SAS", 7);
    let (stage, _folder) = checking(&erp).await;
    let asking = Asking::of(&stage, "acme").await;
    let found = look_up(&asking, "900.373.115-3").await.unwrap();
    assert_eq!(
        (
            found.nit.as_str(),
            found.reading.as_str(),
            found.directory.as_str()
        ),
        ("900373115-3", "verified", "found")
    );
    let company = found.company.unwrap();
    assert_eq!(
        (company.name.as_str(), company.phone.as_str()),
        ("ACME SERVICIOS SAS", "+576013456789")
    );
    assert!(found.client.is_none(), "looking up makes no client");
    look_up(&asking, "900373115").await.unwrap();
    assert_eq!(erp.asked().len(), 1, "what it said is kept");

    sqlx::query("UPDATE client_lookups SET known_at = now() - interval '3 hours'")
        .execute(&stage.pool)
        .await
        .unwrap();
    erp.is(Mood::Away);
    let old = look_up(&asking, "900373115").await.unwrap();
    assert_eq!(
        (old.reading.as_str(), old.directory.as_str()),
        ("derived", "unreachable")
    );
    assert_eq!(old.company.unwrap().name, "ACME SERVICIOS SAS");
    assert!((10_800..11_000).contains(&old.age_seconds), "{}", old.age_seconds);
    look_up(&asking, "900373115").await.unwrap();
    assert_eq!(
        erp.asked().len(),
        2,
        "it is not asked at every turn while it is away"
    );

    // An answer of an older version, which came late, changes nothing.
    sqlx::query("UPDATE client_lookups SET failed_at = NULL")
        .execute(&stage.pool)
        .await
        .unwrap();
    erp.is(Mood::Answers);
    erp.knows(ACME, "ACME, former name", 6);
    let again = look_up(&asking, "900373115").await.unwrap();
    assert_eq!(
        (again.directory.as_str(), again.company.unwrap().name.as_str()),
        ("found", "ACME SERVICIOS SAS")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_finds_our_own_client_and_no_other_tenants() {
    let erp = Erp::default();
    let (stage, _folder) = checking(&erp).await;
    says(
        &stage,
        LAURA,
        1,
        &[
            REQUEST,
            "900373115-3",
            "Laura Gómez",
            "laura@correo.co",
            PLACE,
            "sí",
        ],
    )
    .await;
    let here = look_up(&Asking::of(&stage, "acme").await, "900373115-3")
        .await
        .unwrap();
    assert_eq!(here.directory, "unknown");
    let client = here.client.unwrap();
    assert_eq!(
        (client.name.as_str(), client.nit.as_str()),
        ("Laura Gómez", "900373115-3")
    );
    erp.is(Mood::NoErp);
    let there = look_up(&Asking::of(&stage, "other").await, "900373115-3")
        .await
        .unwrap();
    assert_eq!(
        (there.client, there.company, there.directory.as_str()),
        (None, None, "off")
    );
    assert_eq!(erp.asked().last().unwrap().0, "other");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tax_id_is_refused_without_saying_it_again() {
    let stage = served().await;
    let asking = Asking::of(&stage, "acme").await;
    let long = "9".repeat(70);
    for bad in [
        "",
        "abc",
        "900373115-4",
        "7000029",
        "-",
        "900373115-3-3",
        "\0",
        &long,
        "12345-1",
    ] {
        let refused = look_up(&asking, bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{bad}");
        assert!(bad.len() < 6 || !refused.message().contains(bad));
    }
    let none = look_up(&asking, "900373115-3").await.unwrap();
    assert_eq!(
        (none.directory.as_str(), none.client, none.age_seconds),
        ("off", None, 0)
    );
}
