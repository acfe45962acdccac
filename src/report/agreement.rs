//! Values against what was predicted.

use std::fmt;

use super::axis::Frame;
use super::figures::plain;
use super::html::Text;

/// The most points drawn.
const MAX_POINTS: usize = 800;

/// The values of a target and what was predicted for each sample.
#[derive(Debug, Clone, Default)]
pub struct Agreement {
    /// The name of the target.
    pub name: String,
    /// Values, each with its prediction.
    pub pairs: Vec<(f64, f64)>,
}

/// A point for each sample, value across and prediction upwards, and the line on which both are equal. Of many samples every so
/// manieth is drawn.
impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.pairs.len().div_ceil(MAX_POINTS).max(1);
        let is_finite = |pair: &&(f64, f64)| pair.0.is_finite() && pair.1.is_finite();
        let pairs: Vec<_> = self.pairs.iter().filter(is_finite).step_by(run).collect();
        let range = |value: fn(&(f64, f64)) -> f64| {
            let values = || pairs.iter().map(|pair| value(pair));
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
        };
        let (x, y) = (range(|pair| pair.0), range(|pair| pair.1));
        let frame = Frame::plane(530.0, "value", x, y);
        let name = Text(&self.name);
        write!(f, r#"<figure><figcaption><h3>{name}: predictions by value</h3></figcaption>"#)?;
        write!(f, r#"<svg viewBox="0 0 {} {}" role="img">"#, frame.width, frame.height)?;
        write!(f, "<title>{name}: predictions by value</title>{frame}")?;
        for (value, predicted) in &pairs {
            let (across, up) = (frame.at_x(*value), frame.at_y(*predicted));
            write!(f, r#"<circle class="dot c1" cx="{across:.1}" cy="{up:.1}" r="2.6">"#)?;
            write!(f, "<title>{} predicted as {}</title></circle>", plain(*value), plain(*predicted))?;
        }
        // Where both are equal, as far as both ranges reach.
        let (from, to) = (x.0.max(y.0), x.1.min(y.1));
        if from < to {
            let [x1, x2] = [from, to].map(|value| frame.at_x(value));
            let [y1, y2] = [from, to].map(|value| frame.at_y(value));
            write!(f, r#"<line class="axis" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#)?;
        }
        f.write_str("</svg></figure>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_lie_on_the_line_and_the_rest_off_it() {
        let pairs = vec![(1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (3.0, 1.5), (f64::NAN, 1.0)];
        let drawn = Agreement { name: "a < b".into(), pairs }.to_string();
        assert!(drawn.contains("a &lt; b") && !drawn.contains("NaN"));
        let number = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.parse::<f64>().unwrap()
        };
        let line = drawn.split('<').rfind(|tag| tag.starts_with("line class=\"axis\"")).unwrap();
        let [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map(|name| number(line, name));
        let dots: Vec<_> = drawn.split('<').filter(|tag| tag.starts_with("circle")).collect();
        let off = dots.iter().map(|dot| {
            let (x, y) = (number(dot, "cx"), number(dot, "cy"));
            ((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)).abs() / (x2 - x1).hypot(y2 - y1)
        });
        let off: Vec<f64> = off.collect();
        assert!(dots.len() == 4 && off[..3].iter().all(|off| *off < 0.2) && off[3] > 20.0, "{off:?}");
    }

    #[test]
    fn many_samples_are_thinned_and_none_still_draws() {
        let pairs = (0..10_000).map(|i| (f64::from(i), 0.5)).collect();
        assert_eq!(Agreement { name: String::new(), pairs }.to_string().matches("<circle").count(), 770);
        assert!(Agreement::default().to_string().ends_with("</figure>"));
    }
}
