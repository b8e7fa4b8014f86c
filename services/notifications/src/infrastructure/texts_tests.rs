use std::collections::BTreeSet;

use super::*;

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn mistakes(text: &str) -> Vec<String> {
    let built_in = Texts::load(None).unwrap();
    let mut mistakes = Vec::new();
    parse("acme/es.toml", text, built_in.built_in.get("es"), &mut mistakes);
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_built_in_texts_are_right_and_both_languages_say_the_same_things() {
    let texts = Texts::load(None).unwrap();
    let keys = |language| texts.built_in(language).map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys("es"), keys("en"));
    for (key, text) in texts.built_in("es") {
        let (_, english) = texts.built_in("en").find(|(other, _)| *other == key).unwrap();
        assert_eq!(text.wanted(), english.wanted(), "{key}");
        assert_eq!(
            text.template().map(|t| &t.parameters),
            english.template().map(|t| &t.parameters),
            "{key}"
        );
    }
}

#[test]
fn a_mistake_names_file_key_and_variable() {
    assert_eq!(
        mistakes("[a]\ntext = \"Hola {who}\""),
        ["acme/es.toml: [a]: variable `{who}` is used and not declared in `variables`"]
    );
    assert_eq!(
        mistakes("[a]\ntext = \"Hola\"\nvariables = [\"who\"]"),
        ["acme/es.toml: [a]: variable `who` is declared and used neither in the text nor in the template"]
    );
    let ungiven = mistakes("[order_opened]\ntext = \"{colour}\"\nvariables = [\"colour\"]");
    assert!(
        ungiven[0].starts_with("acme/es.toml: [order_opened]: variable `colour`"),
        "{ungiven:?}"
    );
    assert!(ungiven[0].ends_with("name, service, number"), "{ungiven:?}");
    assert!(mistakes("[a]\ntxt = \"x\"")[0].starts_with("acme/es.toml: "));
}

#[test]
fn a_tenants_own_text_stands_in_for_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    let own = "[order_opened]\ntext = \"Orden {number} lista\"\nvariables = [\"number\"]\n\
               [order_on_hold]\ntext = \"En espera\"\nstate = { name = \"EnEspera\", label = \"En espera\" }\n";
    std::fs::write(folder.path().join("acme/es.toml"), own).unwrap();
    let texts = Texts::load(Some(folder.path())).unwrap();
    let values = BTreeMap::from([("number".to_owned(), "OT-1".to_owned())]);
    let say = |tenant: &str| {
        let text = texts
            .find(&tenant.parse().unwrap(), "es", "order_opened")
            .unwrap();
        text.render(&values).unwrap_or_default()
    };
    assert_eq!(say("acme"), "Orden OT-1 lista");
    assert!(say("other").contains("OT-1") && say("other") != say("acme"));
    assert_eq!(
        texts.of_state(&tenant(), "es", "EnEspera"),
        Some(("order_on_hold", "En espera"))
    );
    assert_eq!(texts.of_state(&"other".parse().unwrap(), "es", "EnEspera"), None);
}

#[test]
fn a_folder_with_mistakes_is_refused_with_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    std::fs::write(
        folder.path().join("acme/es.toml"),
        "[a]\ntext = \"{x}\"\n[b]\ntext = \"\"\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("acme/fr.toml"), "").unwrap();
    let Mistakes(found) = Texts::load(Some(folder.path())).unwrap_err();
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn another_language_falls_back_to_spanish() {
    let texts = Texts::load(None).unwrap();
    assert!(texts.find(&tenant(), "pt", "order_opened").is_some());
    assert_eq!(
        texts.of_state(&tenant(), "en", "PolizaAsignada"),
        Some(("order_policy_assigned", "Policy assigned"))
    );
}

/// Keys that the bot's files ask for, with the variables that are surely given for each.
struct Wanted(Vec<(String, BTreeSet<String>)>);

impl Wanted {
    fn add(&mut self, key: &toml::Value, variables: &[&str]) {
        if let Some(key) = key.as_str() {
            self.0.push((
                key.to_owned(),
                variables.iter().map(|v| (*v).to_owned()).collect(),
            ));
        }
    }

    /// A skill's questions may use the answers given before; its end may use all of them.
    fn add_skill(&mut self, skill: &toml::Table) {
        let mut fields = Vec::new();
        for step in skill
            .get("steps")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            for name in ["ask", "retry"] {
                self.add(&step[name], &fields);
            }
            fields.push(step["field"].as_str().unwrap());
        }
        if let Some(handover) = skill.get("handover") {
            self.add(handover, &[]);
        }
        let done = skill
            .get("done")
            .and_then(toml::Value::as_table)
            .cloned()
            .unwrap_or_default();
        for (name, key) in &done {
            match name.as_str() {
                "text" => self.add(key, &fields),
                "already" => self.add(key, &[]),
                "found" => self.add(key, &["number", "state", "service", "description"]),
                "not_found" => self.add(key, &["number"]),
                _ => {}
            }
        }
    }
}

/// The orders service's skill files name texts by key; a key without words would leave a person without an answer.
#[test]
fn every_text_that_the_default_skills_ask_for_exists_and_gets_its_variables() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../orders/skills");
    let mut wanted = Wanted(Vec::new());
    for (path, _) in entries(&folder, &mut Vec::new()) {
        let file: toml::Table = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for key in file
            .get("texts")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
            .map(|(_, key)| key)
        {
            wanted.add(key, &[]);
        }
        wanted.add_skill(&file);
    }
    assert!(wanted.0.len() > 20, "the skill files were not understood");
    let texts = Texts::load(None).unwrap();
    for language in ["es", "en"] {
        for (key, given) in &wanted.0 {
            let found = texts.built_in(language).find(|(known, _)| known == key);
            let (_, text) = found.unwrap_or_else(|| panic!("{language}.toml has no text `{key}`"));
            let missing: Vec<_> = text
                .wanted()
                .into_iter()
                .filter(|name| !given.contains(*name))
                .collect();
            assert!(
                missing.is_empty(),
                "{language}.toml: [{key}]: nobody gives {missing:?}"
            );
        }
    }
}

/// The orders service's list of states that clients are told of, and the texts of states, must name the same states.
#[test]
fn every_state_that_clients_are_told_of_has_its_own_text_and_no_other_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../orders/skills/status_updates.toml");
    let file: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let told: BTreeSet<&str> = file["states"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let texts = Texts::load(None).unwrap();
    for language in ["es", "en"] {
        let states = texts.built_in[language]
            .values()
            .filter_map(|entry| entry.state.as_ref());
        let known: Vec<&str> = states.map(|state| state.name.as_str()).collect();
        assert_eq!(
            known.len(),
            known.iter().collect::<BTreeSet<_>>().len(),
            "{language}: a state has two texts"
        );
        assert_eq!(known.into_iter().collect::<BTreeSet<_>>(), told, "{language}");
    }
}
