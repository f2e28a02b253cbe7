use super::*;

#[test]
fn a_mapped_file_is_the_binary_by_its_name_before_and_after_the_capture() {
    let mapped = |path: &str| is_same_name(base_name(path), "out/binary.server");
    assert!(mapped("/srv/server") && mapped("/srv/server (deleted)"));
    assert!(mapped("/tmp/binary.server"));
    assert!(!mapped("/srv/server.old") && !mapped("/srv/server/data"));
    assert!(is_same_name("server", "/srv/server") && !is_same_name("server", "/srv/other"));
}
