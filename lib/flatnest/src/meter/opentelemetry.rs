//! Export to OpenTelemetry: observable counters that read [`Meters`].

use alloc::format;

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

use super::meters::{GROWS, METRICS};
use super::{GrowKind, Meters};

impl Meters {
    /// Lets `meter` observe the counters of these meters at each collection, also of those that are added later.
    ///
    /// There is no histogram among them, as OpenTelemetry has none to observe; record one in
    /// [`on_grow`](super::Metered::on_grow) where it is wanted.
    ///
    /// ```
    /// use flatnest::meter::{Metered, Meters};
    ///
    /// let meters = Meters::new();
    /// meters.observe(&opentelemetry::global::meter("my-service"));
    /// let map = Metered::new(std::collections::HashMap::<u32, u32>::new());
    /// meters.add("sessions", map.meter());
    /// ```
    pub fn observe(&self, meter: &opentelemetry::metrics::Meter) {
        for metric in METRICS {
            let meters = self.clone();
            let (unit, suffix) = if metric.is_bytes { ("By", "_bytes") } else { ("1", "") };
            meter
                .u64_observable_counter(format!("{}{suffix}_total", metric.name))
                .with_description(metric.help)
                .with_unit(unit)
                .with_callback(move |observer| {
                    for (map, figures) in meters.figures() {
                        observer.observe((metric.read)(&figures), &[KeyValue::new("map", map)]);
                    }
                })
                .build();
        }
        let (name, help) = GROWS;
        let meters = self.clone();
        meter
            .u64_observable_counter(format!("{name}_total"))
            .with_description(help)
            .with_unit("1")
            .with_callback(move |observer| meters.observe_grows(observer))
            .build();
    }

    fn observe_grows(&self, observer: &dyn AsyncInstrument<u64>) {
        for (map, figures) in self.figures() {
            for kind in GrowKind::ALL {
                let labels =
                    [KeyValue::new("map", map.clone()), KeyValue::new("kind", kind.name())];
                observer.observe(figures.n_grows(kind), &labels);
            }
        }
    }
}
