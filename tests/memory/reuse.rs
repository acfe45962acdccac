//! Who may reuse what, and when; and that two runs agree.

use std::sync::Arc;

use proptest::prelude::*;
use rectify::memory::{Buffer, Memory, Place, Stream};

use super::device::{Device, Random, pooled, unpooled};

const MAIN: Stream = Stream::MAIN;
/// One small and one large size: they take different ways through the pool.
const SIZES: [usize; 2] = [1000, 300_000];

fn place(buffer: &Buffer) -> Place {
    buffer.place().unwrap()
}

#[test]
fn the_same_stream_reuses_at_once_youngest_first() {
    for bytes in SIZES {
        let memory = pooled();
        let wall = || memory.allocate(bytes, MAIN).unwrap();
        let (a, _between, b, _after) = (wall(), wall(), wall(), wall());
        let (place_a, place_b) = (place(&a), place(&b));
        drop(b);
        drop(a);
        let again = [wall(), wall()];
        assert_eq!(again.each_ref().map(place), [place_a, place_b], "{bytes} bytes");
    }
}

#[test]
fn another_stream_reuses_only_behind_a_recorded_dependency() {
    for bytes in SIZES {
        let memory = pooled();
        let copies = memory.stream();
        let [before, _wall, after, _end] = [(); 4].map(|()| memory.allocate(bytes, MAIN).unwrap());
        let (place_before, place_after) = (place(&before), place(&after));
        drop(before);
        let early = memory.allocate(bytes, copies).unwrap();
        assert_ne!(place(&early), place_before, "{bytes} bytes: no dependency was recorded");
        memory.depend(MAIN, copies);
        drop(after);
        let reused = memory.allocate(bytes, copies).unwrap();
        assert_eq!(place(&reused), place_before, "{bytes} bytes: released before the dependency");
        let late = memory.allocate(bytes, copies).unwrap();
        assert_ne!(place(&late), place_after, "{bytes} bytes: released after the dependency");
        assert_eq!(place(&memory.allocate(bytes, MAIN).unwrap()), place_after, "{bytes} bytes: its own stream");
    }
}

#[test]
fn a_merged_block_is_as_young_as_its_youngest_part() {
    let memory = pooled();
    let copies = memory.stream();
    let [a, b, wall] = [(); 3].map(|()| memory.allocate(300_000, MAIN).unwrap());
    let place_a = place(&a);
    drop(a);
    memory.depend(MAIN, copies);
    drop(b);
    assert_ne!(place(&memory.allocate(600_000, copies).unwrap()), place_a);
    assert_eq!(place(&memory.allocate(600_000, MAIN).unwrap()), place_a);
    drop(wall);
}

#[test]
fn neighbours_of_different_streams_do_not_merge() {
    for mine_first in [true, false] {
        let memory = pooled();
        let copies = memory.stream();
        let order = if mine_first { [MAIN, copies] } else { [copies, MAIN] };
        let neighbours = order.map(|stream| memory.allocate(300_000, stream).unwrap());
        let _wall = memory.allocate(300_000, MAIN).unwrap();
        let taken = place(&neighbours[0]).segment;
        let [first, second] = neighbours;
        drop(second);
        drop(first);
        let both = memory.allocate(600_000, MAIN).unwrap();
        assert!(place(&both) != Place { segment: taken, offset: 0 }, "half of it belongs to the other stream");
    }
}

#[test]
fn a_buffer_used_elsewhere_waits_for_that_use() {
    for bytes in SIZES {
        let memory = pooled();
        let copies = memory.stream();
        memory.depend(copies, MAIN);
        let uploaded = memory.allocate(bytes, MAIN).unwrap();
        let _wall = memory.allocate(bytes, MAIN).unwrap();
        let taken = place(&uploaded);
        uploaded.used_on(copies);
        drop(uploaded);
        let elsewhere = memory.allocate(bytes, MAIN).unwrap();
        assert_ne!(place(&elsewhere), taken, "{bytes} bytes: the copy may still run");
        memory.depend(copies, MAIN);
        assert_eq!(place(&memory.allocate(bytes, MAIN).unwrap()), taken, "{bytes} bytes");
    }
}

#[test]
fn a_use_waited_for_before_the_release_holds_nothing_back() {
    let memory = pooled();
    let copies = memory.stream();
    let buffer = memory.allocate(1000, MAIN).unwrap();
    let taken = place(&buffer);
    buffer.used_on(copies);
    memory.depend(copies, MAIN);
    drop(buffer);
    assert_eq!(place(&memory.allocate(1000, MAIN).unwrap()), taken);
}

#[test]
fn large_blocks_fit_best_and_merge() {
    let memory = pooled();
    let mib = |n: usize| memory.allocate(n << 20, MAIN).unwrap();
    let (four, _w1, two, _w2, three) = (mib(4), mib(1), mib(2), mib(1), mib(3));
    let (at_two, at_three) = (place(&two), place(&three));
    let _w3 = mib(1);
    drop((four, two, three));
    let (three, two) = (mib(3), mib(2));
    assert_eq!((place(&two), place(&three)), (at_two, at_three), "the smallest that fits");
    drop(_w2);
    drop((two, three));
    assert_eq!(place(&mib(6)), at_two, "two, its wall and three are one block");
    assert_eq!(memory.ledger().driver_allocations(), 1);
}

#[test]
fn a_steady_state_asks_the_device_for_nothing() {
    let memory = pooled();
    let step = |seed| {
        let mut random = Random(seed);
        let mut alive: Vec<Buffer> = Vec::new();
        for _ in 0..200 {
            alive.push(memory.allocate(random.bytes(), MAIN).unwrap());
            if random.below(3) == 0 {
                alive.swap_remove(random.below(alive.len()));
            }
        }
        alive.iter().map(Buffer::place).collect::<Vec<_>>()
    };
    step(1);
    let (warm, second) = (memory.ledger().driver_allocations(), step(1));
    for _ in 0..20 {
        assert_eq!(step(1).len(), second.len());
    }
    assert_eq!((memory.ledger().driver_allocations(), memory.ledger().live_bytes()), (warm, 0));
}

#[test]
fn trim_gives_back_all_that_is_unused() {
    let device = Device::of(1 << 30);
    let memory = Memory::with(device.clone(), Default::default());
    let kept = memory.allocate(100, MAIN).unwrap();
    drop(memory.allocate(50 << 20, MAIN).unwrap());
    assert_eq!(memory.trim().unwrap(), 50 << 20);
    assert_eq!((device.given(), memory.ledger().reserved_bytes()), (2 << 20, 2 << 20));
    drop(kept);
    assert_eq!(memory.trim().unwrap(), 2 << 20);
    assert_eq!((device.given(), memory.ledger().cached_bytes()), (0, 0));
    let again = memory.allocate(100, MAIN).unwrap();
    assert_eq!(place(&again), Place { segment: 0, offset: 0 });
}

#[test]
fn what_a_kept_stream_works_on_stays_until_it_is_let_go() {
    for bytes in SIZES {
        let memory = pooled();
        let kept = memory.stream();
        memory.keep(kept);
        let temporary = memory.allocate(bytes, kept).unwrap();
        let place_kept = place(&temporary);
        drop(temporary);
        assert_eq!(memory.trim().unwrap(), 0, "{bytes} bytes: work that runs again finds its memory");
        let others: Vec<_> = (0..4).map(|_| memory.allocate(bytes, MAIN).unwrap()).collect();
        assert!(others.iter().all(|other| place(other) != place_kept), "{bytes} bytes");
        drop(others);
        assert_eq!(place(&memory.allocate(bytes, kept).unwrap()), place_kept, "{bytes} bytes: its own work may");
        memory.trim().unwrap();
        memory.let_go(kept);
        assert!(memory.trim().unwrap() > 0, "{bytes} bytes");
        assert_eq!(memory.ledger().report().reserved_bytes, 0);
    }
}

#[test]
fn a_thread_works_on_another_stream_while_it_is_diverted() {
    let memory = pooled();
    let other = memory.stream();
    let diverted = memory.divert(other).unwrap();
    assert_eq!(memory.working_stream(), other);
    assert!(memory.divert(MAIN).is_none(), "one thread at a time");
    let elsewhere = std::thread::scope(|scope| scope.spawn(|| memory.working_stream()).join().unwrap());
    assert_eq!(elsewhere, MAIN, "other threads are where they were");
    drop(diverted);
    assert_eq!(memory.working_stream(), MAIN);
}

#[test]
fn nothing_of_a_segment_given_back_is_handed_out_again() {
    let memory = pooled();
    drop(memory.allocate(100, MAIN).unwrap());
    memory.trim().unwrap();
    let large = memory.allocate(1 << 20, MAIN).unwrap();
    assert_eq!(place(&large), Place { segment: 0, offset: 0 }, "the number of the segment that went back");
    for bytes in [100, 2000] {
        assert_eq!(place(&memory.allocate(bytes, MAIN).unwrap()).segment, 1, "{bytes} bytes");
    }
}

#[test]
fn memory_outlives_its_handles_until_the_last_buffer() {
    let device = Device::of(1 << 30);
    for order in 0..6 {
        let memory = Memory::with(device.clone(), Default::default());
        let ledger = memory.ledger();
        let buffer = Arc::new(memory.allocate(100, MAIN).unwrap());
        let mut handles: Vec<Box<dyn std::any::Any>> = vec![Box::new(memory), Box::new(ledger), Box::new(buffer)];
        for left in [3, 2, 1] {
            assert!(device.given() > 0, "order {order}: something is still alive");
            drop(handles.remove(order % left));
        }
        assert_eq!(device.given(), 0, "order {order}");
    }
}

#[test]
fn without_pooling_every_block_is_a_segment_of_its_own_size() {
    let device = Device::of(1 << 30);
    let memory = unpooled(device.clone());
    let (a, b) = (memory.allocate(100, MAIN).unwrap(), memory.allocate(5000, MAIN).unwrap());
    assert_eq!((device.given(), memory.ledger().driver_allocations()), (5100, 2));
    drop(a);
    assert_eq!(device.given(), 5100, "a drop does not call the driver");
    let _c = memory.allocate(7, MAIN).unwrap();
    assert_eq!(device.given(), 5007, "the next allocation does");
    drop(b);
}

#[cfg(debug_assertions)]
#[test]
fn released_and_fresh_memory_reads_as_nan_in_debug_builds() {
    let memory = pooled();
    let buffer = memory.allocate(4, MAIN).unwrap();
    let pointer = std::ptr::with_exposed_provenance_mut::<f32>(buffer.address() as usize);
    // SAFETY: the buffer holds one f32, and the segment stays with the pool after the release.
    unsafe {
        assert!(pointer.read().is_nan());
        pointer.write(1.0);
        drop(buffer);
        assert!(pointer.read().is_nan());
    }
}

/// Runs a program of allocations and releases on two streams; returns every place, in order.
fn places(program: &[(u16, u32)]) -> Vec<Option<Place>> {
    let memory = pooled();
    let streams = [MAIN, memory.stream()];
    let mut alive = Vec::new();
    let mut places = Vec::new();
    for &(choice, bytes) in program {
        match choice % 8 {
            0..=3 => {
                let buffer =
                    memory.allocate(bytes as usize >> (choice % 16), streams[usize::from(choice >> 8) % 2]).unwrap();
                places.push(buffer.place());
                alive.push(buffer);
            }
            7 => memory.depend(streams[usize::from(choice >> 8) % 2], streams[usize::from(choice >> 9) % 2]),
            _ if !alive.is_empty() => drop(alive.swap_remove(usize::from(choice >> 3) % alive.len())),
            _ => {}
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn two_runs_give_the_same_places(program in prop::collection::vec((any::<u16>(), 0u32..4 << 20), 0..400)) {
        prop_assert_eq!(places(&program), places(&program));
    }
}
