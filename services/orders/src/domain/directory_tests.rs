use super::*;

fn typed() -> Typed {
    Typed {
        id: "frio-sas".into(),
        kind: "service_provider".into(),
        name: "Frío S.A.S.".into(),
        email: "Firma@Frio.CO".into(),
        phone: "+57 310 987 6543".into(),
        tax_id: "900.373.115-3".into(),
        address: "  Calle 1   # 2-3 ".into(),
        active: true,
    }
}

#[test]
fn what_is_typed_is_kept_in_one_form() {
    let person = Person::check(typed()).unwrap();
    assert_eq!(person.kind, Kind::ServiceProvider);
    assert_eq!(
        (
            person.email.as_str(),
            person.phone.as_str(),
            person.tax_id.as_str(),
            person.address.as_str()
        ),
        ("Firma@frio.co", "+573109876543", "900373115-3", "Calle 1 # 2-3")
    );
}

#[test]
fn a_field_that_is_not_usable_is_named_and_not_quoted() {
    type Spoil = fn(&mut Typed);
    let cases: [(&str, Spoil); 12] = [
        ("person_id", |t| t.id = String::new()),
        ("person_id", |t| t.id = "Frío".into()),
        ("person_id", |t| t.id = "a".repeat(65)),
        ("kind", |t| t.kind = "client".into()),
        ("name", |t| t.name = " ".into()),
        ("name", |t| t.name = "x".repeat(121)),
        ("email", |t| t.email = "mi correo es ana@correo.co".into()),
        ("email", |t| t.email = "sin arroba".into()),
        ("phone", |t| t.phone = "310 987 6543".into()),
        ("tax_id", |t| t.tax_id = "900373115-4".into()),
        ("tax_id", |t| t.tax_id = "123".into()),
        ("address", |t| t.address = "x".repeat(201)),
    ];
    for (field, spoil) in cases {
        let mut wrong = typed();
        spoil(&mut wrong);
        let refused = Person::check(wrong.clone()).unwrap_err().to_string();
        assert!(refused.starts_with(field), "{field}: {refused}");
        assert!(
            !refused.contains("sin arroba") && !refused.contains("900373115"),
            "{refused}"
        );
    }
}

#[test]
fn a_tax_id_of_another_country_is_kept_as_it_is() {
    assert_eq!(tax_id("RFC XAXX010101000").as_deref(), Ok("RFC XAXX010101000"));
    assert_eq!(tax_id(""), Ok(String::new()));
    assert_eq!(
        tax_id("52 123 456").as_deref(),
        Ok("52 123 456"),
        "a check digit is not invented"
    );
}

#[test]
fn only_active_people_of_the_right_kind_get_orders_and_without_a_directory_anybody_does() {
    let person = Person::check(typed()).unwrap();
    let idle = Person {
        active: false,
        ..person.clone()
    };
    let provider = Kind::ServiceProvider;
    assert_eq!(admit(provider, "frio-sas", Some(&person), true), Ok(()));
    assert_eq!(admit(provider, "whoever", None, false), Ok(()));
    for (kind, found, word) in [
        (provider, Some(&idle), "not active"),
        (Kind::Agent, Some(&person), "something else"),
        (provider, None, "does not have them"),
    ] {
        let refused = admit(kind, "frio-sas", found, true).unwrap_err().to_string();
        assert!(
            refused.contains(word) && refused.contains("frio-sas"),
            "{refused}"
        );
    }
}
