//! Memory by label over one step, as stacked areas.

use std::fmt;

use super::axis::{Frame, Unit};
use super::figures::{bytes, grouped, percent};
use super::html::Text;
use super::memory_trace::{MemoryTrace, Moment, Timeline};

const MAX_MOMENTS: usize = 600;
const MAX_HOVERS: usize = 160;

/// The chart of a trace, and a table of who held what at the peak.
pub(super) struct MemoryChart<'a>(pub(super) &'a MemoryTrace);

impl fmt::Display for MemoryChart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timeline = self.0.timeline();
        let peak = &timeline.moments[timeline.peak];
        let predicted = self.0.predicted_peak;
        let moments = thinned(&timeline.moments);
        let frame = frame(&moments, peak.total.max(predicted.unwrap_or(0)));
        f.write_str("<figure><figcaption><h3>Live bytes over one training step</h3>")?;
        legend(&timeline, f)?;
        write!(f, r#"</figcaption><svg viewBox="0 0 {} {}" role="img">"#, frame.width, frame.height)?;
        let title = format!("Live bytes by label over the sequence numbers of the ledger, peak {}", bytes(peak.total));
        write!(f, "<title>{}</title>{frame}", Text(title))?;
        areas(&frame, &moments, f)?;
        marks(&frame, peak, predicted, f)?;
        hovers(&frame, &moments, f)?;
        f.write_str("</svg></figure>")?;
        table(&timeline, peak.total, f)
    }
}

/// At most [`MAX_MOMENTS`] moments: of several, the one with the most bytes, so that the peak stays.
fn thinned(moments: &[Moment]) -> Vec<&Moment> {
    let run = moments.len().div_ceil(MAX_MOMENTS).max(1);
    moments.chunks(run).filter_map(|run| run.iter().max_by_key(|moment| moment.total)).collect()
}

fn frame(moments: &[&Moment], most: u64) -> Frame {
    let sequence = |moment: Option<&&Moment>| moment.map_or(0, |moment| moment.sequence) as f64;
    let x = (sequence(moments.first()), sequence(moments.last()) + 1.0);
    // Room above the peak for its label.
    Frame::new(1080.0, "ledger sequence number", x, Unit::Bytes, (0.0, most as f64 * 1.1))
}

/// The class that colours a label, by its rank at the peak.
fn class(rank: usize) -> String {
    if rank < Timeline::SHOWN { format!("c{}", rank + 1) } else { "rest".into() }
}

fn legend(timeline: &Timeline, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(r#"<ul class="legend">"#)?;
    for (rank, label) in timeline.shown.iter().enumerate() {
        write!(f, r#"<li><span class="swatch area {}"></span>{}</li>"#, class(rank), Text(label))?;
    }
    if timeline.moments.iter().any(|moment| moment.levels.last().is_some_and(|&rest| rest > 0)) {
        f.write_str(r#"<li><span class="swatch area rest"></span>all others</li>"#)?;
    }
    f.write_str("</ul>")
}

fn areas(frame: &Frame, moments: &[&Moment], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let layers = moments.first().map_or(0, |moment| moment.levels.len());
    for layer in (0..layers).filter(|&layer| moments.iter().any(|moment| moment.levels[layer] > 0)) {
        let floor: Vec<_> = moments.iter().map(|moment| moment.levels[..layer].iter().sum::<u64>()).collect();
        let roof: Vec<_> = moments.iter().zip(&floor).map(|(moment, floor)| floor + moment.levels[layer]).collect();
        let rank = if layer + 1 == layers { Timeline::SHOWN } else { layer };
        write!(f, r#"<path class="area {}" d="M{}"#, class(rank), edge(frame, moments, &roof).join("L"))?;
        let back: Vec<_> = edge(frame, moments, &floor).into_iter().rev().collect();
        write!(f, r#"L{}Z"/>"#, back.join("L"))?;
    }
    Ok(())
}

/// The steps of one edge: a level holds from its event to the next.
fn edge(frame: &Frame, moments: &[&Moment], levels: &[u64]) -> Vec<String> {
    let ends = moments.iter().skip(1).map(|moment| moment.sequence as f64);
    let last = moments.last().map(|moment| moment.sequence as f64 + 1.0);
    let spans = moments.iter().map(|moment| moment.sequence as f64).zip(ends.chain(last));
    let corners = spans.zip(levels).flat_map(|((from, to), &level)| [(from, level), (to, level)]);
    corners.map(|(x, level)| format!("{:.1} {:.1}", frame.at_x(x), frame.at_y(level as f64))).collect()
}

fn marks(frame: &Frame, peak: &Moment, predicted: Option<u64>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (x, y) = (frame.at_x(peak.sequence as f64 + 0.5), frame.at_y(peak.total as f64));
    // Labels keep clear of each other: the peak's on the wider side, the prediction's at the other end.
    let on_left = x > (frame.left() + frame.right()) / 2.0;
    let (side, shift) = if on_left { ("end", -9.0) } else { ("start", 9.0) };
    if let Some(predicted) = predicted {
        let (left, right, level) = (frame.left(), frame.right(), frame.at_y(predicted as f64));
        let (at, anchor) = if on_left { (left + 6.0, "start") } else { (right, "end") };
        write!(f, r#"<line class="predicted" x1="{left}" x2="{right}" y1="{level:.1}" y2="{level:.1}"/>"#)?;
        let text = bytes(predicted);
        write!(f, r#"<text class="mark {anchor}" x="{at}" y="{:.1}">predicted {text}</text>"#, level - 6.0)?;
    }
    write!(f, r#"<line class="peak" x1="{x:.1}" x2="{x:.1}" y1="{y:.1}" y2="{}"/>"#, frame.bottom())?;
    write!(f, r#"<circle class="peak" cx="{x:.1}" cy="{y:.1}" r="4"/>"#)?;
    let text = format!("peak {} at {}", bytes(peak.total), grouped(peak.sequence));
    write!(f, r#"<text class="mark {side}" x="{:.1}" y="{:.1}">{text}</text>"#, x + shift, y - 6.0)
}

fn hovers(frame: &Frame, moments: &[&Moment], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for run in moments.chunks(moments.len().div_ceil(MAX_HOVERS).max(1)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let title = format!("{}: {}\nlive {}", grouped(first.sequence), first.what, bytes(first.total));
        let (from, to) = (frame.at_x(first.sequence as f64), frame.at_x(last.sequence as f64 + 1.0));
        f.write_str(&frame.hover(from, to, &title))?;
    }
    Ok(())
}

fn table(timeline: &Timeline, peak: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        r#"<div class="card scroll"><table class="holders"><caption>Alive at the peak, {}</caption>"#,
        bytes(peak)
    )?;
    f.write_str(r#"<thead><tr><th scope="col">label</th><th scope="col">bytes</th>"#)?;
    f.write_str(r#"<th scope="col">share</th><td></td></tr></thead><tbody>"#)?;
    for (rank, (label, held)) in timeline.at_peak.iter().enumerate() {
        let (class, share) = (class(rank), *held as f64 / peak.max(1) as f64);
        let (label, held) = (Text(label), grouped(*held));
        write!(f, r#"<tr><th scope="row"><span class="swatch area {class}"></span>{label}</th>"#)?;
        write!(f, r#"<td>{held}</td><td>{}</td><td class="bar">"#, percent(share))?;
        write!(f, r#"<span class="area {class}" style="width:{:.1}%"></span></td></tr>"#, share * 100.0)?;
    }
    f.write_str("</tbody></table></div>")
}
