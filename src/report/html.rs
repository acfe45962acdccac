//! Text inside markup.

use std::fmt;

/// Text as it may stand anywhere in HTML, in attributes too.
pub(super) struct Text<T>(pub(super) T);

impl<T: AsRef<str>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\n' => f.write_str("&#10;"),
            c if c.is_control() => f.write_str("\u{fffd}"),
            c => fmt::Write::write_char(f, c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_is_markup() {
        assert_eq!(
            Text("<a href='x'>\"&\"\n\0é").to_string(),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&#10;\u{fffd}é"
        );
    }
}
