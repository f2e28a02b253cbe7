//! A recording read and written again. The fuzz target includes this file.

use gopprof::{LocationIdx, Profile};
use recording::{Executable, Frame, Placeholder, Reader, Span, Writer};

/// Writes what is read of any profile.
pub(crate) fn rewritten(profile: &Profile) -> Profile {
    let reader = Reader::new(profile);
    let main = profile.mappings.first().copied().unwrap_or_default();
    let executable = Executable {
        path: profile.str(main.filename),
        build_id: profile.str(main.build_id),
        text: main.memory_start..main.memory_limit,
        file_offset: main.file_offset,
    };
    let span = Span { started_ns: profile.time_nanos, duration_ns: profile.duration_nanos };
    let mut writer = Writer::new(&executable, span, reader.facts());
    for (stack, row) in reader.rows() {
        let stack: Vec<_> = stack.map(|at| location(profile, at, &mut writer)).collect();
        writer.row(&stack, &row);
    }
    writer.finish()
}

fn location(profile: &Profile, at: LocationIdx, writer: &mut Writer) -> LocationIdx {
    let location = &profile.locations[at.index()];
    let frames = location.lines.iter().map(|line| {
        let function = line.function.map(|function| profile.functions[function.index()]);
        let function = function.unwrap_or_default();
        Frame {
            function: profile.str(function.name),
            file: profile.str(function.filename),
            line: u32::try_from(line.line).unwrap_or(0),
        }
    });
    if location.mapping.is_some_and(|mapping| mapping.index() == 0) {
        return writer.location(location.address, frames);
    }
    let name = frames.map(|frame| frame.function).next();
    let is_name = |placeholder: &Placeholder| name == Some(placeholder.name());
    let without = [Placeholder::NoStack, Placeholder::NoUserStack];
    let placeholder = without.into_iter().find(is_name).unwrap_or(Placeholder::OutsideGo);
    writer.placeholder(placeholder)
}
