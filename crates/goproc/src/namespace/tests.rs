#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn pids_go_from_the_outside_inwards() {
    let pids = |text: &str| parse_namespace_pids(text.as_bytes());
    let status = "Name:\tNSpid:\nPid:\t4711\nNSpid:\t4711\t35\t1\nNSsid:\t9\n";
    assert_eq!(pids(status), Some(vec![Pid(4711), Pid(35), Pid(1)]));
    assert_eq!(pids("NSpid:\t1\n"), Some(vec![Pid(1)]));
}

#[test]
fn what_is_not_whole_is_none() {
    for text in [
        "",
        "Pid:\t1\n",
        "NSpid:\n",
        "NSpid:\t1\t2",
        "NSpid:\t1\tx\n",
        "NSpid:\t-1\n",
        "NSpid:\t4294967296\n",
        "NSpid:\t99999999999999999999\n",
        "Name:\tx NSpid:\t1\n",
    ] {
        assert_eq!(parse_namespace_pids(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn a_namespace_is_its_inode() {
    assert_eq!(parse_namespace(b"pid:[4026531836]"), Some(PidNamespace(4026531836)));
    for link in [&b""[..], b"pid:[]", b"pid:[", b"pid:[-1]", b"mnt:[1]", b"pid:[1]x"] {
        assert_eq!(parse_namespace(link), None, "{}", link.escape_ascii());
    }
}
