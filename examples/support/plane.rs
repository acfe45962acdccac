//! Points and paths in a plane, as one SVG picture.

use std::fmt;

const SIZE: f64 = 480.0;
const MARGIN: f64 = 36.0;
const COLOURS: [&str; 4] = ["#2a78d6", "#e8701a", "#3d9a50", "#8a5bc7"];

/// A part of a plane, with what lies in it.
pub struct Plane<'a> {
    /// What stands above.
    pub title: &'a str,
    /// The least and the greatest number shown across, and upwards.
    pub x: (f64, f64),
    /// The same upwards.
    pub y: (f64, f64),
    /// Each in a colour of its own.
    pub marks: Vec<Marks<'a>>,
}

/// Places in the plane.
pub struct Marks<'a> {
    /// What they are.
    pub name: &'a str,
    /// The places; those outside are not shown.
    pub places: Vec<(f64, f64)>,
    /// Whether a line joins them.
    pub joined: bool,
}

impl Plane<'_> {
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low) * (SIZE - 2.0 * MARGIN) + MARGIN;
        (share(x, self.x), SIZE - share(y, self.y))
    }

    fn shows(&self, (x, y): (f64, f64)) -> bool {
        (self.x.0..=self.x.1).contains(&x) && (self.y.0..=self.y.1).contains(&y)
    }
}

impl fmt::Display for Plane<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inner, edge) = (SIZE - 2.0 * MARGIN, SIZE - MARGIN);
        let ((left, right), (low, high)) = (self.x, self.y);
        write!(f, r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" role="img">"#)?;
        write!(f, "<style>text {{ font: 12px system-ui, sans-serif; fill: #77746b }}</style>")?;
        write!(
            f,
            r##"<rect x="{MARGIN}" y="{MARGIN}" width="{inner}" height="{inner}" fill="none" stroke="#77746b"/>"##
        )?;
        write!(f, r#"<text x="{MARGIN}" y="22">{}</text>"#, self.title)?;
        write!(f, r#"<text x="{MARGIN}" y="{}">{left} to {right} across, {low} to {high} up</text>"#, SIZE - 16.0)?;
        write!(f, r#"<text x="{edge}" y="{}" text-anchor="end">"#, SIZE - 16.0)?;
        for (marks, colour) in self.marks.iter().zip(COLOURS.iter().cycle()) {
            write!(f, r#"<tspan dx="12" style="fill: {colour}">{}</tspan>"#, marks.name)?;
        }
        f.write_str("</text>")?;
        for (marks, colour) in self.marks.iter().zip(COLOURS.iter().cycle()) {
            let places: Vec<_> = marks.places.iter().filter(|&&place| self.shows(place)).map(|&p| self.at(p)).collect();
            if marks.joined {
                let points: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                write!(f, r#"<polyline fill="none" stroke="{colour}" points="{}"/>"#, points.join(" "))?;
            }
            let radius = if marks.joined { 2.0 } else { 3.5 };
            for (x, y) in places {
                write!(f, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"/>"#)?;
            }
        }
        f.write_str("</svg>\n")
    }
}
