//! Watching the steps of a program.

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
    /// The ends of the steps kept, and the beginning of the first.
    marks: Vec<Mark>,
    calls: Vec<Call>,
    spans: Vec<Span>,
    dropped: u64,
    alive: Vec<BufferRecord>,
    /// The ledger's sequence numbers at the marks.
    sequences: Vec<u64>,
    events: Vec<Event>,
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
            marks: Vec::new(),
            calls: Vec::new(),
            spans: Vec::new(),
            dropped: 0,
            alive: Vec::new(),
            sequences: Vec::new(),
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

    /// Does what there is to do between two steps.
    fn arrive(&mut self) -> Result<()> {
        let Schedule { wait, warm_up, .. } = self.schedule;
        if self.done == wait && !self.is_over() {
            self.recording = Some(self.device.record()?);
        }
        if let Some(recording) = &self.recording {
            if self.done == wait + warm_up {
                recording.take()?;
                self.memory = Some(self.device.ledger().record());
                self.alive = self.device.ledger().live_buffers();
            }
            if self.done >= wait + warm_up {
                self.marks.push(self.device.backend().mark(Lane::Compute)?);
                self.sequences.push(self.device.ledger().sequence());
            }
        }
        if self.is_over() { self.stop() } else { Ok(()) }
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
        let Self { device, calls, spans, dropped, alive, sequences, events, .. } = self;
        let reserved_bytes = device.ledger().reserved_bytes();
        let (device, hardware) = (device.name(), device.hardware());
        let within = |ends: &[u64]| {
            let (after, until) = (ends[0], ends[1]);
            events.iter().filter(|event| event.sequence > after && event.sequence <= until).copied().collect()
        };
        let events = sequences.windows(2).map(within).collect();
        let steps = spans.len();
        Ok(Profile { device, hardware, steps, calls, spans, dropped, alive, reserved_bytes, events })
    }

    fn stop(&mut self) -> Result<()> {
        let Some(recording) = self.recording.take() else { return Ok(()) };
        self.calls = recording.take()?;
        self.dropped = recording.dropped();
        self.events = self.memory.take().map_or_else(Vec::new, |memory| memory.events());
        let times: Vec<f64> = self.marks.iter().map(|mark| recording.seconds_at(mark)).collect::<Result<_>>()?;
        self.spans = times.windows(2).map(|ends| Span { start: ends[0], seconds: ends[1] - ends[0] }).collect();
        // What was called after the last step that ended belongs to none.
        let end = times.last().copied().unwrap_or(0.0);
        self.calls.retain(|call| call.device.start < end);
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

    /// The most bytes that were alive in any step: the ledger's own peak over the same time.
    pub fn peak_bytes(&self) -> u64 {
        MemoryTrace::new(&self.alive, &self.events.concat()).peak()
    }
}
