//! Functions of one number as one SVG picture that stands alone.

use std::fmt;

use super::axis::{Frame, Unit};
use super::html::Text;
use super::line_chart::path;

/// The width in units of about a pixel.
const WIDTH: f64 = 640.0;
/// The title and the room between it and the frame.
const HEAD: f64 = 36.0;
/// The height that the title stands at.
const TITLE: f64 = 22.0;
/// The room of a name in the legend, and how many are in a row. Two stand beside the title, more in rows below it.
const NAME: (f64, f64) = (110.0, 18.0);
const IN_ROW: usize = 5;
/// The colours of the curves, in turns; readable on white and on black.
const COLOURS: [&str; 6] = ["#2a78d6", "#e8701a", "#1a9e77", "#8a5cd1", "#d6a200", "#d64d8b"];
const STYLE: &str = "text { font: 12px system-ui, sans-serif; fill: #77746b; text-anchor: middle } \
    .end { text-anchor: end } .title { font-size: 15px; font-weight: 600; text-anchor: start } \
    .grid { stroke: #77746b; stroke-opacity: 0.25 } .axis { stroke: #77746b } \
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round }";

/// Functions at the same places.
pub struct Curves<'a> {
    /// What stands above.
    pub title: &'a str,
    /// The places, rising.
    pub x: &'a [f64],
    /// The name of each function and its values at the places; one that is not finite leaves a gap.
    pub functions: &'a [(&'a str, &'a [f64])],
}

impl Curves<'_> {
    fn frame(&self) -> Frame {
        let values = || self.functions.iter().flat_map(|(_, values)| values.iter().copied()).filter(|y| y.is_finite());
        let y = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let x = (self.x.first().copied().unwrap_or(0.0), self.x.last().copied().unwrap_or(0.0));
        Frame::new(WIDTH, "x", x, Unit::Number, y)
    }

    /// The rows of the legend below the title.
    fn rows(&self) -> usize {
        if self.functions.len() <= 2 { 0 } else { self.functions.len().div_ceil(IN_ROW) }
    }

    /// Where the name of a function ends, from the right, and the height that it stands at.
    fn name(&self, nth: usize) -> (f64, f64) {
        let row = nth / IN_ROW;
        let behind = self.functions.len().min((row + 1) * IN_ROW) - 1 - nth;
        let below = if self.rows() == 0 { 0 } else { row + 1 };
        (NAME.0 * behind as f64, TITLE + NAME.1 * below as f64)
    }
}

impl fmt::Display for Curves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = self.frame();
        let head = HEAD + NAME.1 * self.rows() as f64;
        let (left, right, height) = (frame.left(), frame.right(), frame.height + head);
        write!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">"#
        )?;
        write!(f, "<title>{0}</title><style>{STYLE}</style>", Text(self.title))?;
        write!(f, r#"<text class="title" x="{left}" y="{TITLE}">{}</text>"#, Text(self.title))?;
        let coloured = || self.functions.iter().zip(COLOURS.iter().cycle());
        for (nth, ((name, _), colour)) in coloured().enumerate() {
            let (behind, y) = self.name(nth);
            let x = right - behind;
            write!(f, r#"<text class="end" x="{x}" y="{y}" style="fill: {colour}">{}</text>"#, Text(name))?;
        }
        write!(f, r#"<g transform="translate(0 {head})">{frame}"#)?;
        let (zero_x, zero_y) = (frame.at_x(0.0), frame.at_y(0.0));
        if (left..=right).contains(&zero_x) {
            let (top, bottom) = (frame.top(), frame.bottom());
            write!(f, r#"<line class="axis" x1="{zero_x:.1}" x2="{zero_x:.1}" y1="{top}" y2="{bottom}"/>"#)?;
        }
        if (frame.top()..=frame.bottom()).contains(&zero_y) {
            write!(f, r#"<line class="axis" x1="{left}" x2="{right}" y1="{zero_y:.1}" y2="{zero_y:.1}"/>"#)?;
        }
        // The first one lies on top.
        for ((_, values), colour) in coloured().collect::<Vec<_>>().into_iter().rev() {
            let points: Vec<_> = self.x.iter().copied().zip(values.iter().copied()).collect();
            write!(f, r#"<path class="curve" stroke="{colour}" d="{}"/>"#, path(&frame, &points))?;
        }
        f.write_str("</g></svg>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_whole_and_keeps_gaps() {
        let (x, y) = ([-2.0, -1.0, 0.0, 1.0, 2.0], [f64::NEG_INFINITY, 0.0, 1.0, f64::NAN, 3.0]);
        let curves = Curves { title: "a < b", x: &x, functions: &[("value", &y), ("derivative", &x)] };
        let svg = curves.to_string();
        assert!(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN") && !svg.contains("inf"));
        let paths: Vec<_> = svg.split("d=\"").skip(1).map(|path| path.matches('M').count()).collect();
        assert_eq!(paths, [1, 2], "the value's two parts lie over the derivative");
        assert!(svg.contains(">-2</text>") && svg.contains(">3</text>"));
    }

    #[test]
    fn names_of_many_functions_stand_in_rows_each_at_a_place_of_its_own() {
        let values = [0.0, 1.0];
        for count in 0..13 {
            let functions = vec![("name", &values[..]); count];
            let svg = Curves { title: "", x: &values, functions: &functions }.to_string();
            let places: std::collections::BTreeSet<_> = svg
                .split("<text class=\"end\" ")
                .skip(1)
                .map(|text| text.split(" style").next().unwrap_or_default().to_owned())
                .collect();
            assert_eq!((places.len(), svg.matches("class=\"curve\"").count()), (count, count));
            assert!(!places.iter().any(|place| place.contains("x=\"-")), "{places:?}");
        }
    }
}
