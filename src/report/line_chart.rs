//! Curves over epochs or steps.

use std::fmt;

use super::axis::{Frame, Unit};
use super::html::Text;

/// The most points drawn per curve, and the most columns that answer to the pointer.
const MAX_POINTS: usize = 800;
const MAX_HOVERS: usize = 160;

/// Curves that share their axes.
pub(super) struct LineChart<'a> {
    /// What it shows, for the heading and for those who cannot see it.
    pub(super) title: &'a str,
    /// What is counted across: `epoch`, `step`.
    pub(super) x_name: &'static str,
    pub(super) unit: Unit,
    /// Width in units of about a pixel.
    pub(super) width: f64,
    pub(super) series: Vec<Series<'a>>,
}

/// One curve: its `i`-th value is at `i + 1` across. A value that is not finite leaves a gap.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// The class that colours it, `c1` to `c8`.
    pub(super) class: &'static str,
    /// Whether it is the background to another curve.
    pub(super) faint: bool,
    pub(super) values: Vec<f64>,
}

impl LineChart<'_> {
    fn frame(&self) -> Frame {
        let values = || self.series.iter().flat_map(|series| series.values.iter().copied()).filter(|v| v.is_finite());
        let y = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        Frame::new(self.width, self.x_name, (1.0, self.count() as f64), self.unit, y)
    }

    fn count(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).max().unwrap_or(0)
    }

    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"<ul class="legend">"#)?;
        for Series { name, class, faint, values } in &self.series {
            let kind = if *faint { "faint" } else { "" };
            write!(f, r#"<li><span class="swatch {class} {kind}"></span>{}"#, Text(name))?;
            if let Some(last) = values.last().filter(|_| !faint) {
                write!(f, " <b>{}</b>", self.unit.format(*last))?;
            }
            f.write_str("</li>")?;
        }
        f.write_str("</ul>")
    }

    /// Columns of equal width; each tells the values of the place in its middle.
    fn hovers(&self, frame: &Frame, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        let columns = count.min(MAX_HOVERS);
        for column in 0..columns {
            let index = (2 * column + 1) * count / (2 * columns);
            let mut title = format!("{} {}", self.x_name, index + 1);
            for Series { name, values, .. } in &self.series {
                if let Some(value) = values.get(index) {
                    title += &format!("\n{name} {}", self.unit.format(*value));
                }
            }
            let half = (frame.right() - frame.left()) / columns as f64 / 2.0;
            let middle = frame.at_x(index as f64 + 1.0);
            f.write_str(&frame.hover(middle - half, middle + half, &title))?;
        }
        Ok(())
    }
}

impl fmt::Display for LineChart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = self.frame();
        let (title, names) = (Text(self.title), self.series.iter().map(|series| series.name).collect::<Vec<_>>());
        write!(f, r#"<figure><figcaption><h3>{title}</h3>"#)?;
        self.legend(f)?;
        write!(f, r#"</figcaption><svg viewBox="0 0 {} {}" role="img">"#, frame.width, frame.height)?;
        write!(f, "<title>{title}: {} by {}</title>{frame}", Text(names.join(", ")), self.x_name)?;
        self.series.iter().try_for_each(|series| series.draw(&frame, f))?;
        self.hovers(&frame, f)?;
        f.write_str("</svg></figure>")
    }
}

impl Series<'_> {
    fn draw(&self, frame: &Frame, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, faint, .. } = self;
        let points = thinned(&self.values);
        let kind = if *faint { "faint" } else { "" };
        write!(f, r#"<path class="curve {class} {kind}" d="{}"/>"#, path(frame, &points))?;
        if points.len() > 60 || *faint {
            return Ok(());
        }
        for (x, y) in points.into_iter().filter(|(_, y)| y.is_finite()) {
            let (x, y) = (frame.at_x(x), frame.at_y(y));
            write!(f, r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="2.6"/>"#)?;
        }
        Ok(())
    }
}

/// The values with their places, averaged in runs where there are more than can be seen.
fn thinned(values: &[f64]) -> Vec<(f64, f64)> {
    let run = values.len().div_ceil(MAX_POINTS).max(1);
    let middle = (run as f64 + 1.0) / 2.0;
    let mean = |run: &[f64]| run.iter().sum::<f64>() / run.len() as f64;
    values.chunks(run).enumerate().map(|(i, chunk)| ((i * run) as f64 + middle, mean(chunk))).collect()
}

/// The path through these points; one that is not finite leaves a gap.
pub(super) fn path(frame: &Frame, points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    let mut command = 'M';
    for &(x, y) in points {
        if y.is_finite() {
            path += &format!("{command}{:.1} {:.1}", frame.at_x(x), frame.at_y(y));
            command = 'L';
        } else {
            command = 'M';
        }
    }
    path
}

/// The mean of each value and its neighbours, a fiftieth of all to either side; both sides count, so a falling curve is
/// not drawn late. Values that are not finite are left out.
pub(super) fn smoothed(values: &[f64]) -> Vec<f64> {
    let reach = values.len() / 50 + 1;
    let mut sums = vec![(0.0, 0.0)];
    for value in values {
        let (sum, count) = sums[sums.len() - 1];
        sums.push(if value.is_finite() { (sum + value, count + 1.0) } else { (sum, count) });
    }
    let mean = |i: usize| {
        // Near an end both sides shrink alike.
        let reach = reach.min(i).min(values.len() - 1 - i);
        let ((low, before), (high, until)) = (sums[i - reach], sums[i + reach + 1]);
        (high - low) / (until - before)
    };
    (0..values.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_line_and_skips_what_is_no_number() {
        let line: Vec<f64> = (0..200).map(|i| 5.0 - f64::from(i) / 50.0).collect();
        assert!(smoothed(&line).iter().zip(&line).all(|(smooth, value)| (smooth - value).abs() < 1e-9));
        let saw: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        assert!(smoothed(&saw)[10..190].iter().all(|value| (value - 0.5).abs() < 0.1));
        let with_gap = smoothed(&[1.0, f64::NAN, 1.0]);
        assert_eq!(with_gap, [1.0; 3]);
        assert!(smoothed(&[]).is_empty() && smoothed(&[f64::NAN])[0].is_nan());
    }

    #[test]
    fn many_points_are_thinned_and_keep_their_place() {
        let points = thinned(&(1..=8_000).map(f64::from).collect::<Vec<_>>());
        assert_eq!(points.len(), 800);
        assert!(points.iter().all(|(x, y)| x == y));
    }

    #[test]
    fn gaps_split_the_curve() {
        let frame = Frame::new(500.0, "step", (1.0, 4.0), Unit::Loss, (0.0, 1.0));
        let drawn = path(&frame, &[(1.0, 0.5), (2.0, f64::NAN), (3.0, 0.5), (4.0, 0.5)]);
        assert_eq!(drawn.matches('M').count(), 2);
        assert!(!drawn.contains("NaN"));
    }
}
