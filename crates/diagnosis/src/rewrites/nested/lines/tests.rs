#![allow(clippy::unwrap_used)]

use super::*;

fn at(function: &str, map_type: &str, has_holder: bool) -> TypeAtLine {
    let elem_map = elem_map(None, map_type);
    TypeAtLine { function: function.into(), map_type: map_type.to_owned(), elem_map, has_holder }
}

const INNER: &str = "map[int]bool";
const OUTER: &str = "map[string]map[int]bool";

/// What is found for the first line that grows outer maps.
fn found(types: &[TypeAtLine]) -> Result<Option<usize>, NotFlattened> {
    Lines::of(types).inner_of(types.iter().find(|of| of.map_type == OUTER).unwrap(), INNER)
}

#[test]
fn lines_belong_together_in_one_function_or_where_code_says_so() {
    assert_eq!(found(&[at("f", OUTER, false)]), Ok(None));
    assert_eq!(found(&[at("f", OUTER, false), at("f", INNER, false)]), Ok(Some(1)));
    let other = Err(NotFlattened::OtherFunctions);
    assert_eq!(found(&[at("f", OUTER, false), at("g", INNER, false)]), other);
    assert_eq!(found(&[at("f", OUTER, false), at("g", INNER, true)]), Ok(Some(1)));
    let several = Err(NotFlattened::SeveralLines);
    let [f, g] = ["f", "g"].map(|function| at(function, INNER, true));
    assert_eq!(found(&[at("e", OUTER, false), f, g]), several);
    // Those of another function have each other.
    let pair = || [at("g", OUTER, false), at("g", INNER, true)];
    let of_f = || [at("f", OUTER, false), at("h", INNER, true)];
    assert_eq!(found(&of_f().into_iter().chain(pair()).collect::<Vec<_>>()), Ok(Some(1)));
}

/// Every pair of lines would be looked at once more for each line.
#[test]
fn lines_are_taken_up_once_however_many_there_are() {
    const N: usize = 30_000;
    let name = |line: usize| [OUTER, INNER][line % 2];
    let types: Vec<TypeAtLine> =
        (0..N).map(|line| at(&format!("f{}", line % 7), name(line), true)).collect();
    let lines = Lines::of(&types);
    let n_far: usize = lines.far.values().map(|both| both.inner.n + both.outer.n).sum();
    let n_near: usize = lines.near.values().map(|both| both.inner.n + both.outer.n).sum();
    // Each outer line counts under its own type, and under that of its elements.
    assert_eq!((n_near, n_far), (N + N / 2, N / 2));
    for of in types.iter().filter(|of| of.map_type == OUTER) {
        assert_eq!(lines.inner_of(of, INNER), Err(NotFlattened::SeveralLines));
    }
}
