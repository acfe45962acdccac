//! Calls brought together.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::ceilings::Ceilings;
use crate::device::{Call, Work};

/// Calls of one kind together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The layer or other scope they were called for.
    pub label: String,
    /// The operation and its formula.
    pub operation: String,
    /// The type of the results' elements.
    pub dtype: String,
    /// The sizes of the results; of products batch, m, k and n.
    pub sizes: String,
    /// How many calls.
    pub calls: u64,
    /// What there was to do in all.
    #[serde(flatten)]
    pub work: Work,
    /// Seconds that the device took.
    pub seconds: f64,
    /// Seconds that the caller took.
    pub host_seconds: f64,
    /// The least seconds it could have taken.
    pub floor_seconds: f64,
    /// What sets that floor: of several calls, what sets most of it.
    pub bound: Bound,
}

/// What keeps an operation from being faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Bytes to move.
    Memory,
    /// Operations to compute.
    Compute,
    /// Any operation takes that long.
    Launch,
}

/// Which calls belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The same operation on the same sizes for the same scope.
    Call,
    /// What is done for a scope: a layer or its gradient.
    Scope,
    /// The same operation, wherever.
    Operation,
}

impl Bound {
    /// As a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Compute => "compute",
            Self::Launch => "launch",
        }
    }
}

impl Row {
    /// Bytes moved in a second.
    pub fn bytes_per_second(&self) -> f64 {
        self.work.bytes() as f64 / self.seconds
    }

    /// Floating point operations in a second.
    pub fn flops_per_second(&self) -> f64 {
        self.work.flops as f64 / self.seconds
    }

    /// Seconds beyond the least there could be.
    pub fn above_floor(&self) -> f64 {
        (self.seconds - self.floor_seconds).max(0.0)
    }

    /// The least time as a share of that taken: 1 is the hardware's limit.
    pub fn efficiency(&self) -> f64 {
        self.floor_seconds / self.seconds
    }
}

/// Brings calls together, those with most time above their floors first.
pub fn rows(calls: &[Call], ceilings: &Ceilings, grouping: Grouping) -> Vec<Row> {
    let mut places = HashMap::new();
    let mut rows: Vec<(Row, [f64; 3])> = Vec::new();
    for call in calls {
        let key = match grouping {
            Grouping::Call => (call.label.path(), call.name(), call.dtype.to_string(), sizes(call)),
            Grouping::Scope => (call.label.path(), String::new(), String::new(), String::new()),
            Grouping::Operation => (String::new(), call.name(), call.dtype.to_string(), String::new()),
        };
        let place = *places.entry(key.clone()).or_insert_with(|| {
            rows.push((Row::empty(key), [0.0; 3]));
            rows.len() - 1
        });
        let (bound, floor) = ceilings.floor(call);
        let (row, floors) = &mut rows[place];
        row.add(call, floor);
        floors[bound as usize] += floor;
        row.bound = largest(*floors);
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    rows.sort_by(|a, b| b.above_floor().total_cmp(&a.above_floor()).then_with(|| b.seconds.total_cmp(&a.seconds)));
    rows
}

impl Row {
    /// Both together, under the name of the first.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.calls = self.calls.max(other.calls);
        self.work += other.work;
        self.seconds += other.seconds;
        self.host_seconds += other.host_seconds;
        self.bound = if other.floor_seconds > self.floor_seconds { other.bound } else { self.bound };
        self.floor_seconds += other.floor_seconds;
        self
    }

    fn empty((label, operation, dtype, sizes): (String, String, String, String)) -> Self {
        let (work, bound) = (Work::default(), Bound::Memory);
        let [seconds, host_seconds, floor_seconds] = [0.0; 3];
        Self { label, operation, dtype, sizes, calls: 0, work, seconds, host_seconds, floor_seconds, bound }
    }

    fn add(&mut self, call: &Call, floor: f64) {
        self.calls += 1;
        self.work += call.work;
        self.seconds += call.device.seconds;
        self.host_seconds += call.host.seconds;
        self.floor_seconds += floor;
    }
}

fn largest(floors: [f64; 3]) -> Bound {
    let [memory, compute, launch] = floors;
    if launch > memory.max(compute) {
        Bound::Launch
    } else if compute > memory {
        Bound::Compute
    } else {
        Bound::Memory
    }
}

fn sizes(call: &Call) -> String {
    call.sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
