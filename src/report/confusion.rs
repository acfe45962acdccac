//! Which class is taken for which.

use std::fmt;

use super::figures::{grouped, percent};
use super::html::Text;

/// The most classes that are drawn: more would fill screens, and files of many megabytes.
const MAX_DRAWN: usize = 100;

/// Counts of every pair of true and predicted class.
#[derive(Debug, Clone, Default)]
pub struct Confusion {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// How many samples of a class (row) were taken for each class (column); a row per class, one after the other.
    pub counts: Vec<u64>,
}

impl Confusion {
    /// Samples counted.
    pub fn samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Samples off the diagonal.
    pub fn wrong(&self) -> u64 {
        self.samples() - self.rows().enumerate().filter_map(|(truth, row)| row.get(truth)).sum::<u64>()
    }

    fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks(self.classes.len().max(1))
    }
}

/// A table, coloured as a heat map. Right and wrong have scales of their own: a few errors must show beside many hits.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.classes.len() > MAX_DRAWN {
            let classes = grouped(self.classes.len() as u64);
            return write!(f, r#"<p class="note">{classes} classes are too many to draw.</p>"#);
        }
        f.write_str(
            r#"<div class="scroll"><table class="confusion"><caption>Rows: the truth. Columns: the prediction. "#,
        )?;
        f.write_str("Colour: how many, blue where right, red where wrong.</caption><thead><tr><td></td>")?;
        self.classes.iter().try_for_each(|class| write!(f, r#"<th scope="col">{}</th>"#, Text(class)))?;
        f.write_str(r#"<th scope="col" class="recall">right</th></tr></thead><tbody>"#)?;
        let worst = self.worst();
        for (truth, row) in self.rows().take(self.classes.len()).enumerate() {
            write!(f, r#"<tr><th scope="row">{}</th>"#, Text(&self.classes[truth]))?;
            let all = row.iter().sum();
            (0..row.len()).try_for_each(|prediction| self.cell(truth, prediction, row[prediction], all, worst, f))?;
            let right = row.get(truth).map_or(0.0, |&count| share(count, all));
            write!(f, r#"<td class="recall">{}</td></tr>"#, percent(right))?;
        }
        f.write_str("</tbody></table></div>")
    }
}

impl Confusion {
    /// The largest count off the diagonal.
    fn worst(&self) -> u64 {
        let wrong = self.rows().enumerate().flat_map(|(truth, row)| {
            row.iter().enumerate().filter(move |(prediction, _)| *prediction != truth).map(|(_, &count)| count)
        });
        wrong.max().unwrap_or(0)
    }

    fn cell(
        &self,
        truth: usize,
        prediction: usize,
        count: u64,
        all: u64,
        worst: u64,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let (class, verb, share) = match truth == prediction {
            true => ("right", "recognised as", share(count, all)),
            false => ("wrong", "taken for", share(count, worst).sqrt()),
        };
        let title = format!("{} {verb} {}: {count} of {all}", self.classes[truth], self.classes[prediction]);
        let full = if share > 0.55 { " full" } else { "" };
        let text = if count == 0 { "·".to_string() } else { grouped(count) };
        write!(f, r#"<td class="{class}{full}" style="--share:{:.1}%" title="{}">"#, share * 100.0, Text(title))?;
        write!(f, "{text}</td>")
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_truth() {
        let confusion = Confusion { classes: ["cat", "dog"].map(String::from).into(), counts: vec![8, 2, 0, 5] };
        assert_eq!((confusion.samples(), confusion.wrong()), (15, 2));
        let html = confusion.to_string();
        assert!(
            html.contains("cat taken for dog: 2 of 10") && html.contains("dog recognised as dog: 5 of 5"),
            "{html}"
        );
        assert!(html.contains("80.00 %") && html.contains("100.00 %"));
    }

    #[test]
    fn no_samples_and_no_classes_draw() {
        let classes: Vec<String> = ["a", "b"].map(String::from).into();
        assert!(!Confusion { classes, counts: vec![0; 4] }.to_string().contains("NaN"));
        assert!(Confusion::default().to_string().ends_with("</div>"));
        let many = Confusion { classes: vec!["a".into(); 1000], counts: vec![1; 1_000_000] };
        assert_eq!(many.to_string(), r#"<p class="note">1,000 classes are too many to draw.</p>"#);
    }
}
