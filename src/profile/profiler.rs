//! Watching the steps of a program.

use std::collections::HashMap;

use super::ceilings::Ceilings;
use super::rows::{Grouping, Row, rows};
use crate::device::{Call, Device, Lane, Mark, Recording, Span};
use crate::error::Result;
use crate::memory::{self, BufferRecord, Event};
use crate::report::MemoryTrace;

/// Which steps are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Steps at first that nothing is written down of.
    pub wait: usize,
    /// Steps after these that are written down and thrown away: what is made once is made then.
    pub warm_up: usize,
    /// Steps after these that are kept.
    pub active: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { wait: 1, warm_up: 2, active: 5 }
    }
}

/// Watches a program that tells it where a step ends. What a step computes stays the same to the bit.
#[derive(Debug)]
pub struct Profiler {
    device: Device,
    schedule: Schedule,
    done: usize,
    recording: Option<Recording>,
    memory: Option<memory::Recording>,
    /// The beginning of the step under way, where it is kept.
    begin: Option<Moment>,
    /// Beginnings and ends of the steps kept.
    ends: Vec<(Moment, Moment)>,
    calls: Vec<Call>,
    spans: Vec<Span>,
    dropped: u64,
    alive: Vec<BufferRecord>,
    events: Vec<Event>,
}

/// A moment in the work of a device and in the history of its memory.
#[derive(Debug)]
struct Moment {
    mark: Mark,
    sequence: u64,
}

/// What the steps kept were like.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The device, as on the command line.
    pub device: String,
    /// What the device is made of.
    pub hardware: String,
    /// How many steps were kept.
    pub steps: usize,
    /// Every call in them, in order.
    pub calls: Vec<Call>,
    /// When each step began and how long it took, in the device's own time.
    pub spans: Vec<Span>,
    /// Calls that were not kept: there were too many.
    pub dropped: u64,
    /// The buffers that were alive before the first step, oldest first.
    pub alive: Vec<BufferRecord>,
    /// The most bytes that were alive from the first step to the end of the last: the ledger's own peak over this time.
    pub peak_bytes: u64,
    /// Bytes taken from the device in the end: what its buffers do not use of them is cached, or lost to rounding.
    pub reserved_bytes: usize,
    /// What the ledger saw of each step, in order.
    pub events: Vec<Vec<Event>>,
}

impl Profiler {
    /// One that has seen no step yet.
    ///
    /// # Errors
    /// The device failed, or its calls are recorded by somebody else.
    pub fn new(device: &Device, schedule: Schedule) -> Result<Self> {
        let mut profiler = Self {
            device: device.clone(),
            schedule,
            done: 0,
            recording: None,
            memory: None,
            begin: None,
            ends: Vec::new(),
            calls: Vec::new(),
            spans: Vec::new(),
            dropped: 0,
            alive: Vec::new(),
            events: Vec::new(),
        };
        profiler.arrive()?;
        Ok(profiler)
    }

    /// Says that a step ended.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn step(&mut self) -> Result<()> {
        self.done += 1;
        self.arrive()
    }

    /// Says that what was done since the last step ended belongs to no step: a test, a checkpoint.
    ///
    /// # Errors
    /// The device failed.
    pub fn restart_step(&mut self) -> Result<()> {
        if self.begin.is_some() {
            self.begin = Some(self.moment()?);
        }
        Ok(())
    }

    /// Does what there is to do between two steps.
    fn arrive(&mut self) -> Result<()> {
        let Schedule { wait, warm_up, .. } = self.schedule;
        if self.done == wait && !self.is_over() {
            self.recording = Some(self.device.record()?);
        }
        let first = wait + warm_up;
        if self.recording.is_some() && self.done >= first {
            if self.done == first {
                self.start()?;
            }
            if let Some(begin) = self.begin.take() {
                self.ends.push((begin, self.moment()?));
            }
            self.begin = Some(self.moment()?);
        }
        if self.is_over() { self.stop() } else { Ok(()) }
    }

    /// Keeps what is seen from here on.
    fn start(&mut self) -> Result<()> {
        self.recording.as_ref().map_or(Ok(Vec::new()), Recording::take)?;
        self.memory = Some(self.device.ledger().record());
        self.alive = self.device.ledger().live_buffers();
        Ok(())
    }

    fn moment(&self) -> Result<Moment> {
        let mark = self.device.backend().mark(Lane::Compute)?;
        Ok(Moment { mark, sequence: self.device.ledger().sequence() })
    }

    /// Whether all steps of the schedule were seen.
    pub fn is_over(&self) -> bool {
        let Schedule { wait, warm_up, active } = self.schedule;
        self.done >= wait + warm_up + active
    }

    /// What was seen so far.
    ///
    /// # Errors
    /// The device failed.
    pub fn finish(mut self) -> Result<Profile> {
        self.stop()?;
        let Self { device, calls, spans, dropped, alive, ends, events, .. } = self;
        let steps = spans.len();
        let within = |(begin, end): &(Moment, Moment)| {
            let step = |event: &&Event| event.sequence > begin.sequence && event.sequence <= end.sequence;
            events.iter().filter(step).copied().collect()
        };
        let last = ends.last().map_or(0, |(_, end)| end.sequence);
        let until = events.partition_point(|event| event.sequence <= last);
        Ok(Profile {
            device: device.name(),
            hardware: device.hardware(),
            steps,
            calls,
            spans,
            dropped,
            peak_bytes: MemoryTrace::new(&alive, &events[..until]).peak(),
            reserved_bytes: device.ledger().reserved_bytes(),
            events: ends.iter().map(within).collect(),
            alive,
        })
    }

    fn stop(&mut self) -> Result<()> {
        let Some(recording) = self.recording.take() else { return Ok(()) };
        self.calls = recording.take()?;
        self.dropped = recording.dropped();
        self.events = self.memory.take().map_or_else(Vec::new, |memory| memory.events());
        let span = |(begin, end): &(Moment, Moment)| {
            let start = recording.seconds_at(&begin.mark)?;
            Ok(Span { start, seconds: recording.seconds_at(&end.mark)? - start })
        };
        let spans: Vec<Span> = self.ends.iter().map(span).collect::<Result<_>>()?;
        // What was called outside of any step belongs to none.
        let is_within = |call: &Call| spans.iter().any(|span| (span.start..span.end()).contains(&call.device.start));
        self.calls.retain(is_within);
        self.spans = spans;
        Ok(())
    }
}

impl Profile {
    /// Calls brought together, those with most time above their floors first.
    pub fn rows(&self, ceilings: &Ceilings, grouping: Grouping) -> Vec<Row> {
        rows(&self.calls, ceilings, grouping)
    }

    /// Seconds of a step, on average.
    pub fn step_seconds(&self) -> f64 {
        self.spans.iter().map(|span| span.seconds).sum::<f64>() / self.steps.max(1) as f64
    }

    /// Seconds of a step by the scope that operations were called in, on average, in the order of the first call of each; what is
    /// copied ahead is left out.
    pub fn seconds_by_scope(&self) -> Vec<(String, f64)> {
        let (mut parts, mut places): (Vec<(String, f64)>, _) = (Vec::new(), HashMap::new());
        for call in self.calls.iter().filter(|call| call.lane == Lane::Compute) {
            let place = *places.entry(call.label).or_insert_with(|| {
                let path = call.label.path();
                parts.push((if path.is_empty() { "elsewhere".into() } else { path }, 0.0));
                parts.len() - 1
            });
            parts[place].1 += call.device.seconds / self.steps.max(1) as f64;
        }
        parts
    }

    /// Seconds of a step in which its lane of computing had something to do, on average.
    pub fn busy_seconds(&self) -> f64 {
        let computing = self.calls.iter().filter(|call| call.lane == Lane::Compute);
        computing.map(|call| call.device.seconds).sum::<f64>() / self.steps.max(1) as f64
    }

    /// The rest: what the host did between operations.
    pub fn idle_seconds(&self) -> f64 {
        (self.step_seconds() - self.busy_seconds()).max(0.0)
    }

    /// Who held memory when in the first step that was kept.
    pub fn memory(&self) -> MemoryTrace {
        let events = self.events.first().map_or(&[][..], Vec::as_slice);
        MemoryTrace::new(&self.alive, events)
    }
}
