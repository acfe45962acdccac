//! Operations under the roof of what a device can do at best.

use std::fmt;

use super::figures::{percent, si};
use super::html::Text;
use crate::profile::{Ceilings, Row};

/// The chart: intensity to the right, rate upwards, both by powers of ten.
pub(super) struct Roofline<'a> {
    pub(super) rows: &'a [Row],
    pub(super) ceilings: &'a Ceilings,
}

const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 420.0;
/// Left, top, right and bottom of the field.
const FIELD: [f64; 4] = [64.0, 14.0, 1064.0, 374.0];

/// From numbers to places.
struct Scale {
    /// Powers of ten at the ends.
    x: (f64, f64),
    y: (f64, f64),
}

impl Scale {
    fn new(points: &[(f64, f64)], roof: f64) -> Self {
        let bounds = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) = values
                .map(f64::log10)
                .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
            (low.floor(), high.ceil().max(low.floor() + 1.0))
        };
        let x = bounds(&mut points.iter().map(|point| point.0).chain([0.1, 100.0]));
        let y = bounds(&mut points.iter().map(|point| point.1).chain([roof, roof / 1e3]));
        Self { x, y }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let [left, top, right, bottom] = FIELD;
        let part = |value: f64, (low, high): (f64, f64)| ((value.log10() - low) / (high - low)).clamp(0.0, 1.0);
        (left + part(x, self.x) * (right - left), bottom - part(y, self.y) * (bottom - top))
    }
}

impl fmt::Display for Roofline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let computing: Vec<(&Row, (f64, f64))> = self.rows.iter().filter_map(|row| Some((row, point(row)?))).collect();
        let roof = self.ceilings.products.values().copied().fold(1.0, f64::max);
        let scale = Scale::new(&computing.iter().map(|(_, point)| *point).collect::<Vec<_>>(), roof);
        let left_out = self.rows.len() - computing.len();
        f.write_str("<figure><figcaption><h3>Rate of every operation against its intensity</h3>")?;
        write!(f, "<span class=\"note\">{left_out} that only move bytes are left out</span></figcaption>")?;
        write!(f, r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>Roofline</title>"#)?;
        grid(&scale, f)?;
        self.roofs(&scale, f)?;
        let whole: f64 = self.rows.iter().map(|row| row.seconds).sum();
        computing.iter().try_for_each(|(row, point)| dot(row, scale.at(*point), whole, f))?;
        f.write_str("</svg></figure>")
    }
}

impl Roofline<'_> {
    /// A slope for memory and for the caches, and a level for each type of products.
    fn roofs(&self, scale: &Scale, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let highest = self.ceilings.products.values().copied().fold(0.0, f64::max);
        let fastest = self.ceilings.copies.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
        let memory = self.ceilings.copies.last().map_or(fastest, |(_, rate)| *rate);
        let mut slopes = vec![("memory", memory)];
        if fastest > 1.05 * memory {
            slopes.push(("caches", fastest));
        }
        for (name, rate) in slopes {
            let from = (10f64.powf(scale.x.0)).max(10f64.powf(scale.y.0) / rate);
            let ((x1, y1), (x2, y2)) = (scale.at((from, from * rate)), scale.at((highest / rate, highest)));
            write!(f, r#"<line class="roof" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#)?;
            let (x, y) = (x1 + 8.0, y1 - 10.0);
            write!(f, r#"<text class="start mark" x="{x:.1}" y="{y:.1}">{name} {}</text>"#, si(rate, "B/s"))?;
        }
        let mut levels: Vec<_> = self.ceilings.products.iter().collect();
        levels.sort_by(|a, b| b.1.total_cmp(a.1));
        // Labels of levels close to each other stand side by side.
        let (mut last, mut shift) = (f64::MIN, 0.0);
        for (dtype, &rate) in levels {
            let ((x1, y), (x2, _)) = (scale.at((rate / fastest, rate)), scale.at((10f64.powf(scale.x.1), rate)));
            shift = if y - last < 14.0 { shift + 130.0 } else { 0.0 };
            last = y;
            write!(f, r#"<line class="roof" x1="{x1:.1}" y1="{y:.1}" x2="{x2:.1}" y2="{y:.1}"/>"#)?;
            let text = format!("{dtype} {}", si(rate, "FLOP/s"));
            write!(f, r#"<text class="end mark" x="{:.1}" y="{:.1}">{text}</text>"#, x2 - shift, y - 5.0)?;
        }
        Ok(())
    }
}

/// Operations for a byte, and in a second; none where nothing is computed.
fn point(row: &Row) -> Option<(f64, f64)> {
    let point = (row.work.flops as f64 / row.work.bytes() as f64, row.flops_per_second());
    (row.work.flops > 0 && row.work.bytes() > 0 && row.seconds > 0.0).then_some(point)
}

fn grid(scale: &Scale, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let [left, top, right, bottom] = FIELD;
    for power in scale.y.0 as i32..=scale.y.1 as i32 {
        let (_, y) = scale.at((1.0, 10f64.powi(power)));
        write!(f, r#"<line class="grid" x1="{left}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#)?;
        write!(
            f,
            r#"<text class="tick end" x="{}" y="{:.1}">{}</text>"#,
            left - 8.0,
            y + 4.0,
            si(10f64.powi(power), "")
        )?;
    }
    for power in scale.x.0 as i32..=scale.x.1 as i32 {
        let (x, _) = scale.at((10f64.powi(power), 1.0));
        write!(f, r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/>"#)?;
        write!(f, r#"<text class="tick" x="{x:.1}" y="{}">{}</text>"#, bottom + 18.0, si(10f64.powi(power), ""))?;
    }
    let name = "operations for each byte moved";
    write!(f, r#"<text class="name" x="{}" y="{}">{name}</text>"#, (left + right) / 2.0, bottom + 38.0)?;
    write!(f, r#"<text class="name start" x="4" y="{}">FLOP/s</text>"#, bottom + 18.0)
}

/// A circle whose area is the share of time.
fn dot(row: &Row, (x, y): (f64, f64), whole: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let share = row.seconds / whole;
    let title = format!(
        "{} {}\n{} of the time, {} and {}, {} of its limit ({})",
        row.operation,
        row.dtype,
        percent(share),
        si(row.flops_per_second(), "FLOP/s"),
        si(row.bytes_per_second(), "B/s"),
        percent(row.efficiency()),
        row.bound.name(),
    );
    let class = match row.bound.name() {
        "memory" => "c1",
        "compute" => "c2",
        _ => "rest",
    };
    let radius = 4.0 + 22.0 * share.sqrt();
    write!(
        f,
        r#"<circle class="point {class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"><title>{}</title></circle>"#,
        Text(title)
    )
}
