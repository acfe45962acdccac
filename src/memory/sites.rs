//! Which lines of a program allocate: on demand, for a trace of the stack costs microseconds.

use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::fmt;

use super::book::BufferRecord;
use super::ledger::Ledger;

/// Remembers where every buffer is allocated, while it lives.
#[must_use = "sites are remembered until this is dropped"]
pub struct Sites(Ledger);

/// The traces that are remembered, by the number of the buffer; about 2 KiB each.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// How many ask for them.
    pub watchers: usize,
    traces: HashMap<u64, Backtrace>,
}

impl Ledger {
    /// Remembers from now on where buffers are allocated.
    pub fn record_sites(&self) -> Sites {
        self.0.state().traces.watchers += 1;
        Sites(self.clone())
    }
}

impl Sites {
    /// The calls that led to a buffer, innermost first, from the first that is not of this library on; none for a buffer
    /// allocated before. Names of functions, and lines where the program has debug information.
    pub fn of(&self, buffer: &BufferRecord) -> Option<Vec<String>> {
        let text = self.0.0.state().traces.traces.get(&buffer.id)?.to_string();
        Some(frames(&text))
    }
}

impl Traces {
    /// Takes a trace if anybody asks for it.
    pub fn trace(&self) -> Option<Backtrace> {
        (self.watchers > 0).then(Backtrace::force_capture)
    }

    pub fn keep(&mut self, buffer: u64, trace: Backtrace) {
        self.traces.insert(buffer, trace);
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        let mut state = self.0.0.state();
        state.traces.watchers -= 1;
        if state.traces.watchers == 0 {
            state.traces.traces = HashMap::new();
        }
    }
}

impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sites({:?})", self.0)
    }
}

/// The frames of a trace as its text lists them: a number and a function, and on the next line where there is one its place.
fn frames(text: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        match (line.strip_prefix("at "), line.split_once(": ")) {
            (Some(place), _) => {
                if let Some(frame) = frames.last_mut() {
                    *frame += &format!(" at {place}");
                }
            }
            (None, Some((number, function))) if number.bytes().all(|digit| digit.is_ascii_digit()) => {
                frames.push(function.to_owned());
            }
            _ => {}
        }
    }
    let is_ours =
        |frame: &str| ["rectify::", "<rectify::", "std::backtrace"].iter().any(|start| frame.starts_with(start));
    let last = frames.iter().rposition(|frame| is_ours(frame));
    // What runs before and after a program's own functions says nothing.
    let runtime =
        ["std::", "<std::", "core::", "<core::", "<alloc::", "test::", "__libc", "_start", "start_thread", "clone"];
    let outside = frames.split_off(last.map_or(0, |last| last + 1));
    outside
        .into_iter()
        .filter(|frame| frame != "main" && !runtime.iter().any(|start| frame.starts_with(start)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_program_are_left() {
        let text = "   0: std::backtrace::Backtrace::force_capture\n   1: rectify::memory::shared::Shared::allocate\n             at \
                    ./src/memory/shared.rs:74:9\n   2: <rectify::tensor::Tensor>::zeros\n   3: mine::model\n             at \
                    ./mine.rs:7:5\n   4: mine::main\n   5: core::ops::function::FnOnce::call_once\n   6: main\n   7: _start\n";
        assert_eq!(frames(text), ["mine::model at ./mine.rs:7:5", "mine::main"]);
    }
}
