//! Texts, brands and logos of tenants: what is wrong is told at the start, with its place.

use std::fs;
use std::path::Path;

use puente_typeset::{TemplateProblem, Templates, limits};

use crate::reading::{Read, count};
use crate::sample::{contract, tenant};

const TEXT: &str = include_str!("../../texts/contract.toml");
const BRAND: &str = include_str!("../../texts/brand.toml");

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn refused(files: &[(&str, &[u8])]) -> Vec<TemplateProblem> {
    Templates::open(Some(folder(files).path())).expect_err("was taken")
}

fn line_of(text: &str, part: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(part)).map(|at| at + 1)
}

#[test]
fn a_tenant_has_its_own_texts_and_others_have_the_default() {
    let own = TEXT.replace("Contrato de prestación de servicios\"", "Acuerdo de servicio\"");
    let default = BRAND.replace("Servicios de Campo Ejemplo", "Empresa de Todos");
    let folder = folder(&[
        ("acme/contract.toml", own.as_bytes()),
        ("acme/brand.toml", BRAND.as_bytes()),
        ("default/brand.toml", default.as_bytes()),
        ("acme/.gitkeep", b""),
    ]);
    let templates = Templates::open(Some(folder.path())).unwrap();
    let text = Read::of(&templates.contract(&tenant(), &contract()).unwrap().pdf).flat();
    for said in [
        "Acuerdo de servicio",
        "Servicios de Campo Ejemplo S. A. S.",
        "Vigilada por la autoridad",
        "900.000.000-0",
    ] {
        assert!(count(&text, said) > 0, "{said}: {text}");
    }
    let text = Read::of(
        &templates
            .contract(&"other".parse().unwrap(), &contract())
            .unwrap()
            .pdf,
    )
    .flat();
    assert!(count(&text, "Contrato de prestación de servicios") > 0 && count(&text, "Empresa de Todos") > 0);
}

#[test]
fn an_unknown_placeholder_is_told_with_its_line_and_what_is_known() {
    let text = TEXT.replace(
        "El valor del servicio es {valor}",
        "El valor del servicio es {precio}",
    );
    let problems = refused(&[("acme/contract.toml", text.as_bytes())]);
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert!(problem.file.ends_with("acme/contract.toml"));
    assert_eq!(problem.line, line_of(&text, "{precio}"));
    assert!(
        problem.reason.contains("{precio}") && problem.reason.contains("cliente_nit"),
        "{problem}"
    );
}

#[test]
fn an_unknown_field_is_told_with_its_line_and_what_is_known() {
    let text = BRAND.replace("phone =", "telefono =");
    let problems = refused(&[("acme/brand.toml", text.as_bytes())]);
    assert_eq!(problems[0].line, line_of(&text, "telefono"));
    assert!(
        problems[0].reason.contains("`telefono`") && problems[0].reason.contains("`phone`"),
        "{}",
        problems[0]
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = TEXT
        .replace("format = 1", "format = 2")
        .replace("{orden}", "{pedido}")
        .replace("{lugar}", "{lugar");
    let problems = refused(&[
        ("acme/contract.toml", text.as_bytes()),
        ("acme/contrato.toml", b""),
        ("Bad Name/brand.toml", BRAND.as_bytes()),
    ]);
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|it| it.contains("named after no tenant")),
        "{told:?}"
    );

    let problems = refused(&[
        ("acme/contract.toml", text.as_bytes()),
        ("acme/contrato.toml", b""),
    ]);
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    for reason in [
        "`format` must be 1",
        "{pedido}",
        "a brace without its other",
        "contrato.toml: is not used",
    ] {
        assert!(told.iter().any(|it| it.contains(reason)), "{reason}: {told:?}");
    }
}

#[test]
fn texts_cannot_bring_code_or_anchors() {
    let text = TEXT.replace(
        "El valor del servicio es",
        "#panic(1) /firma_cliente/ /firma_{cliente}/ El valor del servicio es",
    );
    let folder = folder(&[("acme/contract.toml", text.as_bytes())]);
    let templates = Templates::open(Some(folder.path())).unwrap();
    let mut data = contract();
    data.client.name = "cliente".to_owned();
    let text = Read::of(&templates.contract(&tenant(), &data).unwrap().pdf).flat();
    assert!(count(&text, "#panic(1)") == 1, "{text}");
    assert_eq!(count(&text, "/firma_cliente/"), 1);
}

#[test]
fn limits_of_texts_hold() {
    let many = format!(
        "{TEXT}{}",
        "\n[[clauses]]\ntitle = \"a\"\ntext = \"b\"\n".repeat(limits::CLAUSES)
    );
    let long = TEXT.replace("{ciudad}, el", &"palabra ".repeat(limits::CLAUSE_TEXT));
    let places = TEXT.replace(
        "{ciudad}, el",
        &"{ciudad} ".repeat(limits::CLAUSE_PLACEHOLDERS + 1),
    );
    for (text, reason) in [
        (many, "clauses; 1 to"),
        (long, "characters; at most"),
        (places, "placeholders; at most"),
    ] {
        let problems = refused(&[("acme/contract.toml", text.as_bytes())]);
        assert!(
            problems[0].reason.contains(reason) && problems[0].line.is_some(),
            "{problems:?}"
        );
    }
    let huge = vec![b'#'; usize::try_from(limits::FILE_BYTES).unwrap() + 1];
    assert!(
        refused(&[("acme/brand.toml", &huge)])[0]
            .reason
            .contains("bytes; at most")
    );
}

#[test]
fn a_logo_is_looked_into_before_it_is_used() {
    let svg = |inside: &str| {
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\">{inside}</svg>").into_bytes()
    };
    let uses = "<use href=\"#a\"/>".repeat(17);
    // The head of a picture that claims 60,000 × 60,000 pixels.
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bomb.extend([0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 6, 0, 0, 0, 0, 0, 0, 0]);
    for (name, bytes, reason) in [
        (
            "logo.svg",
            svg("<image href=\"http://x.invalid/a.png\"/>"),
            "has a <image>",
        ),
        ("logo.svg", svg("<script>1</script>"), "has a <script>"),
        ("logo.svg", svg(&uses), "<use>"),
        (
            "logo.svg",
            b"<!DOCTYPE a [<!ENTITY b \"c\">]><a/>".to_vec(),
            "is no plain SVG",
        ),
        ("logo.svg", b"<html/>".to_vec(), "is no SVG"),
        ("logo.png", svg(""), "no picture"),
        (
            "logo.png",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9".to_vec(),
            "is Jpeg",
        ),
        ("logo.png", bomb, "60000"),
        (
            "logo.png",
            vec![0; usize::try_from(limits::LOGO_BYTES).unwrap() + 1],
            "bytes; at most",
        ),
    ] {
        let path = format!("acme/{name}");
        let problems = refused(&[("acme/brand.toml", BRAND.as_bytes()), (path.as_str(), &bytes)]);
        assert!(problems[0].reason.contains(reason), "{reason}: {problems:?}");
    }
    let damaged = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x09\x08\x06\0\0\0\0\0\0\0".as_slice();
    for tenant in ["acme", "default"] {
        let (brand, logo) = (format!("{tenant}/brand.toml"), format!("{tenant}/logo.png"));
        let problems = refused(&[(brand.as_str(), BRAND.as_bytes()), (logo.as_str(), damaged)]);
        let found = problems[0].reason.contains("layout failed");
        assert!(found, "found when the preview is set: {problems:?}");
    }
}

#[test]
fn a_logo_without_a_brand_and_a_folder_that_is_not_there_are_told() {
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"/>".as_slice();
    assert!(
        refused(&[("acme/logo.svg", svg)])[0]
            .reason
            .contains("needs a brand.toml")
    );
    let problems = Templates::open(Some(Path::new("no/such/folder"))).expect_err("was taken");
    assert!(problems[0].reason.contains("does not exist"), "{problems:?}");
}

#[test]
fn a_tenant_without_anything_is_called_by_its_id() {
    let templates = Templates::open(None).unwrap();
    assert_eq!(
        templates.brand(&"servicios_del_norte".parse().unwrap()).name,
        "Servicios Del Norte"
    );
}
