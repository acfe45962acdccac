//! What every page has: a head that lets nothing be loaded, a heading with figures, an end.

use std::fmt;

use super::html::Text;

/// A page around its sections.
pub(super) struct Document<'a> {
    /// What the page is about, and after it in smaller letters what was done with it.
    pub(super) heading: (&'a str, &'a str),
    /// Where and with what.
    pub(super) lead: String,
    /// Figures: a name, a value, a note.
    pub(super) tiles: Vec<(&'static str, String, String)>,
    /// Whether there are tables to sort.
    pub(super) sorts: bool,
}

const STYLE: &str = include_str!("style.css");
const SORT: &str = include_str!("sort.js");

impl Document<'_> {
    /// Writes the page, with what `sections` writes in its middle.
    pub(super) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        sections: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let (what, done) = (Text(self.heading.0), Text(self.heading.1));
        f.write_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        f.write_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")?;
        // The browser holds the page to its word.
        let scripts = if self.sorts { "script-src 'unsafe-inline'; " } else { "" };
        f.write_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ")?;
        write!(f, "style-src 'unsafe-inline'; {scripts}img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n")?;
        write!(f, "<title>{what} {done} – rectify</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n")?;
        write!(f, "<header>\n<p class=\"brand\">rectify</p>\n<h1>{what} <span>{done}</span></h1>\n")?;
        write!(f, "<p class=\"lead\">{}</p>\n<dl class=\"tiles\">\n", Text(&self.lead))?;
        for (name, value, note) in &self.tiles {
            writeln!(f, "<div><dt>{name}</dt><dd>{}</dd><dd class=\"note\">{}</dd></div>", Text(value), Text(note))?;
        }
        f.write_str("</dl>\n</header>\n<main>\n")?;
        sections(f)?;
        write!(f, "</main>\n<footer>Written by rectify {}.</footer>\n", env!("CARGO_PKG_VERSION"))?;
        if self.sorts {
            write!(f, "<script>\n{SORT}</script>\n")?;
        }
        f.write_str("</body>\n</html>\n")
    }
}
