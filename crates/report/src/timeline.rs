//! The steps of a trace's time, as a strip of lanes.

use evidence::{Evidence, Timeline, TimelineStep};
use maud::{Markup, html};

use crate::chart::{self, Scale};
use crate::numbers::{bytes, count, duration, percent};
use crate::words;

const WIDTH: f64 = 1120.0;
const LEFT: f64 = 190.0;
const LANE: f64 = 34.0;
const GAP: f64 = 8.0;

/// A lane: what it shows, the height of each step as a part of the lane and in words, and the words of its top.
struct Lane {
    name: &'static str,
    class: &'static str,
    top: String,
    steps: Vec<(f64, String)>,
}

/// The strip as HTML; empty without a trace.
pub(crate) fn to_html(evidence: &Evidence) -> Markup {
    let Some(timeline) = &evidence.timeline else { return html! {} };
    let name = words::base_name(&evidence.sources[timeline.source].name);
    html! {
        h2 { "Timeline" }
        p.facts { (name) ", in steps of " (duration(timeline.step_ns)) }
        (strip(timeline))
    }
}

fn strip(timeline: &Timeline) -> Markup {
    let lanes = lanes(timeline);
    let height = lanes.len() as f64 * (LANE + GAP) + 18.0;
    let length = duration(timeline.step_ns.saturating_mul(timeline.steps.len() as u64));
    html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label="what happened when" {
            @for (at, of) in lanes.iter().enumerate() {
                (lane(of, at as f64 * (LANE + GAP) + LANE, timeline))
            }
            (chart::text((LEFT, height - 2.0), None, "0"))
            (chart::text((WIDTH, height - 2.0), Some("end"), &length))
        }
    }
}

/// Steps in which nothing was are left out.
fn lane(lane: &Lane, base: f64, timeline: &Timeline) -> Markup {
    let x = Scale::linear(timeline.steps.len().max(1) as f64, (LEFT, WIDTH));
    let y = Scale::linear(1.0, (0.0, LANE));
    let width = (x.at(1.0) - x.at(0.0)).max(1.0);
    let steps = lane.steps.iter().enumerate().filter(|(_, (part, _))| *part > 0.0);
    html! {
        (chart::text((0.0, base - 18.0), None, lane.name))
        (chart::text((0.0, base - 4.0), Some("top"), &lane.top))
        (chart::horizontal(base, (LEFT, WIDTH), None))
        @for (step, (part, words)) in steps {
            @let (left, height) = (x.at(step as f64), y.at(*part).max(1.0));
            @let time = duration(timeline.step_ns.saturating_mul(step as u64));
            @let title = format!("{time}: {words}");
            (chart::bar((left, base - height), (width, height), Some(lane.class), None, Some(&title)))
        }
    }
}

fn lanes(timeline: &Timeline) -> Vec<Lane> {
    let of_time = |name, class, ns: fn(&TimelineStep) -> u64| {
        let part = |step: &TimelineStep| (ns(step) as f64 / timeline.step_ns as f64).min(1.0);
        let steps = timeline.steps.iter().map(|step| (part(step), percent(part(step))));
        Lane { name, class, top: "full: all of the time".to_owned(), steps: steps.collect() }
    };
    let mut lanes = vec![
        heap(timeline),
        of_time("collector marks", "gc", |step| step.gc_ns),
        of_time("all stopped", "stop", |step| step.stopped_ns),
        assists(timeline),
    ];
    if timeline.samples.is_some() {
        lanes.push(samples("samples in maps", "map", timeline, |step| step.map_samples));
        lanes.push(samples("of them in growth", "growth", timeline, |step| step.growth_samples));
    }
    lanes
}

/// The heap stays what it was until it is measured again.
fn heap(timeline: &Timeline) -> Lane {
    let max = timeline.steps.iter().filter_map(|step| step.heap_bytes).max().unwrap_or(0);
    let mut last = 0;
    let steps = timeline.steps.iter().map(|step| {
        last = step.heap_bytes.unwrap_or(last);
        (last as f64 / max.max(1) as f64, bytes(last))
    });
    Lane {
        name: "heap",
        class: "heap",
        steps: steps.collect(),
        top: format!("full: {}", bytes(max)),
    }
}

/// Several goroutines may help at once.
fn assists(timeline: &Timeline) -> Lane {
    let goroutines = |step: &TimelineStep| step.assist_ns as f64 / timeline.step_ns as f64;
    let max = timeline.steps.iter().map(goroutines).fold(1.0, f64::max);
    let steps = timeline.steps.iter().map(|step| {
        (goroutines(step) / max, format!("{:.1} goroutines help the collector", goroutines(step)))
    });
    let top = format!("full: {max:.1} goroutines");
    Lane { name: "mark assists", class: "assist", steps: steps.collect(), top }
}

fn samples(
    name: &'static str,
    class: &'static str,
    timeline: &Timeline,
    of: fn(&TimelineStep) -> u64,
) -> Lane {
    let max = timeline.steps.iter().map(|step| step.map_samples).max().unwrap_or(0).max(1);
    let steps = timeline.steps.iter().map(|step| (of(step) as f64 / max as f64, count(of(step))));
    Lane { name, class, steps: steps.collect(), top: format!("full: {}", count(max)) }
}
