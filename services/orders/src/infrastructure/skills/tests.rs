use std::fs;

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

const REGISTRATION: &str = include_str!("../../../skills/registration.toml");
const BOT: &str = include_str!("../../../skills/bot.toml");
const UPDATES: &str = include_str!("../../../skills/status_updates.toml");
const CREATION: &str = include_str!("../../../skills/order_creation.toml");

/// The one problem of a default set with this file.
fn only_problem(name: &str, text: &str) -> Problem {
    let dir = folder(&[(&format!("default/{name}"), text)]);
    let mut problems = check(dir.path()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

fn line_of(text: &str, part: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(part)).map(|at| at + 1)
}

const CHECKS: &str = include_str!("../../../tests/skills/checks/order_creation.toml");

#[test]
fn a_question_for_the_tax_id_comes_first_and_names_its_texts() {
    let dir = folder(&[("default/order_creation.toml", CHECKS)]);
    check(dir.path()).unwrap();
    let mut set = load(&Files::of_tenant(Some(dir.path()), "default")).unwrap();
    let creation = set.skills.remove("order_creation").unwrap();
    assert!(!creation.client_only && creation.client_step().is_some());
    let bare = CHECKS.replace("digit = \"nit_digit\"\n", "");
    let problem = only_problem("order_creation.toml", &bare);
    assert!(
        problem.key == "steps[0].digit" && problem.line == line_of(&bare, "check_client\""),
        "{problem}"
    );
    // Whoever is nobody's is registered first, by the skill or by the question.
    let nobody = CREATION.replace("client_only = true", "client_only = false");
    let problem = only_problem("order_creation.toml", &nobody);
    assert!(problem.reason.contains("check_client"), "{problem}");
    let (head, first) = CHECKS.split_once("[[steps]]").unwrap();
    let (step, rest) = first.split_once("[[steps]]").unwrap();
    let later = format!("{head}[[steps]]{rest}\n[[steps]]{step}");
    let problem = only_problem("order_creation.toml", &later);
    assert!(problem.reason.contains("must be the first"), "{problem}");
    let optional = CHECKS.replace("digit =", "optional = true\ndigit =");
    assert!(
        only_problem("order_creation.toml", &optional)
            .key
            .ends_with("optional")
    );
    let elsewhere = CHECKS.replace("kind = \"check_client\"", "kind = \"nit\"");
    assert!(
        only_problem("order_creation.toml", &elsewhere)
            .key
            .ends_with("digit")
    );
}

#[test]
fn the_compiled_in_skills_are_right_and_name_their_texts() {
    let set = embedded().unwrap();
    let names: Vec<&str> = set.skills.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "order_creation",
            "order_tracking",
            "plate_reading",
            "registration"
        ]
    );
    for key in [
        "bot_menu",
        "registration_email_retry",
        "order_confirm",
        "tracking_not_found",
        "plate_photo",
        "asset_order_unknown",
        "asset_too_many",
    ] {
        assert!(set.texts().contains(key), "{key}");
    }
    let told: Vec<_> = crate::domain::state::State::ALL
        .into_iter()
        .filter(|s| s.visible() && !set.told.contains(s))
        .collect();
    assert_eq!(
        told,
        [crate::domain::state::State::Nueva],
        "clients are told of every other visible state"
    );
}

#[test]
fn a_problem_names_file_line_and_key() {
    let text = REGISTRATION.replacen("kind = \"email\"", "kind = \"mail\"", 1);
    let problem = only_problem("registration.toml", &text);
    assert!(problem.file.ends_with("default/registration.toml"));
    assert_eq!(
        (problem.line, problem.key.as_str()),
        (line_of(&text, "\"mail\""), "steps[1].kind")
    );
    assert!(
        problem
            .to_string()
            .contains("`mail` is no kind of step; known: text, name, email"),
        "{problem}"
    );
}

#[test]
fn unknown_and_missing_fields_are_told() {
    let text = REGISTRATION.replacen("retry = \"registration_email_retry\"", "retries = \"x\"", 1);
    let problem = only_problem("registration.toml", &text);
    assert!(
        problem.reason.contains("retries") || problem.reason.contains("retry"),
        "{problem}"
    );
    assert!(problem.line.is_some());

    let text = REGISTRATION.replacen("retry = \"registration_email_retry\"\n", "", 1);
    let problem = only_problem("registration.toml", &text);
    assert!(problem.reason.contains("missing field `retry`"), "{problem}");
}

#[test]
fn each_mistake_is_refused_with_its_reason() {
    let cases: [(&str, &str, &str, &str, &str); 21] = [
        (
            "bot.toml",
            BOT,
            "format = 1",
            "format = 2",
            "format 2 is not supported",
        ),
        ("bot.toml", BOT, "version = 1", "version = 0", "count from 1"),
        (
            "bot.toml",
            BOT,
            "language = \"es\"",
            "language = \"xx\"",
            "only `es`",
        ),
        (
            "bot.toml",
            BOT,
            "idle_minutes = 720",
            "idle_minutes = 0",
            "must be 1 to",
        ),
        (
            "bot.toml",
            BOT,
            "menu = \"bot_menu\"",
            "menu = \"Bot Menu\"",
            "characters of a-z",
        ),
        (
            "bot.toml",
            BOT,
            "\"registrarme\"",
            "\"pedido\"",
            "already leads to",
        ),
        (
            "bot.toml",
            BOT,
            "\"registrarme\"",
            "\"¿?\"",
            "at least one letter",
        ),
        (
            "bot.toml",
            BOT,
            "cancel = [",
            "cancel = [] #",
            "needs at least one word",
        ),
        (
            "bot.toml",
            BOT,
            "yes = [",
            "yes = [\"no\", ",
            "means both yes and no",
        ),
        (
            "bot.toml",
            BOT,
            "skills = [\"registration\", ",
            "skills = [\"registration\", \"registration\", ",
            "listed twice",
        ),
        (
            "bot.toml",
            BOT,
            "skill = \"registration\"",
            "skill = \"registro\"",
            "not among the bot's skills",
        ),
        (
            "registration.toml",
            REGISTRATION,
            "name = \"registration\"",
            "name = \"registro\"",
            "named after `registration`",
        ),
        (
            "registration.toml",
            REGISTRATION,
            "field = \"email\"",
            "field = \"name\"",
            "asked twice",
        ),
        (
            "registration.toml",
            REGISTRATION,
            "max = 80",
            "max = 1",
            "more than the most",
        ),
        (
            "registration.toml",
            REGISTRATION,
            "known = \"contact_phone\"",
            "known = \"client_location\"",
            "must be `contact_phone`",
        ),
        (
            "registration.toml",
            REGISTRATION,
            "action = \"register_client\"",
            "action = \"greet\"",
            "`greet` is no action",
        ),
        (
            "order_creation.toml",
            CREATION,
            "client_only = true",
            "client_only = false",
            "an order needs a client",
        ),
        (
            "status_updates.toml",
            UPDATES,
            "\"Programada\"",
            "\"EnCotizacion\"",
            "is internal",
        ),
        (
            "status_updates.toml",
            UPDATES,
            "\"Programada\"",
            "\"Perdida\"",
            "`Perdida` is no state",
        ),
        (
            "status_updates.toml",
            UPDATES,
            "\"Programada\"",
            "\"Nueva\"",
            "no transition leads to",
        ),
        (
            "status_updates.toml",
            UPDATES,
            "\"Programada\"",
            "\"EnFirma\"",
            "listed twice",
        ),
    ];
    for (name, text, good, bad, reason) in cases {
        assert!(text.contains(good), "{good} stands in {name}");
        let dir = folder(&[(&format!("default/{name}"), &text.replacen(good, bad, 1))]);
        let problems = check(dir.path()).unwrap_err();
        assert!(
            problems.iter().any(|p| p.to_string().contains(reason)),
            "{bad}: {problems:#?}"
        );
    }
}

#[test]
fn a_skill_that_nothing_leads_to_is_refused() {
    let photo = "format = 1\nname = \"photos\"\nversion = 1\nmax_tries = 3\nhandover = \"h\"\n[done]\naction = \"track_order\"\nfound = \"f\"\nnot_found = \"n\"\n[[steps]]\nfield = \"number\"\nkind = \"order_number\"\nask = \"a\"\nretry = \"r\"\n";
    let bot = BOT.replacen("skills = [", "skills = [\"photos\", ", 1);
    let dir = folder(&[("acme/photos.toml", photo), ("acme/bot.toml", &bot)]);
    let problems = check(dir.path()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].reason.contains("nothing leads to `photos`"),
        "{problems:?}"
    );
}

#[test]
fn a_tenant_overrides_single_files_and_falls_back_for_the_rest() {
    let text = REGISTRATION.replacen("version = 1", "version = 7", 1);
    let dir = folder(&[("acme/registration.toml", &text)]);
    let summary = check(dir.path()).unwrap();
    assert_eq!(summary.sets.len(), 2);
    let acme = &summary.sets.iter().find(|(name, _)| name == "acme").unwrap().1;
    assert!(
        acme.contains(&("registration".to_owned(), 7)) && acme.contains(&("order_creation".to_owned(), 1))
    );
}

#[test]
fn a_folder_named_after_no_tenant_is_told() {
    let dir = folder(&[("Acme S.A./bot.toml", "")]);
    assert!(check(dir.path()).unwrap_err()[0].reason.contains("no tenant"));
}

#[test]
fn a_changed_file_takes_effect_and_a_wrong_one_leaves_the_last_good_set_in_use() {
    let acme = "acme".parse().unwrap();
    let dir = folder(&[("acme/registration.toml", REGISTRATION)]);
    let (library, problems) = Library::open(Some(dir.path().to_owned())).unwrap();
    assert!(problems.is_empty());
    assert_eq!(library.reload_if_changed(), None);
    let tries = || library.of(&acme).skills["registration"].max_tries;
    assert_eq!(tries(), 3);

    let file = dir.path().join("acme/registration.toml");
    fs::write(&file, REGISTRATION.replacen("max_tries = 3", "max_tries = 10", 1)).unwrap();
    assert_eq!(library.reload_if_changed(), Some(Vec::new()));
    assert_eq!(tries(), 10);

    fs::write(&file, "format = one").unwrap();
    let problems = library.reload_if_changed().unwrap();
    assert!(
        problems[0].to_string().contains("registration.toml:1"),
        "{problems:?}"
    );
    assert_eq!(tries(), 10, "the last good set is still in use");

    fs::remove_dir_all(dir.path().join("acme")).unwrap();
    assert_eq!(library.reload_if_changed(), Some(Vec::new()));
    assert_eq!(tries(), 3, "without its own folder a tenant has the default set");
}

#[test]
fn a_tenant_whose_files_are_wrong_from_the_start_gets_the_default_set() {
    let dir = folder(&[("acme/bot.toml", "version = 1")]);
    let (library, problems) = Library::open(Some(dir.path().to_owned())).unwrap();
    assert!(!problems.is_empty());
    assert_eq!(library.of(&"acme".parse().unwrap()).skills.len(), 4);
}
