//! Export to Prometheus: [`Meters`] as a collector of `prometheus-client`.

use alloc::vec::Vec;
use core::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;

use super::meters::{GROWS, METRICS};
use super::{Figures, GrowKind, Meters};

/// Reads the meters at each scrape.
///
/// ```
/// use flatnest::meter::{Metered, Meters};
/// use prometheus_client::{encoding::text, registry::Registry};
///
/// let meters = Meters::new();
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(meters.clone()));
///
/// let mut map = Metered::new(std::collections::HashMap::new());
/// meters.add("sessions", map.meter());
/// map.insert("key", 1);
///
/// let mut page = String::new();
/// text::encode(&mut page, &registry).unwrap();
/// assert!(page.contains("map_write_amplification_total{map=\"sessions\"} 1\n"));
/// ```
impl Collector for Meters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self.figures();
        for metric in METRICS {
            let unit = metric.is_bytes.then_some(&Unit::Bytes);
            let mut family =
                encoder.encode_descriptor(metric.name, metric.help, unit, MetricType::Counter)?;
            for (map, figures) in &figures {
                let labels = [("map", map.as_str())];
                ConstCounter::new((metric.read)(figures)).encode(family.encode_family(&labels)?)?;
            }
        }
        let (name, help) = GROWS;
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (map, figures) in &figures {
            for kind in GrowKind::ALL {
                let labels = [("map", map.as_str()), ("kind", kind.name())];
                ConstCounter::new(figures.n_grows(kind)).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "map_bucket_rehash",
            "Bytes moved by one event of growth",
            Some(&Unit::Bytes),
            MetricType::Histogram,
        )?;
        for (map, figures) in &figures {
            let labels = [("map", map.as_str())];
            let (count, cells) = histogram(figures);
            family.encode_family(&labels)?.encode_histogram::<[(&str, &str); 0]>(
                figures.moved_bytes as f64,
                count,
                &cells,
                None,
            )?;
        }
        Ok(())
    }
}

/// The number of events and the cells of the histogram, each with the events of that cell alone.
fn histogram(figures: &Figures) -> (u64, Vec<(f64, u64)>) {
    let bound = |bound| if bound == u64::MAX { f64::MAX } else { bound as f64 };
    let cells: Vec<_> = figures.rehash_histogram().map(|(upper, n)| (bound(upper), n)).collect();
    (cells.iter().map(|(_, n)| n).sum(), cells)
}
