//! What sealing must withstand: every swap, every changed character, every foreign key.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::MasterKey;

/// With a master key of our own, nothing is waited for.
fn seal(
    masters: &MasterKeys,
    tenant: &TenantId,
    connection: &ConnectionId,
    secrets: &Secrets,
) -> Result<Sealed, SealError> {
    futures::executor::block_on(super::seal(masters, tenant, connection, secrets))
}

fn open(
    masters: &MasterKeys,
    tenant: &TenantId,
    connection: &ConnectionId,
    sealed: &Sealed,
) -> Result<Secrets, SealError> {
    futures::executor::block_on(super::open(masters, tenant, connection, sealed))
}

fn masters() -> MasterKeys {
    MasterKey::generate().unwrap().into()
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn connection() -> ConnectionId {
    "acme-chat".parse().unwrap()
}

fn secrets(entries: &[(&str, &str)]) -> Secrets {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
        .collect()
}

fn edited(sealed: &Sealed, edit: impl FnOnce(&mut Value)) -> Sealed {
    let mut json = serde_json::to_value(sealed).unwrap();
    edit(&mut json);
    serde_json::from_value(json).unwrap()
}

fn plain(secrets: &Secrets) -> BTreeMap<String, String> {
    secrets
        .iter()
        .map(|(name, secret)| (name.to_owned(), secret.expose().to_owned()))
        .collect()
}

proptest! {
    #[test]
    fn whatever_is_sealed_is_opened_the_same(
        entries in prop::collection::btree_map("[a-z_]{1,20}", ".{0,80}", 0..6),
        tenant in "[a-z0-9_]{1,32}",
        id in "[a-z0-9_-]{1,64}",
    ) {
        let (masters, tenant, id) = (masters(), tenant.parse().unwrap(), id.parse().unwrap());
        let given: Secrets = entries.iter().map(|(n, v)| (n.clone(), Secret::new(v.clone()))).collect();
        let sealed = seal(&masters, &tenant, &id, &given).unwrap();
        let stored: Sealed = serde_json::from_str(&serde_json::to_string(&sealed).unwrap()).unwrap();
        prop_assert_eq!(plain(&open(&masters, &tenant, &id, &stored).unwrap()), entries);
    }

    #[test]
    fn a_changed_character_anywhere_is_refused(at in 0_usize..200, to in "[A-Za-z0-9+/]", of_key in any::<bool>()) {
        let masters = masters();
        let sealed = seal(&masters, &tenant(), &connection(), &secrets(&[("token", "hunter2")])).unwrap();
        let mut changed = sealed.clone();
        let text = if of_key { &mut changed.key } else { changed.fields.get_mut("token").unwrap() };
        let at = at % text.len();
        text.replace_range(at..=at, &to);
        if changed != sealed {
            prop_assert_eq!(
                open(&masters, &tenant(), &connection(), &changed).unwrap_err(),
                SealError::Refused
            );
        }
    }
}

#[test]
fn another_tenant_or_connection_cannot_open() {
    let masters = masters();
    let sealed = seal(
        &masters,
        &tenant(),
        &connection(),
        &secrets(&[("token", "hunter2")]),
    )
    .unwrap();
    let other = open(&masters, &"other".parse().unwrap(), &connection(), &sealed);
    assert_eq!(other.unwrap_err(), SealError::Refused);
    let other = open(&masters, &tenant(), &"acme-mail".parse().unwrap(), &sealed);
    assert_eq!(other.unwrap_err(), SealError::Refused);
}

#[test]
fn two_fields_cannot_trade_places() {
    let masters = masters();
    let given = secrets(&[("app_secret", "one"), ("verify_token", "two")]);
    let sealed = seal(&masters, &tenant(), &connection(), &given).unwrap();
    let swapped = edited(&sealed, |json| {
        let one = json["fields"]["app_secret"].take();
        json["fields"]["app_secret"] = json["fields"]["verify_token"].take();
        json["fields"]["verify_token"] = one;
    });
    assert_eq!(
        open(&masters, &tenant(), &connection(), &swapped).unwrap_err(),
        SealError::Refused
    );
}

#[test]
fn a_field_or_data_key_of_another_sealing_is_refused() {
    let masters = masters();
    let given = secrets(&[("token", "hunter2")]);
    let first = seal(&masters, &tenant(), &connection(), &given).unwrap();
    let second = seal(&masters, &tenant(), &connection(), &given).unwrap();
    assert_ne!(first, second, "each sealing draws its own key and nonces");
    for part in ["fields", "key"] {
        let mixed = edited(&first, |json| {
            json[part] = serde_json::to_value(&second).unwrap()[part].take();
        });
        assert_eq!(
            open(&masters, &tenant(), &connection(), &mixed).unwrap_err(),
            SealError::Refused
        );
    }
}

#[test]
fn rotation_opens_under_the_former_key_and_not_without_it() {
    let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let sealed = seal(
        &old.clone().into(),
        &tenant(),
        &connection(),
        &secrets(&[("token", "hunter2")]),
    )
    .unwrap();
    let both = MasterKeys::new(new.clone(), vec![old.clone()]);
    assert!(open(&both, &tenant(), &connection(), &sealed).is_ok());
    assert_eq!(
        open(&new.clone().into(), &tenant(), &connection(), &sealed).unwrap_err(),
        SealError::UnknownMaster(old.id().to_owned())
    );
    assert_eq!(
        seal(&both, &tenant(), &connection(), &Secrets::default())
            .unwrap()
            .master(),
        new.id()
    );
}

#[test]
fn a_key_that_only_claims_the_id_opens_nothing() {
    let masters = masters();
    let sealed = seal(
        &masters,
        &tenant(),
        &connection(),
        &secrets(&[("token", "hunter2")]),
    )
    .unwrap();
    let other = MasterKey::generate().unwrap();
    let renamed = edited(&sealed, |json| json["master"] = other.id().into());
    assert_eq!(
        open(&other.into(), &tenant(), &connection(), &renamed).unwrap_err(),
        SealError::Refused
    );
}

#[test]
fn an_unknown_version_is_refused_by_its_number() {
    let masters = masters();
    let sealed = seal(&masters, &tenant(), &connection(), &Secrets::default()).unwrap();
    let newer = edited(&sealed, |json| json["v"] = 3.into());
    assert_eq!(
        open(&masters, &tenant(), &connection(), &newer).unwrap_err(),
        SealError::Version(3)
    );
}

#[test]
fn errors_and_the_sealed_form_show_no_secret() {
    let masters = masters();
    let sealed = seal(
        &masters,
        &tenant(),
        &connection(),
        &secrets(&[("token", "hunter2")]),
    )
    .unwrap();
    let error = open(&masters, &"other".parse().unwrap(), &connection(), &sealed).unwrap_err();
    let shown = format!(
        "{error} {error:?} {sealed:?} {}",
        serde_json::to_string(&sealed).unwrap()
    );
    assert!(!shown.contains("hunter2"));
    assert!(!format!("{error} {error:?}").contains("token"));
}

#[test]
fn what_the_first_version_sealed_is_opened_still() {
    // Written by another implementation of AES-256-GCM, under a master key of 32 zero bytes.
    let sealed: Sealed = serde_json::from_str(
        r#"{"v": 1, "master": "66687aad",
            "key": "AQEBAQEBAQEBAQEBdUHBaX6Mfvpqv+6NtyJyZqx0/kgb8yMhF6wLq+PyufPUG5pOCrCDNvvM/+JDrzPq",
            "fields": {"token": "AgICAgICAgICAgIC8113z9yrA0MYDf74ZcbZXCqu/wD+Q8g="}}"#,
    )
    .unwrap();
    let opened = open(&MasterKey::new([0; 32]).into(), &tenant(), &connection(), &sealed).unwrap();
    assert_eq!(opened.get("token").unwrap().expose(), "hunter2");
}
