//! What an operation computed, shown to whoever compares it.

use serde_json::{Value, json};

/// How many elements of a result are shown.
const SAMPLES: usize = 16;
/// A prime, so that the samples of a matrix are of many rows and columns.
const STRIDE: usize = 7919;

/// Results of one run, where somebody looks at them.
pub struct Seen(Option<Vec<Vec<f32>>>);

impl Seen {
    /// Nobody looks.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// Every result is kept.
    pub fn everything() -> Self {
        Self(Some(Vec::new()))
    }

    /// Gives the results, row-major, which are not fetched unless somebody looks.
    pub fn look<E>(&mut self, results: impl FnOnce() -> Result<Vec<Vec<f32>>, E>) -> Result<(), E> {
        if let Self(Some(seen)) = self {
            *seen = results()?;
        }
        Ok(())
    }

    /// For each result the number of elements, their sum, that of their absolute values, and some of them.
    pub fn summaries(&self) -> Vec<Value> {
        self.0.iter().flatten().map(|values| summary(values)).collect()
    }
}

fn summary(values: &[f32]) -> Value {
    let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
    let absolute: f64 = values.iter().map(|&value| f64::from(value).abs()).sum();
    let samples: Vec<f32> = (0..SAMPLES.min(values.len())).map(|nth| values[nth * STRIDE % values.len()]).collect();
    json!({ "count": values.len(), "sum": sum, "absolute": absolute, "samples": samples })
}
