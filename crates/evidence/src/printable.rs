//! Names from files are shown on terminals, where control characters are commands.

/// The text with characters replaced that control a terminal, turn the direction of what stands beside them, or are not seen,
/// so that two names that differ do not look alike.
pub fn printable(text: &str) -> String {
    let is_command = |c: char| c.is_control() || turns_direction(c) || is_unseen(c);
    text.chars().map(|c| if is_command(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Source: Unicode 15.0, property Bidi_Control; and the separators of lines and paragraphs.
fn turns_direction(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// Source: Unicode 15.0, property Default_Ignorable_Code_Point, without the joiners that scripts need and the selectors of
/// variants.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_turn_no_text_around() {
        assert_eq!(printable("gpj\u{202e}exe.\u{2066}\u{1b}x"), "gpj\u{fffd}exe.\u{fffd}\u{fffd}x");
        assert_eq!(printable("a\u{200b}b\u{feff}\u{e0041}"), "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(printable("größe 世界 עברית"), "größe 世界 עברית");
    }
}
