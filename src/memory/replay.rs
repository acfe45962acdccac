//! The allocations of a program as a file, to run again without the program: an allocator's benchmark.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::book::{BufferRecord, Event, EventKind, shown};
use super::stream::Stream;
use super::{Buffer, Memory};
use crate::error::{Error, Result};
use crate::scope::{self, Label};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    event: EventKind,
    buffer: u64,
    bytes: usize,
    stream: usize,
    label: String,
}

/// Allocations and releases in order.
#[derive(Debug, Clone)]
pub struct Replay(Vec<Line>);

/// What a replay came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Replayed {
    /// Allocations and releases.
    pub events: usize,
    /// Seconds they took.
    pub seconds: f64,
    /// The most bytes alive at once.
    pub peak_bytes: usize,
    /// Bytes taken from the source.
    pub reserved_bytes: usize,
    /// How often it was asked for them.
    pub driver_allocations: u64,
}

/// Writes buffers that were alive at first, then events, as comma-separated values that [`Replay::read`] takes.
///
/// # Errors
/// Those of the writer.
pub fn write_csv(alive: &[BufferRecord], events: &[Event], writer: impl Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(writer);
    let alive = alive.iter().map(|buffer| (EventKind::Allocate, buffer));
    for (event, buffer) in alive.chain(events.iter().map(|event| (event.kind, &event.buffer))) {
        let (stream, label) = (buffer.stream.index(), shown(buffer.label));
        table.serialize(Line { event, buffer: buffer.id, bytes: buffer.bytes, stream, label })?;
    }
    table.flush()
}

impl Replay {
    /// Reads what [`write_csv`] wrote.
    ///
    /// # Errors
    /// A line that is not one, an allocation of a buffer that is alive, or a release of one that is not.
    pub fn read(name: &str, reader: impl Read) -> Result<Self> {
        let (mut lines, mut alive) = (Vec::new(), HashMap::new());
        for (nth, line) in csv::Reader::from_reader(reader).into_deserialize::<Line>().enumerate() {
            let refuse = |rule: String| Error::data(name, format!("line {}: {rule}", nth + 2));
            let line = line.map_err(|cause| refuse(cause.to_string()))?;
            match line.event {
                EventKind::Allocate if alive.insert(line.buffer, ()).is_some() => {
                    return Err(refuse(format!("buffer {} is allocated, and is alive already", line.buffer)));
                }
                EventKind::Release if alive.remove(&line.buffer).is_none() => {
                    return Err(refuse(format!("buffer {} is released, and is not alive", line.buffer)));
                }
                _ => lines.push(line),
            }
        }
        Ok(Self(lines))
    }

    /// How many allocations and releases there are.
    pub fn events(&self) -> usize {
        self.0.len()
    }

    /// Allocates and releases as the program did.
    ///
    /// # Errors
    /// The memory runs out.
    pub fn run(&self, memory: &Memory) -> Result<Replayed> {
        let mut streams = vec![Stream::MAIN];
        let most = self.0.iter().map(|line| line.stream).max().unwrap_or(0);
        streams.resize_with(most.min(MOST_STREAMS) + 1, || memory.stream());
        // Nothing but allocations and releases is timed.
        let steps: Vec<(&Line, Label)> = self.0.iter().map(|line| (line, label(&line.label))).collect();
        let mut alive: HashMap<u64, Buffer> = HashMap::with_capacity(self.0.len());
        let ledger = memory.ledger();
        ledger.reset_peak();
        let start = Instant::now();
        for (line, label) in steps {
            match line.event {
                EventKind::Allocate => {
                    let _scope = scope::resume(label);
                    let stream = streams[line.stream.min(MOST_STREAMS)];
                    alive.insert(line.buffer, memory.allocate(line.bytes, stream)?);
                }
                EventKind::Release => drop(alive.remove(&line.buffer)),
            }
        }
        Ok(Replayed {
            events: self.0.len(),
            seconds: start.elapsed().as_secs_f64(),
            peak_bytes: ledger.peak_bytes(),
            reserved_bytes: ledger.reserved_bytes(),
            driver_allocations: ledger.driver_allocations(),
        })
    }
}

/// More streams than any device has: what a file says of others is done on the last.
const MOST_STREAMS: usize = 63;

fn label(path: &str) -> Label {
    path.split('/').filter(|name| !name.is_empty()).fold(Label::ROOT, Label::child)
}
