//! One page that shows a run: no script, nothing loaded from anywhere.

use std::fmt;

use super::agreement::Agreement;
use super::axis::Unit;
use super::confusion::Confusion;
use super::document::Document;
use super::figures::{bytes, counted, duration, grouped, percent, plain, rate};
use super::gallery::{Gallery, Mistake};
use super::html::Text;
use super::layers_table::{LayersTable, table};
use super::line_chart::{LineChart, Series, smoothed};
use super::memory_chart::MemoryChart;
use super::memory_trace::MemoryTrace;
use super::step_time::{StepTable, StepTime};
use crate::device::Usage;
use crate::train::diagnosis::Diagnosis;
use crate::train::event::{Done, Epoch, Start, Target};
use crate::train::score::Score;

/// Everything the page shows; [`Display`](fmt::Display) writes the HTML.
#[derive(Debug, Clone)]
pub struct Page {
    /// What was run.
    pub start: Start,
    /// How it ended.
    pub done: Done,
    /// Every option of the run, name and value.
    pub options: Vec<(String, String)>,
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
    /// The loss of every step, in order.
    pub step_losses: Vec<f64>,
    /// How far the test samples are from what was said of them.
    pub errors: Errors,
    /// What went on in the layers in the last step of the last epoch, where it was watched.
    pub diagnosis: Option<Diagnosis>,
    /// Device memory over one step, where it was recorded.
    pub memory: Option<MemoryTrace>,
    /// Where the time of a step goes, where it was watched.
    pub time: Option<StepTime>,
    /// How busy the device was at the end of each epoch, where it tells.
    pub usages: Vec<Usage>,
}

/// How far samples are from what was said of them.
#[derive(Debug, Clone)]
pub enum Errors {
    /// Where classes are told.
    OfClasses {
        /// What samples were taken for.
        confusion: Confusion,
        /// Samples that were classified wrong.
        mistakes: Vec<Mistake>,
    },
    /// Where values are predicted.
    OfValues {
        /// The figures of each target.
        targets: Vec<Target>,
        /// The values of each target and what was predicted.
        agreements: Vec<Agreement>,
    },
}

/// The most targets whose values are drawn.
const MAX_DRAWN: usize = 8;

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Start { model, data, .. }, Done { device, dtype, seed, .. }) = (&self.start, &self.done);
        let (done, lead) = (format!("on {data}"), format!("{device}, {dtype}, seed {seed}"));
        Document { heading: (model, &done), lead, tiles: self.tiles().into(), sorts: false }.write(f, |f| {
            self.learning(f)?;
            self.errors(f)?;
            self.layers(f)?;
            self.time(f)?;
            self.memory(f)?;
            self.facts(f)
        })
    }
}

impl Page {
    fn tiles(&self) -> [(&'static str, String, String); 5] {
        let Self { done, errors, epochs, .. } = self;
        let score = match (done.test, errors) {
            (Score::Classes { accuracy }, Errors::OfClasses { confusion, .. }) => {
                let wrong = format!("{} of {} wrong", grouped(confusion.wrong()), grouped(confusion.samples()));
                ("Test accuracy", percent(accuracy), wrong)
            }
            (Score::Classes { accuracy }, _) => ("Test accuracy", percent(accuracy), String::new()),
            (Score::Values { r2, mae }, _) => ("Test R²", plain(r2), format!("mean absolute error {}", plain(mae))),
        };
        let fastest = epochs.iter().map(|epoch| epoch.samples_per_second).fold(done.samples_per_second, f64::max);
        let predicted = self.memory.as_ref().and_then(|memory| memory.predicted_peak);
        [
            score,
            ("Test loss", plain(done.test_loss), format!("{} in training", plain(done.train_loss))),
            (
                "Training time",
                duration(done.seconds),
                format!("{}, {}", counted(done.epochs, "epoch"), counted(done.steps, "step")),
            ),
            ("Samples per second", rate(done.samples_per_second), format!("{} at best", rate(fastest))),
            (
                "Peak memory",
                bytes(done.peak_bytes as u64),
                predicted.map_or_else(String::new, |predicted| format!("{} predicted", bytes(predicted))),
            ),
        ]
    }

    fn learning(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let curve = |name, class, value: fn(&Epoch) -> f64| {
            let values = self.epochs.iter().map(value).collect();
            Series { name, class, faint: false, values }
        };
        let by_epoch = |title, unit, series| LineChart { title, x_name: "epoch", unit, width: 530.0, series };
        let loss = [curve("train", "c1", |epoch| epoch.train_loss), curve("test", "c2", |epoch| epoch.test_loss)];
        let (title, unit) = match self.done.test {
            Score::Classes { .. } => ("Accuracy", Unit::Share),
            Score::Values { .. } => ("R²", Unit::Number),
        };
        let score = [curve("train", "c1", |epoch| first(epoch.train)), curve("test", "c2", |epoch| first(epoch.test))];
        f.write_str("<section>\n<h2>Learning</h2>\n<div class=\"pair\">\n")?;
        writeln!(f, "{}", by_epoch("Loss", Unit::Loss, loss.into()))?;
        write!(f, "{}\n</div>\n", by_epoch(title, unit, score.into()))?;
        let steps = vec![
            Series { name: "each batch", class: "c1", faint: true, values: self.step_losses.clone() },
            Series { name: "smoothed", class: "c1", faint: false, values: smoothed(&self.step_losses) },
        ];
        let steps =
            LineChart { title: "Loss of every step", x_name: "step", unit: Unit::Loss, width: 1080.0, series: steps };
        write!(f, "{steps}\n</section>\n")
    }

    fn errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<section>\n<h2>Right and wrong</h2>\n<div class=\"pair\">\n")?;
        match &self.errors {
            Errors::OfClasses { confusion, mistakes } => {
                write!(f, "<div class=\"card\">\n<h3>Confusion</h3>\n{confusion}\n</div>\n")?;
                write!(f, "<div class=\"card\">\n<h3>Mistakes</h3>\n{}\n</div>\n", Gallery(mistakes))?;
            }
            Errors::OfValues { targets, agreements } => {
                let head = ["target", "R²", "mean absolute error", "root mean squared error"];
                let row =
                    |target: &Target| [target.name.clone(), plain(target.r2), plain(target.mae), plain(target.rmse)];
                table(f, "Test samples", head, targets.iter().map(row))?;
                agreements.iter().take(MAX_DRAWN).try_for_each(|agreement| writeln!(f, "{agreement}"))?;
            }
        }
        f.write_str("</div>\n</section>\n")
    }

    fn layers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(diagnosis) = &self.diagnosis else { return Ok(()) };
        f.write_str("<section>\n<h2>Layers</h2>\n<div class=\"pair\">\n")?;
        writeln!(f, "{}</div>", LayersTable(diagnosis))?;
        f.write_str("<p class=\"note\">In the last step of the last epoch.</p>\n</section>\n")
    }

    fn time(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<section>\n<h2>Time</h2>\n")?;
        if let Some(time) = &self.time {
            writeln!(f, "{time}")?;
        }
        f.write_str("<div class=\"pair\">\n")?;
        if let Some(time) = &self.time {
            writeln!(f, "{}", StepTable(time))?;
        }
        let curve = |name, class, values| Series { name, class, faint: false, values };
        let by_epoch = |title, unit, series| LineChart { title, x_name: "epoch", unit, width: 530.0, series };
        let rates = self.epochs.iter().map(|epoch| epoch.samples_per_second).collect();
        writeln!(f, "{}", by_epoch("Samples per second", Unit::Number, vec![curve("training", "c1", rates)]))?;
        if let Some(last) = self.usages.last() {
            let of = |value: fn(&Usage) -> f64| self.usages.iter().map(value).collect();
            let busy = [
                curve("computing", "c1", of(|usage| usage.busy)),
                curve("memory", "c2", of(|usage| usage.memory_busy)),
            ];
            writeln!(f, "{}", by_epoch("Device busy", Unit::Share, busy.into()))?;
            let text = format!("The device drew {:.0} W at {:.0} °C in the end.", last.watts, last.celsius);
            writeln!(f, "<p class=\"note\">{text}</p>")?;
        }
        f.write_str("</div>\n</section>\n")
    }

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(trace) = &self.memory else { return Ok(()) };
        let Done { live_bytes_before_step: before, live_bytes_after_step: after, .. } = self.done;
        let [before, after] = [before, after].map(|count| grouped(count as u64));
        write!(f, "<section>\n<h2>Memory</h2>\n{}\n", MemoryChart(trace))?;
        write!(f, "<p class=\"note\">{before} bytes alive before the last step, {after} after it.</p>\n</section>\n")
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Start { parameters, train_samples, test_samples, .. } = self.start;
        let [parameters, train, test] = [parameters, train_samples, test_samples].map(|count| grouped(count as u64));
        let known = [
            ("device", self.done.device.clone()),
            ("element type", self.done.dtype.clone()),
            ("model", self.start.model.clone()),
            ("parameters", parameters),
            ("training samples", train),
            ("test samples", test),
            ("weights", self.done.model.display().to_string()),
        ];
        f.write_str("<section>\n<h2>Run</h2>\n<div class=\"pair facts\">\n")?;
        rows("What ran", known.iter().map(|(name, value)| (*name, value.as_str())), f)?;
        rows("Options", self.options.iter().map(|(name, value)| (name.as_str(), value.as_str())), f)?;
        f.write_str("</div>\n</section>\n")
    }
}

/// The figure of a score that a curve is drawn of.
fn first(score: Score) -> f64 {
    match score {
        Score::Classes { accuracy } => accuracy,
        Score::Values { r2, .. } => r2,
    }
}

fn rows<'a>(caption: &str, rows: impl Iterator<Item = (&'a str, &'a str)>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "<div class=\"card scroll\"><table><caption>{caption}</caption><tbody>")?;
    for (name, value) in rows {
        write!(f, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Text(name), Text(value))?;
    }
    f.write_str("</tbody></table></div>\n")
}

#[cfg(test)]
mod tests;
