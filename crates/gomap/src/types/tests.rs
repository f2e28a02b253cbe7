#![allow(clippy::unwrap_used)]

use expect_test::{Expect, expect};

use super::{FastPath, MapType};

fn parse(text: &str) -> MapType {
    text.parse().unwrap()
}

fn elem(text: &str) -> (u64, u64, bool) {
    let elem = parse(&format!("map[int]{text}")).elem;
    (elem.size, elem.align, elem.has_pointers)
}

/// Source: `unsafe.Sizeof` and `Alignof` of Go 1.27 on amd64.
#[test]
fn sizes_are_those_of_go() {
    assert_eq!(elem("bool"), (1, 1, false));
    assert_eq!(elem("string"), (16, 8, true));
    assert_eq!(elem("[]byte"), (24, 8, true));
    assert_eq!(elem("[3]uint16"), (6, 2, false));
    assert_eq!(elem("[0]string"), (0, 8, false));
    assert_eq!(elem("struct{}"), (0, 1, false));
    assert_eq!(elem("struct { a int8; b int64; c int8 }"), (24, 8, false));
    assert_eq!(elem("struct { a, b int32; c string `json:\"c\"` }"), (24, 8, true));
    assert_eq!(elem("struct { a int32; b struct{} }"), (8, 4, false));
    assert_eq!(elem("interface { Read([]byte) (int, error) }"), (16, 8, true));
    assert_eq!(elem("func(int, string) (bool, error)"), (8, 8, true));
    assert_eq!(elem("func(int) error"), (8, 8, true));
    assert_eq!(elem("<-chan struct{}"), (8, 8, true));
    assert_eq!(elem("complex64"), (8, 4, false));
    assert_eq!(elem("complex128"), (16, 8, false));
    assert_eq!(elem("map[string]int"), (8, 8, true));
}

#[test]
fn nested_maps_are_found() {
    let outer = parse(" map[string]map[[2]int32] *string ");
    let inner = outer.elem.map.unwrap();
    assert_eq!((inner.key.size, inner.elem.size), (8, 8));
    assert_eq!(inner.elem.map, None);
}

#[test]
fn the_function_family_is_the_one_the_compiler_takes() {
    let path = |key: &str| parse(&format!("map[{key}]int")).fast_path();
    for key in ["string", "int", "uint32", "[8]byte", "struct{ a, b int32 }", "struct{ s string }"]
    {
        assert_eq!(path(key), FastPath::Plain, "{key}");
    }
    for key in ["*int", "chan int", "unsafe.Pointer", "[1]*int"] {
        assert_eq!(path(key), FastPath::Pointer, "{key}");
    }
    for key in ["int16", "float64", "any", "[2]string", "struct{ a int32; b int16 }", "struct{}"] {
        assert_eq!(path(key), FastPath::None, "{key}");
    }
    assert_eq!(parse("map[int][17]int").fast_path(), FastPath::None);
}

fn fails(text: &str, expected: &Expect) {
    expected.assert_eq(&text.parse::<MapType>().unwrap_err().to_string());
}

#[test]
fn errors_name_the_place() {
    fails("map[string", &expect!["byte 10 of the type: expected `]`"]);
    fails("[]int", &expect!["byte 0 of the type: expected a map type"]);
    fails(
        "map[[]int]int",
        &expect!["byte 4 of the type: a map cannot have such a key: it has no =="],
    );
    fails(
        "map[int]time.Time",
        &expect![
            "byte 8 of the type: the size of `time.Time` is not known: write the type it is made of"
        ],
    );
    fails("map[int]int]", &expect!["byte 11 of the type: expected the end of the type"]);
    fails("map[int][9999999999999]int", &expect!["byte 26 of the type: too large"]);
    fails(&"*".repeat(1000), &expect!["byte 64 of the type: nested too deep"]);
    fails("map[int]struct{ a int", &expect!["byte 21 of the type: expected `;` or `}`"]);
    fails("map[int]func(", &expect!["byte 13 of the type: expected )"]);
}
