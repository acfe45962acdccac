//! What is still alive when a program ends.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::ledger::Ledger;
use super::report::{Bytes, holders};
use super::shared::Shared;
use crate::lasting::Lasting;

/// Every memory there is, or was.
static MEMORIES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Says on standard error, when it is dropped, who still holds memory of any device: one line for each, with the labels of the
/// largest holders. The first thing of a `main` is dropped last.
///
/// ```
/// let _leaks = rectify::memory::ExitReport::new();
/// // .. the program ..
/// ```
#[derive(Debug)]
#[must_use = "the report is made when this is dropped"]
pub struct ExitReport(());

impl ExitReport {
    /// A report for the end of the scope it lives in.
    #[allow(clippy::new_without_default, reason = "a default value would be dropped at once")]
    pub fn new() -> Self {
        Self(())
    }
}

/// One line for each memory with living buffers.
pub fn leaks() -> Vec<String> {
    let memories = MEMORIES.lock().unwrap_or_else(PoisonError::into_inner);
    let memories: Vec<Arc<Shared>> = memories.iter().filter_map(Weak::upgrade).collect();
    memories.into_iter().filter_map(line).collect()
}

pub(super) fn remember(memory: &Arc<Shared>) {
    let mut memories = MEMORIES.lock().unwrap_or_else(PoisonError::into_inner);
    memories.retain(|memory| memory.strong_count() > 0);
    memories.push(Arc::downgrade(memory));
}

fn line(memory: Arc<Shared>) -> Option<String> {
    const NAMED: usize = 5;
    let (name, ledger) = (memory.name.clone(), Ledger(Lasting::Counted(memory)));
    let living = ledger.live_buffers();
    if living.is_empty() {
        return None;
    }
    let (count, bytes) = (living.len(), ledger.live_bytes());
    let named: Vec<_> = holders(living).into_iter().map(|(label, bytes)| format!("{label} {}", Bytes(bytes))).collect();
    let more = named.len().saturating_sub(NAMED);
    let tail = if more > 0 { format!(", and {more} labels more") } else { String::new() };
    let holders = named[..named.len() - more].join(", ");
    Some(format!("{name}: {} in buffers that are still alive ({count}): {holders}{tail}", Bytes(bytes)))
}

impl Drop for ExitReport {
    fn drop(&mut self) {
        leaks().iter().for_each(|line| eprintln!("{line}"));
    }
}
