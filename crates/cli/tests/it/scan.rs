//! `mapscope scan` from the outside.

use crate::{binary, stdout_of};

#[test]
fn focus_and_top_narrow_the_list() {
    let binary = binary("nested-1.27.3");
    let text = stdout_of(["scan", &binary, "--focus", r"main\.", "--top", "1"]);
    assert!(text.contains("main.build") || text.contains("main.(*store)"), "{text}");
    assert!(text.contains("more: --top"), "{text}");
}
