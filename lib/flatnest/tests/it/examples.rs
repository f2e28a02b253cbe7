//! The examples run and print what they promise.

#[cfg(feature = "prometheus")]
#[allow(dead_code)]
#[path = "../../examples/metered_service.rs"]
mod metered_service;

#[allow(dead_code)]
#[path = "../../examples/replace_nested.rs"]
mod replace_nested;

#[test]
fn the_flat_map_moves_and_allocates_less_than_the_nested_one() {
    let table = replace_nested::compare();
    let row = |name: &str| {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        let figures: Vec<f64> =
            line[20..].split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        (figures[0], figures[1])
    };
    for name in ["bytes allocated", "bytes moved"] {
        let (nested, flat) = row(name);
        assert!(flat < nested, "{table}");
    }
}

#[cfg(feature = "prometheus")]
#[test]
fn the_service_tells_of_the_requests_that_it_counted() {
    let page = metered_service::metrics_of_own_requests().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    assert!(page.contains("map_write_amplification_total{map=\"visits\"} 2"), "{page}");
    assert!(page.contains("mapscope_map_inserts_total{map=\"visits\"} 1"), "{page}");
}
