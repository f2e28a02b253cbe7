//! Completions, the manual page, help, pipes.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::{mapscope, sample, stdout_of};

#[test]
fn completes_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(stdout_of(["completions", shell]).contains("diagnose"), "{shell}");
    }
}

#[test]
fn the_manual_page_has_every_command_and_option() {
    let page = stdout_of(["man"]);
    for word in
        ["mapscope\\-diagnose", "mapscope\\-scan", "mapscope\\-asm", "fail\\-over", "Examples"]
    {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn help_of_every_command_has_examples() {
    for command in ["diagnose", "capture", "record", "scan", "asm", "whatif", "lab"] {
        assert!(stdout_of([command, "--help"]).contains("Examples:"), "{command}");
    }
}

#[test]
fn a_rule_is_explained_by_its_name() {
    let text = stdout_of(["diagnose", "--explain", "churn"]);
    for part in ["churn: reuse", "20 times as many bytes (CHURN)", "check by hand"] {
        assert!(text.contains(part), "{text}");
    }
    let unknown = mapscope(["diagnose", "--explain", "chrun"]);
    assert_eq!((unknown.status.code(), &*unknown.stdout), (Some(2), &b""[..]));
    let err = String::from_utf8(unknown.stderr).unwrap();
    assert!(err.contains("growth-dominates, ") && err.contains("gc-bound"), "{err}");
    let of_verdict = stdout_of(["diagnose", "--explain", "PRESIZE"]);
    for part in ["presize: what", "growth-dominates", "hint-too-small"] {
        assert!(of_verdict.contains(part), "{of_verdict}");
    }
    assert!(!of_verdict.contains("\nchurn"), "{of_verdict}");
    assert!(stdout_of(["diagnose", "--explain", "leave-it-alone"]).contains("below-threshold"));
    let with_input = mapscope(["diagnose", "--explain", "churn", "cpu.pprof"]);
    assert_eq!(with_input.status.code(), Some(2));
    assert!(stdout_of(["completions", "bash"]).contains("growth-dominates"));
}

#[test]
fn no_arguments_is_an_error_with_help() {
    let output = mapscope::<&str>([]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage:"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["diagnose", "--json", &sample("nested-1.27.3/cpu.pprof")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn colours_only_when_asked_for_or_on_a_terminal() {
    let profile = sample("nested-1.27.3/cpu.pprof");
    assert!(!stdout_of(["diagnose", &profile]).contains('\u{1b}'));
    assert!(stdout_of(["diagnose", "--color", "always", &profile]).contains('\u{1b}'));
}
