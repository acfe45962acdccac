//! Functions of one number as one SVG picture that stands alone.

use std::fmt;

use super::axis::{Frame, Unit};
use super::html::Text;
use super::line_chart::path;

/// The width in units of about a pixel.
const WIDTH: f64 = 640.0;
/// The title, the legend and the room between them and the frame.
const HEAD: f64 = 36.0;
/// The colours of the curves, in order; readable on white and on black.
const COLOURS: [&str; 2] = ["#2a78d6", "#e8701a"];
const STYLE: &str = "text { font: 12px system-ui, sans-serif; fill: #77746b; text-anchor: middle } \
    .end { text-anchor: end } .title { font-size: 15px; font-weight: 600; text-anchor: start } \
    .grid { stroke: #77746b; stroke-opacity: 0.25 } .axis { stroke: #77746b } \
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round }";

/// Up to two functions at the same places.
pub struct Curves<'a> {
    /// What stands above.
    pub title: &'a str,
    /// The places, rising.
    pub x: &'a [f64],
    /// The name of each function and its values at the places; one that is not finite leaves a gap.
    pub functions: [(&'a str, &'a [f64]); 2],
}

impl Curves<'_> {
    fn frame(&self) -> Frame {
        let values = || self.functions.iter().flat_map(|(_, values)| values.iter().copied()).filter(|y| y.is_finite());
        let y = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let x = (self.x.first().copied().unwrap_or(0.0), self.x.last().copied().unwrap_or(0.0));
        Frame::new(WIDTH, "x", x, Unit::Number, y)
    }
}

impl fmt::Display for Curves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = self.frame();
        let (left, right, height) = (frame.left(), frame.right(), frame.height + HEAD);
        write!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">"#
        )?;
        write!(f, "<title>{0}</title><style>{STYLE}</style>", Text(self.title))?;
        write!(f, r#"<text class="title" x="{left}" y="22">{}</text>"#, Text(self.title))?;
        for (i, ((name, _), colour)) in self.functions.iter().zip(COLOURS).enumerate().rev() {
            let end = right - 110.0 * (self.functions.len() - 1 - i) as f64;
            write!(f, r#"<text class="end" x="{end}" y="22" style="fill: {colour}">{}</text>"#, Text(name))?;
        }
        write!(f, r#"<g transform="translate(0 {HEAD})">{frame}"#)?;
        let (zero_x, zero_y) = (frame.at_x(0.0), frame.at_y(0.0));
        if (left..=right).contains(&zero_x) {
            let (top, bottom) = (frame.top(), frame.bottom());
            write!(f, r#"<line class="axis" x1="{zero_x:.1}" x2="{zero_x:.1}" y1="{top}" y2="{bottom}"/>"#)?;
        }
        if (frame.top()..=frame.bottom()).contains(&zero_y) {
            write!(f, r#"<line class="axis" x1="{left}" x2="{right}" y1="{zero_y:.1}" y2="{zero_y:.1}"/>"#)?;
        }
        for ((_, values), colour) in self.functions.iter().zip(COLOURS).rev() {
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
        let curves = Curves { title: "a < b", x: &x, functions: [("value", &y), ("derivative", &x)] };
        let svg = curves.to_string();
        assert!(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN") && !svg.contains("inf"));
        let paths: Vec<_> = svg.split("d=\"").skip(1).map(|path| path.matches('M').count()).collect();
        assert_eq!(paths, [1, 2], "the value's two parts lie over the derivative");
        assert!(svg.contains(">-2</text>") && svg.contains(">3</text>"));
    }
}
