//! A million random events against a model that cannot be wrong: a list of handles.

use std::collections::{BTreeMap, HashMap};
use std::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use rectify::memory::{Buffer, Ledger, Memory, Options, Stream};
use rectify::scope;

use super::device::{Device, Random};
use super::order::Released;

const EVENTS: usize = if cfg!(miri) { 2_000 } else { 1_000_000 };
const LABELS: [&str; 4] = ["stress/input", "stress/weights", "stress/activation", "stress/gradient"];

/// Allocates a random buffer and writes its id at both ends: whoever overlaps it destroys one of them.
fn allocate(memory: &Memory, streams: &[Stream], random: &mut Random) -> Arc<Buffer> {
    let _scope = scope::enter(LABELS[random.below(LABELS.len())]);
    let buffer = memory.allocate(random.bytes(), streams[random.below(streams.len())]).unwrap();
    for address in ends(&buffer) {
        // SAFETY: the eight bytes lie in the buffer, which nobody else has seen yet.
        unsafe { with_exposed_provenance_mut::<u64>(address).write_unaligned(buffer.id()) };
    }
    Arc::new(buffer)
}

fn assert_untouched(buffer: &Buffer) {
    for address in ends(buffer) {
        // SAFETY: the eight bytes lie in the living buffer and were written at its allocation.
        let found = unsafe { with_exposed_provenance::<u64>(address).read_unaligned() };
        assert_eq!(found, buffer.id(), "{buffer:?} was overwritten");
    }
}

fn ends(buffer: &Buffer) -> impl Iterator<Item = usize> + use<> {
    let (start, bytes) = (buffer.address() as usize, buffer.bytes());
    [start, (start + bytes).saturating_sub(8)].into_iter().filter(move |_| bytes >= 16)
}

/// Holds the ledger and every address against the handles that exist.
fn assert_agrees<'a>(ledger: &Ledger, handles: impl Iterator<Item = &'a Arc<Buffer>>) {
    let alive: HashMap<u64, &Arc<Buffer>> = handles.map(|buffer| (buffer.id(), buffer)).collect();
    let bytes: usize = alive.values().map(|buffer| buffer.bytes()).sum();
    assert_eq!((ledger.live_bytes(), ledger.live_count()), (bytes, alive.len()));
    let records = ledger.live_buffers();
    assert_eq!(records.len(), alive.len());
    for record in &records {
        let buffer = alive[&record.id];
        assert_eq!((record.bytes, record.label, record.place), (buffer.bytes(), buffer.label(), buffer.place()));
    }
    let ranges: BTreeMap<u64, usize> =
        alive.values().filter(|buffer| buffer.bytes() > 0).map(|buffer| (buffer.address(), buffer.bytes())).collect();
    let overlap = ranges.iter().zip(ranges.iter().skip(1)).find(|((a, bytes), (b, _))| *a + **bytes as u64 > **b);
    assert_eq!(overlap, None, "two living buffers overlap");
    let by_label = ledger.by_label();
    assert_eq!(by_label.iter().map(|(_, totals)| totals.live_bytes).sum::<usize>(), bytes);
    assert_eq!(ledger.at_peak().iter().map(|record| record.bytes).sum::<usize>(), ledger.peak_bytes());
    assert!(ledger.reserved_bytes() - ledger.cached_bytes() >= bytes);
}

#[test]
fn a_model_and_the_ledger_agree_after_every_event() {
    let device = Device::of(1 << 34);
    let memory = Memory::with(device.clone(), Options::default());
    let streams = [Stream::MAIN, memory.stream(), memory.stream()];
    let (ledger, mut random) = (memory.ledger(), Random(7));
    let mut handles: Vec<Arc<Buffer>> = Vec::new();
    let mut released = Released::default();
    let (mut live, mut count, mut peak, mut allocations) = (0, 0, 0, 0);
    for event in 0..EVENTS {
        match random.below(32) {
            0..=11 if count < 400 => {
                let buffer = allocate(&memory, &streams, &mut random);
                released.assert_may_use(&buffer);
                (live, count, allocations) = (live + buffer.bytes(), count + 1, allocations + 1);
                peak = peak.max(live);
                handles.push(buffer);
            }
            12..=15 if !handles.is_empty() => handles.push(handles[random.below(handles.len())].clone()),
            16 => {
                let (from, to) = (streams[random.below(3)], streams[random.below(3)]);
                memory.depend(from, to);
                released.depend(from, to);
            }
            17 if !handles.is_empty() => {
                let (buffer, stream) = (&handles[random.below(handles.len())], streams[random.below(3)]);
                buffer.used_on(stream);
                released.used_on(buffer, stream);
            }
            _ if !handles.is_empty() => {
                let buffer = handles.swap_remove(random.below(handles.len()));
                if let Some(last) = Arc::into_inner(buffer) {
                    assert_untouched(&last);
                    released.release(&last);
                    (live, count) = (live - last.bytes(), count - 1);
                }
            }
            _ => {}
        }
        let totals = ledger.totals();
        assert_eq!((totals.live_bytes, totals.live_count, totals.peak_bytes), (live, count, peak), "event {event}");
        if event % 1000 == 0 {
            assert_agrees(&ledger, handles.iter());
        }
        if event % 50_000 == 0 {
            memory.trim().unwrap();
            released.forget();
        }
    }
    assert_eq!(ledger.totals().total_count, allocations);
    drop(handles);
    assert_eq!((ledger.live_bytes(), ledger.live_count()), (0, 0));
    // What another stream used is held back until its own stream has waited for that.
    streams.iter().for_each(|&from| streams.iter().for_each(|&to| memory.depend(from, to)));
    assert!(memory.trim().unwrap() > 0);
    assert_eq!((device.given(), ledger.reserved_bytes()), (0, 0));
}

#[test]
fn threads_that_share_handles_keep_the_account_exact() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 50;
    let memory = Memory::with(Device::of(1 << 34), Options::default());
    let streams = [Stream::MAIN, memory.stream()];
    let bags: [Mutex<Vec<Arc<Buffer>>>; THREADS] = Default::default();
    let barrier = Barrier::new(THREADS);
    let work = |me: usize| {
        let mut random = Random(me as u64);
        for _ in 0..ROUNDS {
            for _ in 0..EVENTS / THREADS / ROUNDS {
                one_event(&memory, &streams, &bags, me, &mut random);
            }
            if barrier.wait().is_leader() {
                let bags: Vec<_> = bags.iter().map(|bag| bag.lock().unwrap()).collect();
                assert_agrees(&memory.ledger(), bags.iter().flat_map(|bag| bag.iter()));
            }
            barrier.wait();
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|me| drop(scope.spawn(move || work(me)))));
    drop(bags);
    assert_eq!((memory.ledger().live_bytes(), memory.ledger().live_count()), (0, 0));
}

/// Allocates into this thread's bag, shares a handle with another thread's, or drops one of this thread's.
fn one_event(memory: &Memory, streams: &[Stream], bags: &[Mutex<Vec<Arc<Buffer>>>], me: usize, random: &mut Random) {
    let mut mine = bags[me].lock().unwrap();
    match random.below(8) {
        0..=2 if mine.len() < 100 => mine.push(allocate(memory, streams, random)),
        3 if !mine.is_empty() => {
            let shared = mine[random.below(mine.len())].clone();
            drop(mine);
            bags[random.below(bags.len())].lock().unwrap().push(shared);
        }
        4 => memory.depend(streams[random.below(2)], streams[random.below(2)]),
        _ if !mine.is_empty() => {
            let at = random.below(mine.len());
            let dropped = mine.swap_remove(at);
            drop(mine);
            assert_untouched(&dropped);
        }
        _ => {}
    }
}
