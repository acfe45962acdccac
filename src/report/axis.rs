//! Axes: from values to places, with ticks at round values.

use std::fmt;

use super::figures;
use super::html::Text;

/// What a vertical axis counts: it decides where ticks lie and how values read.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// A loss, from 0.
    Loss,
    /// A share of 1, up to 1.
    Share,
    /// Bytes, from 0.
    Bytes,
    /// Any number.
    Number,
}

impl Unit {
    pub(super) fn format(self, value: f64) -> String {
        match self {
            Self::Loss | Self::Number => figures::plain(value),
            Self::Share => figures::percent(value),
            Self::Bytes => figures::bytes(value.max(0.0) as u64),
        }
    }

    /// Round values that enclose `low` to `high`, with the label of each.
    fn ticks(self, low: f64, high: f64) -> Vec<(f64, String)> {
        match self {
            Self::Loss => labelled(&ticks(0.0, high, 5)),
            Self::Number => labelled(&ticks(low, high, 5)),
            Self::Share => {
                // Shares are labelled in percent, and nothing exceeds the whole.
                let ticks = ticks(low * 100.0, high * 100.0, 5).into_iter().filter(|tick| tick.value <= 100.0);
                ticks.map(|tick| (tick.value / 100.0, format!("{tick} %"))).collect()
            }
            Self::Bytes => {
                let power = (high.max(1.0).log2() / 10.0).floor().clamp(0.0, 6.0);
                let unit = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][power as usize];
                let size = 1024f64.powf(power);
                let ticks = ticks(0.0, high / size, 5);
                ticks.iter().map(|tick| (tick.value * size, format!("{tick} {unit}"))).collect()
            }
        }
    }
}

fn labelled(ticks: &[Tick]) -> Vec<(f64, String)> {
    ticks.iter().map(|tick| (tick.value, tick.to_string())).collect()
}

/// The rectangle data is drawn in, inside an SVG of `width` by `height` units.
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
    x: (f64, f64),
    x_ticks: Vec<(f64, String)>,
    x_name: &'static str,
    y_ticks: Vec<(f64, String)>,
}

const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

impl Frame {
    /// A frame for whole numbers `x` across and values `y` upwards. Bounds that are not finite count as zero.
    pub(super) fn new(width: f64, x_name: &'static str, x: (f64, f64), unit: Unit, y: (f64, f64)) -> Self {
        let [x0, x1, low, high] = [x.0, x.1, y.0, y.1].map(|bound| if bound.is_finite() { bound } else { 0.0 });
        let x = (x0, x1.max(x0 + 1.0));
        let across = ticks(x.0, x.1, (width / 90.0) as usize).into_iter();
        let across = across.filter(|tick| (x.0..=x.1).contains(&tick.value) && tick.value.fract() == 0.0);
        let x_ticks = across.map(|tick| (tick.value, whole(tick.value))).collect();
        Self { width, height: 300.0, x, x_ticks, x_name, y_ticks: unit.ticks(low, high) }
    }

    /// A frame for numbers on both axes, with round numbers at their ends.
    pub(super) fn plane(width: f64, x_name: &'static str, x: (f64, f64), y: (f64, f64)) -> Self {
        let [low, high] = [x.0, x.1].map(|bound| if bound.is_finite() { bound } else { 0.0 });
        let x_ticks = Unit::Number.ticks(low, high);
        let bounds = (x_ticks[0].0, x_ticks[x_ticks.len() - 1].0);
        Self { x: bounds, x_ticks, ..Self::new(width, x_name, bounds, Unit::Number, y) }
    }

    pub(super) fn left(&self) -> f64 {
        LEFT
    }

    pub(super) fn right(&self) -> f64 {
        self.width - RIGHT
    }

    pub(super) fn top(&self) -> f64 {
        TOP
    }

    pub(super) fn bottom(&self) -> f64 {
        self.height - BOTTOM
    }

    /// The place of a value across.
    pub(super) fn at_x(&self, value: f64) -> f64 {
        place(value, self.x, (self.left(), self.right()))
    }

    /// The place of a value upwards.
    pub(super) fn at_y(&self, value: f64) -> f64 {
        let bound = |tick: Option<&(f64, String)>| tick.map_or(0.0, |(value, _)| *value);
        place(value, (bound(self.y_ticks.first()), bound(self.y_ticks.last())), (self.bottom(), self.top()))
    }

    /// An invisible column that lights up and tells `title` while the pointer is on it.
    pub(super) fn hover(&self, from: f64, to: f64, title: &str) -> String {
        let (left, right) = (from.max(self.left()), to.min(self.right()));
        let (top, width, height) = (self.top(), (right - left).max(0.0), self.bottom() - self.top());
        let place = format!(r#"x="{left:.1}" y="{top}" width="{width:.1}" height="{height}""#);
        format!(r#"<rect class="hover" {place}><title>{}</title></rect>"#, Text(title))
    }
}

/// Grid lines, tick labels and the name of the horizontal axis.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right, bottom) = (self.left(), self.right(), self.bottom());
        for (value, label) in &self.y_ticks {
            let y = self.at_y(*value);
            write!(f, r#"<line class="grid" x1="{left}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#)?;
            write!(f, r#"<text class="tick end" x="{}" y="{:.1}">{label}</text>"#, left - 8.0, y + 4.0)?;
        }
        write!(f, r#"<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>"#)?;
        for (value, label) in &self.x_ticks {
            write!(f, r#"<text class="tick" x="{:.1}" y="{}">{label}</text>"#, self.at_x(*value), bottom + 18.0)?;
        }
        let middle = (left + right) / 2.0;
        write!(f, r#"<text class="name" x="{middle:.1}" y="{}">{}</text>"#, bottom + 38.0, self.x_name)
    }
}

/// A whole number with its thousands apart.
fn whole(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", figures::grouped(value.abs() as u64))
}

/// A round value, printed with as many decimals as its step needs.
struct Tick {
    value: f64,
    decimals: usize,
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounding away from a negative zero.
        write!(f, "{:.*}", self.decimals, self.value + 0.0)
    }
}

/// About `count` multiples of 1, 2 or 5 times a power of ten, from at or below `low` to at or above `high`.
fn ticks(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let span = high - low;
    let span = if span > 0.0 && span.is_finite() { span } else { low.abs().max(1.0) };
    let rough = span / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(rough);
    let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    let (first, last) = ((low / step + 1e-9).floor() as i64, ((low + span) / step - 1e-9).ceil() as i64);
    (first..=last).map(|i| Tick { value: i as f64 * step, decimals }).collect()
}

fn place(value: f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    let span = from.1 - from.0;
    let share = if span == 0.0 { 0.0 } else { (value - from.0) / span };
    to.0 + share * (to.1 - to.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(unit: Unit, low: f64, high: f64) -> Vec<String> {
        unit.ticks(low, high).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        assert_eq!(labels(Unit::Loss, 0.3, 2.3), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        assert_eq!(labels(Unit::Loss, 0.0, 0.004), ["0.000", "0.001", "0.002", "0.003", "0.004"]);
        assert_eq!(labels(Unit::Share, 0.62, 0.99), ["60 %", "70 %", "80 %", "90 %", "100 %"]);
        assert_eq!(labels(Unit::Share, 0.0, 1.0), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(labels(Unit::Bytes, 0.0, 1.4e6), ["0.0 MiB", "0.5 MiB", "1.0 MiB", "1.5 MiB"]);
        assert_eq!(labels(Unit::Loss, 0.0, 0.0).first().unwrap(), "0.0");
        assert_eq!(labels(Unit::Number, -0.3, 0.9), ["-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!([-1234.0, 0.0, 6.0].map(whole), ["-1,234", "0", "6"]);
    }

    #[test]
    fn any_pair_of_bounds_gives_a_handful_of_ticks() {
        let bounds = [0.0, -1.0, 1e-300, 1e-9, 0.1, 1.0, 7.0, 1e9, 1e15];
        for (low, high) in bounds.iter().flat_map(|low| bounds.map(|high| (*low, high))) {
            let count = ticks(low, high, 5).len();
            assert!((2..=12).contains(&count), "{count} ticks from {low} to {high}");
        }
    }
}
