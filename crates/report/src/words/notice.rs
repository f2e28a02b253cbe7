//! What to know before trusting a comparison, in words.

use std::borrow::Cow;

use diagnosis::compare::{Notice, Per};
use evidence::SourceKind;
use evidence::words::{plural, were};

/// One sentence, without a full stop.
pub(crate) fn notice(notice: &Notice) -> Cow<'static, str> {
    match notice {
        Notice::SameBuild => "both sides are runs of the same build".into(),
        Notice::OtherGo { before, after } => format!(
            "built with {} before and {} after: the change includes that of Go",
            releases(before),
            releases(after)
        )
        .into(),
        Notice::OtherProgram { before, after } => {
            format!("the programs have different names: {before} and {after}").into()
        }
        Notice::OtherDuration { before_s, after_s, per } => format!(
            "runs took {before_s:.1} s before and {after_s:.1} s after: figures are {}",
            divided(*per)
        )
        .into(),
        Notice::OneSideOnly(kind) => {
            format!("{} were given for one side only: not compared", inputs(*kind)).into()
        }
        Notice::CpuNotTimed => {
            "samples without their CPU time are not compared: how many there are depends on how long was recorded".into()
        }
        Notice::HeapNotPerSecond => {
            "heap profiles count from the start of the program: not compared per second".into()
        }
        Notice::Estimates(n) => {
            format!("growths of {n} {} are estimates", plural(*n, "recording")).into()
        }
        Notice::LowerBounds(n) => format!(
            "growths of {n} {} are lower bounds: a part of the time nothing was counted",
            plural(*n, "recording")
        )
        .into(),
        Notice::Lost(n) => {
            format!("{} lost by the recordings, and missing here", were(*n, "growth")).into()
        }
    }
}

fn releases(versions: &[String]) -> String {
    if versions.is_empty() { "an unknown Go".to_owned() } else { versions.join(", ") }
}

/// What figures are divided by, and what would be better for runs of different length.
fn divided(per: Per) -> &'static str {
    match per {
        Per::Second => "per second; if each run does the same work, compare per run",
        Per::Run => "per run; if the load is steady, compare per second",
        Per::Operation { .. } => "per operation",
    }
}

fn inputs(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Cpu => "CPU profiles",
        SourceKind::Heap => "heap profiles",
        SourceKind::Recording => "recordings",
        SourceKind::Contention => "profiles of locks",
        SourceKind::Trace => "execution traces",
        SourceKind::Perf => "files of perf",
        SourceKind::Binary => "binaries",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_name_both_sides_and_what_to_do() {
        let name = str::to_owned;
        let cases = [
            (
                Notice::OtherGo { before: vec![name("go1.21.13")], after: Vec::new() },
                "built with go1.21.13 before and an unknown Go after: the change includes that of Go",
            ),
            (
                Notice::OtherProgram { before: name("server"), after: name("client") },
                "the programs have different names: server and client",
            ),
            (
                Notice::OtherDuration { before_s: 10.0, after_s: 20.04, per: Per::Run },
                "runs took 10.0 s before and 20.0 s after: figures are per run; if the load is steady, compare per second",
            ),
            (
                Notice::OneSideOnly(SourceKind::Recording),
                "recordings were given for one side only: not compared",
            ),
        ];
        for (of, text) in cases {
            assert_eq!(notice(&of), text);
        }
    }

    #[test]
    fn numbers_of_recordings_and_growths_agree_with_their_nouns() {
        assert_eq!(notice(&Notice::Estimates(1)), "growths of 1 recording are estimates");
        let lower_bounds = notice(&Notice::LowerBounds(2));
        assert!(lower_bounds.starts_with("growths of 2 recordings are lower bounds: "));
        let lost = "1 growth was lost by the recordings, and missing here";
        assert_eq!(notice(&Notice::Lost(1)), lost);
    }
}
