//! Seconds for one run, from many bursts.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Operation, Result, Seen};

/// What a burst takes at least: long enough for the clock.
const BURST: f64 = 50e-6;
const FEWEST: usize = 3;

/// Seconds for one run, of each burst within `budget`.
pub fn time(operation: &mut Operation, synchronize: &dyn Fn() -> Result<()>, budget: Duration) -> Result<Vec<f64>> {
    let mut burst = |runs: u32| -> Result<f64> {
        let start = Instant::now();
        for _ in 0..runs {
            operation(&mut Seen::nothing())?;
        }
        synchronize()?;
        Ok(start.elapsed().as_secs_f64() / f64::from(runs))
    };
    let warm_up = Instant::now();
    let mut fastest = f64::INFINITY;
    for nth in 0..5 {
        // What takes long is warm after two.
        if nth < 2 || warm_up.elapsed() < budget {
            fastest = fastest.min(burst(1)?);
        }
    }
    let runs = (BURST / fastest).ceil().clamp(1.0, 1000.0) as u32;
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < FEWEST || start.elapsed() < budget {
        times.push(burst(runs)?);
    }
    Ok(times)
}

/// The fastest, the median, and the first and last tenth.
pub fn summary(name: &str, mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    json!({
        "name": name, "bursts": times.len(), "minimum": times[0], "tenth": at(0.1), "median": at(0.5), "ninetieth": at(0.9),
    })
}
