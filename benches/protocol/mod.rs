//! How a side of the comparison is asked, the same for rectify and for the peers of `benches/compare/peers`.
//!
//! `--list` prints the names of what is timed. `--run NAME COUNT` runs one so often and says what came of it, as a program that
//! does nothing else would. Otherwise each line of standard input is answered with one JSON object: `NAME SECONDS` times runs for
//! about so long, `check NAME` runs once on fresh inputs and shows the results. What a side does not have, it says with the reason.

pub mod inputs;
mod seen;
mod timing;

use std::io::{BufRead, Write, stdin, stdout};
use std::time::Duration;

use serde_json::{Value, json};

pub use seen::Seen;

/// Any failure, to be said.
pub type Error = Box<dyn std::error::Error>;
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One run of what is timed. What it computed goes to whoever looks, and is dropped otherwise.
pub type Operation = Box<dyn FnMut(&mut Seen) -> Result<()>>;

/// Answers until the input ends. `prepare` makes the inputs of what has a name; `synchronize` waits until the device is done.
pub fn serve(
    names: &[String],
    prepare: &dyn Fn(&str) -> Result<Operation>,
    synchronize: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [list] if list == "--list" => names.iter().try_for_each(|name| Ok(writeln!(stdout(), "{name}")?)),
        [run, name, count] if run == "--run" => answer(&results(name, prepare, count.parse()?)?),
        _ => answer_lines(prepare, synchronize),
    }
}

fn answer_lines(prepare: &dyn Fn(&str) -> Result<Operation>, synchronize: &dyn Fn() -> Result<()>) -> Result<()> {
    // What is asked for in several rounds is prepared once.
    let mut prepared: Option<(String, Operation)> = None;
    for line in stdin().lock().lines() {
        let line = line?;
        let Some((first, second)) = line.split_once(' ') else {
            return Err(format!("'{line}' is neither 'NAME SECONDS' nor 'check NAME'").into());
        };
        let name = if first == "check" { second } else { first };
        if first == "check" || prepared.as_ref().is_some_and(|(before, _)| before != name) {
            prepared = None;
        }
        let given = if first == "check" {
            results(name, prepare, 1)
        } else {
            timed(name, &mut prepared, prepare, synchronize, Duration::from_secs_f64(second.parse()?))
        };
        answer(&given.unwrap_or_else(|error| json!({ "name": name, "absent": error.to_string() })))?;
    }
    Ok(())
}

fn timed(
    name: &str,
    prepared: &mut Option<(String, Operation)>,
    prepare: &dyn Fn(&str) -> Result<Operation>,
    synchronize: &dyn Fn() -> Result<()>,
    budget: Duration,
) -> Result<Value> {
    let (_, operation) = match prepared {
        Some(prepared) => prepared,
        None => prepared.insert((name.to_owned(), prepare(name)?)),
    };
    Ok(timing::summary(name, timing::time(operation, synchronize, budget)?))
}

/// What the last of `count` runs on fresh inputs computes.
fn results(name: &str, prepare: &dyn Fn(&str) -> Result<Operation>, count: usize) -> Result<Value> {
    let mut operation = prepare(name)?;
    for _ in 1..count {
        operation(&mut Seen::nothing())?;
    }
    let mut seen = Seen::everything();
    operation(&mut seen)?;
    Ok(json!({ "name": name, "results": seen.summaries() }))
}

fn answer(answer: &Value) -> Result<()> {
    writeln!(stdout(), "{answer}")?;
    Ok(stdout().flush()?)
}
