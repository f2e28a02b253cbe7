#![allow(clippy::unwrap_used)]

use super::*;

fn lines(text: &[u8]) -> Vec<String> {
    let line = |group: Cgroup| {
        let kind = if group.is_v2() { "v2".to_owned() } else { group.controllers.join("+") };
        let end = if group.is_deleted { ", removed" } else { "" };
        format!("{kind} {}{end}", group.path.display())
    };
    parse_cgroups(text).into_iter().map(line).collect()
}

#[test]
fn both_versions_are_read() {
    let text = b"12:cpu,cpuacct:/docker/4f\n1:name=systemd:/a:b\n0::/user.slice/x y.scope\n";
    assert_eq!(
        lines(text),
        ["cpu+cpuacct /docker/4f", "name=systemd /a:b", "v2 /user.slice/x y.scope"]
    );
    assert_eq!(lines(b"0::/\n"), ["v2 /"]);
    assert_eq!(lines(b"0::/../other\n"), ["v2 /../other"]);
    assert_eq!(lines(b"0::/gone (deleted)\n"), ["v2 /gone, removed"]);
}

#[test]
fn lines_of_another_form_are_left_out() {
    for line in [
        &b""[..],
        b":",
        b"::",
        b"0::",
        b"0::relative",
        b"x::/a",
        b"-1:cpu:/a",
        b"0:cpu:/a",
        b"3::/a",
        b"99999999999999999999:cpu:/a",
        b"\xff:\xff:\xff",
    ] {
        let text = [line, b"\n"].concat();
        assert_eq!(lines(&text), Vec::<String>::new(), "{}", line.escape_ascii());
    }
    // A path that was cut would be another group.
    assert_eq!(lines(b"1:cpu:/a\n0::/user.sl"), ["cpu /a"]);
}
