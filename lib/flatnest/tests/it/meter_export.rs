//! What Prometheus and OpenTelemetry are told of known maps.

use std::collections::HashMap;

use flatnest::meter::{Metered, Meters, Nested};

/// A nested map of 4 rows of 4 entries and a flat one with an overwrite, under two names.
#[allow(clippy::type_complexity)]
fn known_maps() -> (Meters, Metered<Nested<HashMap<u64, HashMap<u64, u64>>>>) {
    let meters = Meters::new();
    let mut nested = Metered::new(Nested(HashMap::<u64, HashMap<u64, u64>>::new()));
    meters.add("orders", nested.meter());
    for k1 in 0..4 {
        (0..4).for_each(|k2| _ = nested.insert(k1, k2, 0));
    }
    let mut flat = Metered::new(HashMap::new());
    meters.add("sessions", flat.meter());
    (0..100_u64).for_each(|key| _ = flat.insert(key, key));
    flat.insert(1, 2);
    (meters, nested)
}

#[cfg(feature = "prometheus")]
#[test]
fn prometheus_reads_the_figures_at_each_scrape() {
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    let (meters, mut nested) = known_maps();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(meters));
    let mut page = String::new();
    text::encode(&mut page, &registry).unwrap();
    expect_test::expect![[r##"
        # HELP map_write_amplification Assigns observed
        # TYPE map_write_amplification counter
        map_write_amplification_total{map="orders"} 20
        map_write_amplification_total{map="sessions"} 101
        # HELP mapscope_map_inserts Entries that were new
        # TYPE mapscope_map_inserts counter
        mapscope_map_inserts_total{map="orders"} 20
        mapscope_map_inserts_total{map="sessions"} 100
        # HELP mapscope_map_moved_entries Entries that growth wrote again
        # TYPE mapscope_map_moved_entries counter
        mapscope_map_moved_entries_total{map="orders"} 15
        mapscope_map_moved_entries_total{map="sessions"} 108
        # HELP mapscope_map_inserted_bytes Bytes of entries that were new
        # TYPE mapscope_map_inserted_bytes counter
        # UNIT mapscope_map_inserted_bytes bytes
        mapscope_map_inserted_bytes_total{map="orders"} 480
        mapscope_map_inserted_bytes_total{map="sessions"} 1600
        # HELP mapscope_map_rehash_bytes Bytes of entries that growth wrote again
        # TYPE mapscope_map_rehash_bytes counter
        # UNIT mapscope_map_rehash_bytes bytes
        mapscope_map_rehash_bytes_total{map="orders"} 360
        mapscope_map_rehash_bytes_total{map="sessions"} 1728
        # HELP mapscope_map_allocated_bytes Bytes allocated by growth
        # TYPE mapscope_map_allocated_bytes counter
        # UNIT mapscope_map_allocated_bytes bytes
        mapscope_map_allocated_bytes_total{map="orders"} 1660
        mapscope_map_allocated_bytes_total{map="sessions"} 4380
        # HELP mapscope_map_grows Events of growth
        # TYPE mapscope_map_grows counter
        mapscope_map_grows_total{map="orders",kind="first"} 5
        mapscope_map_grows_total{map="orders",kind="larger"} 5
        mapscope_map_grows_total{map="orders",kind="same_size"} 0
        mapscope_map_grows_total{map="orders",kind="smaller"} 0
        mapscope_map_grows_total{map="sessions",kind="first"} 1
        mapscope_map_grows_total{map="sessions",kind="larger"} 5
        mapscope_map_grows_total{map="sessions",kind="same_size"} 0
        mapscope_map_grows_total{map="sessions",kind="smaller"} 0
        # HELP map_bucket_rehash_bytes Bytes moved by one event of growth
        # TYPE map_bucket_rehash_bytes histogram
        # UNIT map_bucket_rehash_bytes bytes
        map_bucket_rehash_bytes_sum{map="orders"} 360.0
        map_bucket_rehash_bytes_count{map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="256.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="1024.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="4096.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="16384.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="65536.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="262144.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="1048576.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="4194304.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="16777216.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="67108864.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="268435456.0",map="orders"} 5
        map_bucket_rehash_bytes_bucket{le="1.7976931348623157e308",map="orders"} 5
        map_bucket_rehash_bytes_sum{map="sessions"} 1728.0
        map_bucket_rehash_bytes_count{map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="256.0",map="sessions"} 3
        map_bucket_rehash_bytes_bucket{le="1024.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="4096.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="16384.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="65536.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="262144.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="1048576.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="4194304.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="16777216.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="67108864.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="268435456.0",map="sessions"} 5
        map_bucket_rehash_bytes_bucket{le="1.7976931348623157e308",map="sessions"} 5
        # EOF
    "##]]
    .assert_eq(&page);

    nested.insert(9, 9, 9);
    page.clear();
    text::encode(&mut page, &registry).unwrap();
    assert!(page.contains("map_write_amplification_total{map=\"orders\"} 22\n"));
}

#[cfg(feature = "prometheus")]
#[test]
fn maps_of_one_name_are_added_up() {
    let (meters, nested) = known_maps();
    meters.add("sessions", nested.meter());
    let figures = meters.figures();
    assert_eq!(figures["sessions"].assigns, 101 + 20);
    assert_eq!(figures["sessions"].moved_entries, figures["orders"].moved_entries + 108);
}

#[cfg(feature = "opentelemetry")]
#[test]
fn opentelemetry_observes_the_same_counters() {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let (meters, _nested) = known_maps();
    meters.observe(&provider.meter("maps"));
    provider.force_flush().unwrap();

    let mut lines = Vec::new();
    for resource in exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else {
                panic!("{} is no counter", metric.name());
            };
            assert!(sum.is_monotonic());
            for point in sum.data_points() {
                let mut labels: Vec<_> = point
                    .attributes()
                    .map(|label| format!("{}={}", label.key, label.value))
                    .collect();
                labels.sort();
                let labels = labels.join(",");
                lines.push(format!(
                    "{}{{{labels}}} {} {}",
                    metric.name(),
                    point.value(),
                    metric.unit()
                ));
            }
        }
    }
    lines.sort();
    expect_test::expect![[r#"
        map_write_amplification_total{map=orders} 20 1
        map_write_amplification_total{map=sessions} 101 1
        mapscope_map_allocated_bytes_total{map=orders} 1660 By
        mapscope_map_allocated_bytes_total{map=sessions} 4380 By
        mapscope_map_grows_total{kind=first,map=orders} 5 1
        mapscope_map_grows_total{kind=first,map=sessions} 1 1
        mapscope_map_grows_total{kind=larger,map=orders} 5 1
        mapscope_map_grows_total{kind=larger,map=sessions} 5 1
        mapscope_map_grows_total{kind=same_size,map=orders} 0 1
        mapscope_map_grows_total{kind=same_size,map=sessions} 0 1
        mapscope_map_grows_total{kind=smaller,map=orders} 0 1
        mapscope_map_grows_total{kind=smaller,map=sessions} 0 1
        mapscope_map_inserted_bytes_total{map=orders} 480 By
        mapscope_map_inserted_bytes_total{map=sessions} 1600 By
        mapscope_map_inserts_total{map=orders} 20 1
        mapscope_map_inserts_total{map=sessions} 100 1
        mapscope_map_moved_entries_total{map=orders} 15 1
        mapscope_map_moved_entries_total{map=sessions} 108 1
        mapscope_map_rehash_bytes_total{map=orders} 360 By
        mapscope_map_rehash_bytes_total{map=sessions} 1728 By
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}
