//! Help and refusals of the command line itself.

use crate::command::{folder, puente};

const COMMANDS: [&str; 18] = [
    "config",
    "connections",
    "deliveries",
    "demo",
    "dlq",
    "documents",
    "effects",
    "events",
    "keys",
    "migrate",
    "ocr",
    "reconcile",
    "run",
    "simulate",
    "skills",
    "tools",
    "up",
    "vault",
];

#[test]
fn help_names_every_command_and_every_exit_code() {
    let ran = puente(folder().path(), &[], &["--help"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for command in COMMANDS {
        assert!(
            ran.out.contains(&format!("  {command} ")),
            "{command} is missing in:\n{}",
            ran.out
        );
    }
    for code in [
        "0  done",
        "1  something failed",
        "2  the command line",
        "3  a program",
    ] {
        assert!(ran.out.contains(code), "{code} is missing in:\n{}", ran.out);
    }
}

#[test]
fn the_commands_that_need_arguments_show_examples() {
    for command in [
        "demo",
        "deliveries list",
        "deliveries replay",
        "dlq list",
        "documents discard",
        "documents sweep",
        "documents unrecorded",
        "effects list",
        "effects resolve",
        "events catalog",
        "events tail",
        "keys create",
        "migrate",
        "ocr accuracy",
        "ocr export",
        "ocr list",
        "run",
        "simulate",
        "tools",
        "up",
    ] {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let ran = puente(folder().path(), &[], &arguments);
        assert!(
            ran.code == 0 && ran.out.contains("Examples:"),
            "{command}:\n{}",
            ran.out
        );
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [
        &[][..],
        &["fly"],
        &["run", "--fast"],
        &["demo", "--load", "many"],
        &["connections", "apply"],
    ] {
        let ran = puente(folder().path(), &[], arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(
            ran.err.contains("--help") || ran.err.contains("-h, "),
            "{arguments:?}: {}",
            ran.err
        );
    }
}

#[test]
fn an_unknown_service_is_refused_with_the_known_ones() {
    for arguments in [
        &["run", "order"][..],
        &["migrate", "order"],
        &["config", "check", "order"],
    ] {
        let ran = puente(folder().path(), &[], arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        let line = "error: there is no service `order`; there are: gateway, ingress, notifications, ocr, orders, signature, sync\n";
        assert_eq!(ran.err, line, "{arguments:?}");
    }
}

#[test]
fn a_pipe_gets_no_colour_and_nothing_that_moves() {
    let ran = puente(folder().path(), &[], &["config", "show", "orders"]);
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'));
}
