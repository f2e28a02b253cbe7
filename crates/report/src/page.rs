//! The frame of a page that needs nothing else: no network, no other file.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page without its content.
pub(crate) struct Page<'p> {
    /// By which it is known again; see [`crate::marks`].
    pub mark: &'static str,
    pub title: &'p str,
    /// What it may load: its content security policy.
    pub policy: &'static str,
    pub style: &'static str,
}

impl Page<'_> {
    pub(crate) fn with(&self, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    (PreEscaped(self.mark))
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(self.policy);
                    title { (self.title) }
                    style { (PreEscaped(self.style)) }
                }
                body { (body) }
            }
        }
    }
}
