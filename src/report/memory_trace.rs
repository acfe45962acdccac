//! Who held how much memory when, from the events of a ledger.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::memory::{BufferRecord, Event, EventKind};

/// The events of device memory over one training step.
#[derive(Debug, Clone, Default)]
pub struct MemoryTrace {
    /// Bytes by label that were alive before the first event: parameters, optimiser state, data.
    pub live_before: Vec<(String, u64)>,
    /// Every allocation and release of the step.
    pub events: Vec<MemoryEvent>,
    /// The peak that was computed beforehand, in bytes.
    pub predicted_peak: Option<u64>,
}

/// Memory taken or given back.
#[derive(Debug, Clone, Default)]
pub struct MemoryEvent {
    /// The ledger's sequence number.
    pub sequence: u64,
    /// Who allocated it.
    pub label: String,
    /// Bytes, negative for a release.
    pub delta: i64,
}

impl MemoryTrace {
    /// What happened to memory in which these buffers were alive at first.
    pub fn new(alive: &[BufferRecord], events: &[Event]) -> Self {
        let events = events.iter().map(|event| {
            let bytes = event.buffer.bytes as i64;
            let delta = if event.kind == EventKind::Allocate { bytes } else { -bytes };
            MemoryEvent { sequence: event.sequence, label: event.buffer.label.path(), delta }
        });
        let mut live_before: Vec<(String, u64)> = Vec::new();
        let mut places = HashMap::new();
        for buffer in alive {
            let place = *places.entry(buffer.label).or_insert_with(|| {
                live_before.push((buffer.label.path(), 0));
                live_before.len() - 1
            });
            live_before[place].1 += buffer.bytes as u64;
        }
        Self { live_before, events: events.collect(), predicted_peak: None }
    }

    /// The most bytes alive at any moment, those alive before included.
    pub fn peak(&self) -> u64 {
        let timeline = self.timeline();
        timeline.moments[timeline.peak].total
    }

    /// Every label alive at the peak with its bytes, largest first.
    pub fn at_peak(&self) -> Vec<(String, u64)> {
        self.timeline().at_peak
    }

    /// Follows every label through the events, in the order of their sequence numbers.
    pub(super) fn timeline(&self) -> Timeline {
        let mut events: Vec<_> = self.events.iter().collect();
        events.sort_by_key(|event| event.sequence);
        let start = events.first().map_or(0, |event| event.sequence.saturating_sub(1));
        let mut live = Live::default();
        self.live_before.iter().for_each(|(label, bytes)| live.add(label, signed(*bytes)));
        let first = live.moment(start, "before the step".into());
        let at_peak = self.bytes_at_peak(&events, live.clone());
        let mut shown: Vec<String> = at_peak.iter().take(Timeline::SHOWN).map(|(label, _)| label.clone()).collect();
        // What was there before lies below what comes and goes.
        shown.sort_by_key(|label| !self.live_before.iter().any(|(before, _)| before == label));
        let mut moments = vec![Moment { levels: live.levels(&shown), ..first }];
        for event in events {
            live.add(&event.label, event.delta);
            moments.push(Moment { levels: live.levels(&shown), ..live.moment(event.sequence, describe(event)) });
        }
        let peak = highest(moments.iter().map(|moment| moment.total));
        Timeline { shown, moments, peak, at_peak }
    }

    fn bytes_at_peak(&self, events: &[&MemoryEvent], mut live: Live) -> Vec<(String, u64)> {
        let mut totals = vec![live.total];
        let mut replay = live.clone();
        for event in events {
            replay.add(&event.label, event.delta);
            totals.push(replay.total);
        }
        events[..highest(totals.into_iter())].iter().for_each(|event| live.add(&event.label, event.delta));
        let mut labels: Vec<_> = live.by_label.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        labels.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        labels
    }
}

/// A trace made ready to draw.
pub(super) struct Timeline {
    /// The labels that hold most at the peak, from the ground up: those alive before the step, then the others, each largest
    /// first. What holds less is drawn as one.
    pub(super) shown: Vec<String>,
    /// The state before the first event and after each.
    pub(super) moments: Vec<Moment>,
    /// The first moment of the highest total.
    pub(super) peak: usize,
    /// Every label alive at the peak with its bytes, largest first.
    pub(super) at_peak: Vec<(String, u64)>,
}

impl Timeline {
    /// How many labels are drawn on their own.
    pub(super) const SHOWN: usize = 7;
}

/// What was alive at one moment.
#[derive(Clone)]
pub(super) struct Moment {
    pub(super) sequence: u64,
    pub(super) what: String,
    pub(super) total: u64,
    /// Bytes of each shown label, then of all others together.
    pub(super) levels: Vec<u64>,
}

#[derive(Clone, Default)]
struct Live {
    by_label: HashMap<String, u64>,
    total: u64,
}

impl Live {
    /// The most a label is taken to hold, a pebibyte: sums over labels then never overflow.
    const MOST: u64 = 1 << 50;

    /// Releases of what was never seen to be allocated stop at zero.
    fn add(&mut self, label: &str, delta: i64) {
        let bytes = self.by_label.entry(label.to_string()).or_default();
        let before = *bytes;
        *bytes = before.saturating_add_signed(delta).min(Self::MOST);
        self.total = self.total - before + *bytes;
    }

    fn levels(&self, shown: &[String]) -> Vec<u64> {
        let mut levels: Vec<_> = shown.iter().map(|label| self.by_label.get(label).copied().unwrap_or(0)).collect();
        levels.push(self.total - levels.iter().sum::<u64>());
        levels
    }

    fn moment(&self, sequence: u64, what: String) -> Moment {
        Moment { sequence, what, total: self.total, levels: Vec::new() }
    }
}

fn describe(event: &MemoryEvent) -> String {
    let sign = if event.delta < 0 { "−" } else { "+" };
    format!("{sign}{} {}", super::figures::bytes(event.delta.unsigned_abs()), event.label)
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The place of the first of the largest values.
fn highest(values: impl Iterator<Item = u64>) -> usize {
    values.enumerate().max_by_key(|&(i, value)| (value, Reverse(i))).map_or(0, |(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: u64, label: &str, delta: i64) -> MemoryEvent {
        MemoryEvent { sequence, label: label.into(), delta }
    }

    #[test]
    fn the_peak_is_found_with_its_holders() {
        let trace = MemoryTrace {
            live_before: vec![("weights".into(), 100)],
            events: vec![event(13, "b", -30), event(10, "a", 50), event(11, "b", 30), event(14, "a", -50)],
            predicted_peak: None,
        };
        let timeline = trace.timeline();
        assert_eq!(trace.peak(), 180);
        assert_eq!(timeline.moments[timeline.peak].sequence, 11);
        assert_eq!(timeline.at_peak, [("weights", 100), ("a", 50), ("b", 30)].map(|(l, b)| (l.to_string(), b)));
        let totals: Vec<_> = timeline.moments.iter().map(|moment| (moment.sequence, moment.total)).collect();
        assert_eq!(totals, [(9, 100), (10, 150), (11, 180), (13, 150), (14, 100)]);
        assert!(timeline.moments.iter().all(|moment| moment.levels.iter().sum::<u64>() == moment.total));
    }

    #[test]
    fn small_labels_are_drawn_together() {
        let events = (0..20u8).map(|i| event(u64::from(i), &format!("label{i}"), 100 + i64::from(i))).collect();
        let timeline = MemoryTrace { events, ..MemoryTrace::default() }.timeline();
        assert_eq!(timeline.shown.len(), Timeline::SHOWN);
        assert_eq!(timeline.shown[0], "label19");
        let last = timeline.moments.last().unwrap();
        assert_eq!((last.levels.len(), last.levels.iter().sum::<u64>()), (Timeline::SHOWN + 1, last.total));
    }

    #[test]
    fn odd_ledgers_do_not_overflow() {
        let events = vec![event(0, "a", -5), event(0, "a", i64::MIN), event(1, "a", i64::MAX), event(u64::MAX, "b", 7)];
        let trace = MemoryTrace { live_before: vec![("c".into(), u64::MAX)], events, predicted_peak: Some(0) };
        assert_eq!(trace.peak(), 2 * Live::MOST + 7);
        assert!(trace.timeline().moments.iter().all(|moment| moment.levels.iter().sum::<u64>() == moment.total));
        assert_eq!(MemoryTrace::default().peak(), 0);
    }
}
