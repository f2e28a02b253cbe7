#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn what_is_shown_of_a_url_has_no_secrets() {
    let cases = [
        ("http://host:6060/debug/pprof", "http://host:6060/debug/pprof"),
        ("http://host/debug/pprof/profile?seconds=3", "http://host/debug/pprof/profile?seconds=3"),
        ("http://me:secret@host/x", "http://xxxxx@host/x"),
        ("http://token@host:1/x", "http://xxxxx@host:1/x"),
        ("https://me:secret@host/x", "https://xxxxx@host/x"),
        (
            "http://host/x?token=secret&seconds=3&secret",
            "http://host/x?token=xxxxx&seconds=3&xxxxx",
        ),
        ("http://host/x#secret", "http://host/x"),
        ("http://me:sec/ret@host/x", "http://xxxxx"),
        ("http://me:12/ret@host/x", "http://xxxxx"),
        ("http://me:sec?ret@host/x", "http://xxxxx"),
        ("http://me:sec ret@host/x", "http://xxxxx"),
        ("http://me:sec@ret@host/x", "http://xxxxx@host/x"),
        ("http://", "http://xxxxx"),
        ("HTTP://me:secret@host/x?token=secret", "HTTP://xxxxx@host/x?token=xxxxx"),
        ("hTtPs://me:secret@host/x", "hTtPs://xxxxx@host/x"),
        ("Http://me:sec ret@host/x", "Http://xxxxx"),
        ("me:secret@host:6060/debug/pprof", "xxxxx@host:6060/debug/pprof"),
        ("me:se/c?r#et@host:6060/x?token=secret#secret", "xxxxx@host:6060/x?token=xxxxx"),
        ("htp://me:secret@host/x", "xxxxx@host/x"),
        (" http://me:secret@host/x", "xxxxx@host/x"),
        ("cpu.pprof", "cpu.pprof"),
        ("profiles/10:30/load.pprof", "profiles/10:30/load.pprof"),
        ("cpu\u{1b}[2J.pprof", "cpu\u{fffd}[2J.pprof"),
        ("./http://x:secret@z", "xxxxx@z"),
        ("secret@localhost:1/x", "xxxxx@localhost:1/x"),
        ("localhost:1/x?token=secret&seconds=3", "localhost:1/x?token=xxxxx&seconds=3"),
        ("//me:secret@host/x", "xxxxx@host/x"),
    ];
    for (url, expected) in cases {
        assert_eq!(shown(url), expected, "{url}");
    }
}

#[test]
fn files_that_are_there_are_shown_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["run:1@2.pprof", "load@v1.pprof", "what?.pprof"] {
        let path = dir.path().join(name).to_str().unwrap().to_owned();
        assert_ne!(shown(&path), path);
        std::fs::write(&path, "").unwrap();
        assert_eq!(shown(&path), path);
    }
}

#[test]
fn a_server_is_debugged_without_secrets() {
    let server = Server::new("http://me:secret@host/x?token=secret").unwrap();
    assert_eq!(format!("{server:?}"), r#"Server("http://xxxxx@host/x?token=xxxxx")"#);
}

#[test]
fn what_is_said_is_cut_when_it_has_no_secrets_any_more() {
    let secrets = Secrets::of(&"http://me:long-secret@host".parse().unwrap());
    for n in 0..MAX_TOLD {
        let told = secrets.told(format!("{}long-secret", "a".repeat(n)).as_bytes());
        assert!(!told.contains("long"), "{told}");
    }
    // The last bytes that are read can be the beginning of one.
    let said = "long-secret".repeat(MAX_SAID);
    assert!(!secrets.told(&said.as_bytes()[..MAX_SAID]).contains("long"));
    let told = secrets.told("é".repeat(MAX_TOLD).as_bytes());
    assert_eq!((told.len(), told.chars().all(|c| c == 'é')), (MAX_TOLD, true));
    assert_eq!(secrets.told("aé".repeat(MAX_TOLD).as_bytes()).len(), MAX_TOLD);
}

#[test]
fn a_url_without_server_is_told_without_itself() {
    for url in
        ["http://", "http://:secret", "http://me:secret/@host", "http://h:99999999/", "http:///x"]
    {
        let error = Server::new(url).unwrap_err().to_string();
        assert!(error.contains("no URL of a server") && !error.contains("secret"), "{error}");
    }
}

#[test]
fn of_what_is_no_url_nothing_is_told_that_could_be_secret() {
    for (url, expected) in [
        ("me:secret@host:6060/debug/pprof", "xxxxx@host:6060/debug/pprof: "),
        ("secret@host:6060/debug/pprof", "xxxxx@host:6060/debug/pprof: "),
        ("http//me:secret@host/x", "xxxxx@host/x: "),
        ("./me:secret@host", "xxxxx@host: "),
        ("host:6060/x?token=secret&seconds=3", "host:6060/x?token=xxxxx&seconds=3: "),
        ("ftp://me:se@cret@host", "xxxxx@host: "),
        ("HTTPS://me:secret@host/x", "HTTPS://xxxxx@host/x: only plain http"),
    ] {
        let error = Server::new(url).unwrap_err().to_string();
        assert!(error.starts_with(expected) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn a_scheme_in_capitals_is_asked_as_any_other() {
    let server = Server::new("HTTP://me:secret@127.0.0.1:1/x").unwrap();
    assert_eq!(server.origin, "http://127.0.0.1:1");
    assert_eq!(server.shown(), "HTTP://xxxxx@127.0.0.1:1/x");
}

#[test]
fn a_name_below_stands_before_what_is_asked() {
    let server = Server::new("http://127.0.0.1:1/debug/pprof?token=secret").unwrap();
    assert_eq!(server.shown_below("heap"), "http://127.0.0.1:1/debug/pprof/heap?token=xxxxx");
}

#[test]
fn a_time_that_was_asked_for_is_never_nothing() {
    let text = |ms| crate::seconds_text(Duration::from_millis(ms));
    assert_eq!([300, 1000, 9_980].map(text), ["0.3 s", "1 s", "10 s"]);
}

#[test]
fn a_request_that_may_take_for_ever_is_one_that_ends() {
    let server = Server::new("http://127.0.0.1:1/x").unwrap();
    let limits = AnswerLimits { time: Duration::MAX, max_bytes: 1 };
    assert!(matches!(server.get(&limits), Err(Error::Fetch { .. })));
}

#[test]
fn texts_of_a_server_hold_no_secret_in_any_form() {
    let uri = "http://me%40home:p%20ss%2Fword@host/x?token=abc%3Ddef&seconds=30".parse().unwrap();
    let secrets = Secrets::of(&uri);
    for text in [
        "me%40home:p%20ss%2Fword",
        "me@home",
        "p ss/word",
        "Basic bWVAaG9tZTpwIHNzL3dvcmQ=",
        "abc=def",
        "token=abc%3Ddef",
    ] {
        let hidden = secrets.hide(&format!("you said {text}, which is wrong"));
        assert!(hidden.contains("xxxxx"), "{hidden}");
        for part in ["home", "word", "bWVA", "abc"] {
            assert!(!hidden.contains(part), "{hidden}");
        }
    }
    assert_eq!(secrets.hide("wait 30 s"), "wait 30 s");
    let short = Secrets::of(&"http://a:b@host".parse().unwrap());
    assert_eq!(short.hide("the bad"), HIDDEN);
}

#[test]
fn percent_signs_that_encode_nothing_stay() {
    for (text, expected) in
        [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%"), ("%é1", "%é1")]
    {
        assert_eq!(decoded(text), expected);
    }
}

#[test]
fn references_mean_what_they_mean_in_a_browser() {
    for (reference, expected) in [
        ("other", "http://h:1/debug/pprof/other"),
        ("other?u=http://x/y", "http://h:1/debug/pprof/other?u=http://x/y"),
        ("/new?u=http://x/y", "http://h:1/new?u=http://x/y"),
        ("?gc=1", "http://h:1/debug/pprof/heap?gc=1"),
        ("", "http://h:1/debug/pprof/heap?a=b"),
        ("#top", "http://h:1/debug/pprof/heap?a=b"),
        ("new#top", "http://h:1/debug/pprof/new"),
        ("../heap", "http://h:1/debug/heap"),
        ("./heap", "http://h:1/debug/pprof/heap"),
        ("..", "http://h:1/debug/"),
        ("../../../../heap", "http://h:1/heap"),
        ("//x/y", "http://x/y"),
        ("HTTP://x/y", "HTTP://x/y"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ] {
        let to = resolve("http://h:1", "/debug/pprof/heap?a=b", reference);
        assert_eq!(to, expected, "{reference}");
    }
}
