//! Times workloads on request, for a comparison in turns: reads lines `name seconds` from standard input and answers each
//! with one JSON object, times in seconds for one run. `--list` names them. `benches/pytorch.py` asks.

mod workloads;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::{Duration, Instant};

use workloads::Operation;

fn main() -> Result<(), Box<dyn Error>> {
    let all = workloads::all();
    if std::env::args().any(|argument| argument == "--list") {
        all.iter().try_for_each(|workload| writeln!(stdout(), "{}", workload.name))?;
        return Ok(());
    }
    for line in stdin().lock().lines() {
        let line = line?;
        let Some((name, seconds)) = line.split_once(' ') else {
            return Err(format!("'{line}' is not 'name seconds'").into());
        };
        let workload = all.iter().find(|workload| workload.name == name).ok_or(format!("no workload '{name}'"))?;
        let mut operation = (workload.prepare)()?;
        let mut times = time(&mut operation, Duration::from_secs_f64(seconds.parse()?))?;
        drop(operation);
        times.sort_by(f64::total_cmp);
        let answer = serde_json::json!({ "name": name, "minimum": times[0], "median": times[times.len() / 2] });
        writeln!(stdout(), "{answer}")?;
        stdout().flush()?;
    }
    Ok(())
}

/// Seconds for one run, for many bursts within `budget`. A burst is long enough for the clock.
fn time(operation: &mut Operation, budget: Duration) -> Result<Vec<f64>, Box<dyn Error>> {
    const BURST: f64 = 50e-6;
    let mut burst = |runs: u32| -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        for _ in 0..runs {
            operation()?;
        }
        workloads::device().synchronize()?;
        Ok(start.elapsed().as_secs_f64() / f64::from(runs))
    };
    let mut fastest = f64::INFINITY;
    for _ in 0..5 {
        fastest = fastest.min(burst(1)?);
    }
    let runs = (BURST / fastest).ceil().clamp(1.0, 1000.0) as u32;
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || start.elapsed() < budget {
        times.push(burst(runs)?);
    }
    Ok(times)
}
