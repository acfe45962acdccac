//! Work on all processors, with results in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Does `work` on every item, on as many threads as there are processors, and calls `then` with the item's place and what
/// came of it, in the order of the items, until one fails.
pub fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut then: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let next = &AtomicUsize::new(0);
    let take = || {
        let place = next.fetch_add(1, Ordering::Relaxed);
        items.get(place).map(|item| (place, work(item)))
    };
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (sender, take) = (sender.clone(), &take);
            // It ends with the items, or when nobody listens any more.
            scope.spawn(move || while take().is_some_and(|result| sender.send(result).is_ok()) {});
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (place, result) in results {
            early.insert(place, result);
            while let Some(result) = early.remove(&due) {
                then(due, result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_end_with_a_failure() {
        let items: Vec<_> = (0..100).collect();
        let mut seen = Vec::new();
        let done: Result<(), ()> = in_order(
            &items,
            |&item| item * 2,
            |place, result| {
                seen.push((place, result));
                Ok(())
            },
        );
        assert_eq!(done, Ok(()));
        assert!(seen.into_iter().eq((0..100).map(|item| (item, item * 2))));
        let failed = in_order(&items, |&item| item, |_, item| if item == 3 { Err(item) } else { Ok(()) });
        assert_eq!(failed, Err(3));
    }
}
