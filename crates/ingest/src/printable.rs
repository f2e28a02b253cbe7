//! Names from files are shown on terminals, where control characters are commands.

/// The text with control characters replaced.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
