//! Where the time of a training step goes, as one bar and a table.

use std::fmt;

use super::figures::{percent, si};
use super::html::Text;
use crate::profile::Profile;

/// The time of a step by what it was spent for.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// How many steps it is the mean of.
    pub steps: usize,
    /// Seconds of a step by scope, the longest first: a layer, its gradient, the loss, the optimiser; and what lies between
    /// operations.
    pub parts: Vec<(String, f64)>,
}

/// How many parts are drawn on their own.
const SHOWN: usize = 7;

impl StepTime {
    /// That of the steps of a profile; none if it has none.
    pub fn of(profile: &Profile) -> Option<Self> {
        let mut parts = profile.seconds_by_scope();
        parts.push(("between operations".into(), profile.idle_seconds()));
        parts.sort_by(|a, b| b.1.total_cmp(&a.1));
        (profile.steps > 0).then_some(Self { steps: profile.steps, parts })
    }

    fn seconds(&self) -> f64 {
        self.parts.iter().map(|(_, seconds)| seconds).sum()
    }
}

impl fmt::Display for StepTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDTH: f64 = 1080.0;
        const HEIGHT: f64 = 56.0;
        let whole = self.seconds().max(f64::MIN_POSITIVE);
        f.write_str("<figure><figcaption><h3>Where the time of a step goes</h3>")?;
        write!(f, "<span class=\"note\">{}, the mean of {}</span></figcaption>", si(whole, "s"), self.steps)?;
        write!(f, r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>Time of a step by scope</title>"#)?;
        let mut left = 0.0;
        for (rank, (name, seconds)) in self.parts.iter().enumerate() {
            let width = seconds / whole * WIDTH;
            let title = format!("{name}: {}, {}", si(*seconds, "s"), percent(seconds / whole));
            write!(f, r#"<rect class="part {}" x="{left:.1}" y="0" width="{width:.1}" "#, class(rank))?;
            write!(f, r#"height="{HEIGHT}"><title>{}</title></rect>"#, Text(title))?;
            left += width;
        }
        f.write_str("</svg></figure>")
    }
}

/// The parts as a table.
pub(super) struct StepTable<'a>(pub(super) &'a StepTime);

impl fmt::Display for StepTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.seconds().max(f64::MIN_POSITIVE);
        f.write_str("<div class=\"card scroll\"><table class=\"holders\"><caption>By scope</caption><thead><tr>")?;
        f.write_str(
            "<th scope=\"col\">scope</th><th scope=\"col\">time</th><th scope=\"col\">share</th></tr></thead><tbody>",
        )?;
        for (rank, (name, seconds)) in self.0.parts.iter().enumerate() {
            write!(f, r#"<tr><th scope="row"><span class="swatch area {}"></span>{}</th>"#, class(rank), Text(name))?;
            write!(f, "<td>{}</td><td>{}</td></tr>", si(*seconds, "s"), percent(seconds / whole))?;
        }
        f.write_str("</tbody></table></div>")
    }
}

/// The class that colours a part, by its rank.
fn class(rank: usize) -> String {
    if rank < SHOWN { format!("c{}", rank + 1) } else { "rest".into() }
}
