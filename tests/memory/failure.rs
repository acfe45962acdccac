//! Running out of memory, budgets, and devices that fail.

use rectify::Error;
use rectify::error::OutOfMemory;
use rectify::memory::{Budget, Buffer, Faulty, Host, Memory, Options, Refused, Source, Stream};
use rectify::scope;

use super::device::{Device, pooled, unpooled};

const MAIN: Stream = Stream::MAIN;

fn out_of_memory(result: rectify::Result<Buffer>) -> OutOfMemory {
    match result {
        Err(Error::OutOfMemory(all)) => *all,
        other => panic!("expected out of memory, got {other:?}"),
    }
}

#[test]
fn out_of_memory_says_all_that_is_known() {
    let memory = Memory::with(Device::of(10 << 20), Options { segment_size: 1 << 20, ..Options::default() });
    let _weights = {
        let _scope = scope::enter("weights");
        memory.allocate(6 << 20, MAIN).unwrap()
    };
    drop(memory.allocate(2 << 20, MAIN).unwrap());
    let _scope = scope::enter("activation");
    let _small = memory.allocate(1000, MAIN).unwrap();
    let error = out_of_memory(memory.allocate(5 << 20, MAIN));
    assert_eq!((error.device.as_str(), error.label.as_str()), ("test:0", "activation"));
    assert_eq!((error.requested, error.live, error.limit), (5 << 20, (6 << 20) + 1000, None));
    assert_eq!(error.holders, [("weights".to_owned(), 6 << 20), ("activation".to_owned(), 1000)]);
    assert_eq!(error.device_memory, Some((3 << 20, 10 << 20)), "6 of weights, a small segment of 1; 2 went back");
    assert_eq!(error.cached, (1 << 20) - 1024);
    assert!(memory.allocate(3 << 20, MAIN).is_ok(), "the memory stays usable");
}

#[test]
fn cached_segments_go_back_before_memory_runs_out() {
    let memory = Memory::with(Device::of(10 << 20), Options { segment_size: 1 << 20, ..Options::default() });
    drop(memory.allocate(6 << 20, MAIN).unwrap());
    assert!(memory.allocate(8 << 20, MAIN).is_ok());
}

#[test]
fn a_device_too_small_for_a_segment_still_serves_what_fits() {
    let memory = Memory::with(Device::of(100 << 10), Options::default());
    let _small = memory.allocate(1000, MAIN).unwrap();
    let _large = memory.allocate(70_000, MAIN).unwrap();
    assert!(memory.ledger().reserved_bytes() <= 100 << 10);
}

#[test]
fn absurd_sizes_are_typed_errors() {
    for memory in [pooled(), unpooled(Host)] {
        for bytes in [usize::MAX, usize::MAX - 600, isize::MAX as usize, 1 << 60] {
            assert_eq!(out_of_memory(memory.allocate(bytes, MAIN)).requested, bytes);
        }
        assert!(memory.allocate(1, MAIN).is_ok());
    }
}

/// A few allocations that hold on to some of what they get.
fn workload(memory: &Memory) -> rectify::Result<()> {
    let mut kept = Vec::new();
    for n in 1..40 {
        kept.push(memory.allocate(n * 10_000, MAIN)?);
        drop(memory.allocate(n * 300, MAIN)?);
        if n % 3 == 0 {
            kept.remove(n / 4);
        }
    }
    Ok(())
}

#[test]
fn every_failing_allocation_is_a_typed_error_and_leaves_nothing_behind() {
    let faulty = Faulty::new(Host);
    let memory = unpooled(faulty.clone());
    faulty.refuse(0..0);
    workload(&memory).unwrap();
    let sites = faulty.acquisitions();
    assert_eq!(sites, 78);
    for n in 0..sites {
        for range in [n..n + 1, n..n + 2, n..u64::MAX] {
            let before = memory.ledger().totals();
            faulty.refuse(range.clone());
            let outcome = workload(&memory);
            assert_eq!(outcome.is_ok(), range.end == n + 1, "one refusal is survived by asking again: {range:?}");
            assert!(outcome.err().is_none_or(|error| matches!(error, Error::OutOfMemory(_))), "{range:?}");
            let after = memory.ledger().totals();
            assert_eq!((after.live_bytes, after.live_count), (before.live_bytes, before.live_count), "{range:?}");
            faulty.refuse(0..0);
            workload(&memory).unwrap();
        }
    }
}

#[test]
fn a_failing_free_is_returned_by_the_next_call_with_its_label() {
    let faulty = Faulty::new(Host);
    let memory = unpooled(faulty.clone());
    faulty.refuse_surrender(..);
    {
        let _scope = scope::enter("culprit");
        drop(memory.allocate(1234, MAIN).unwrap());
    }
    let innocent = memory.allocate(1, MAIN);
    let message = innocent.map(drop).and_then(|()| memory.allocate(1, MAIN)).unwrap_err().to_string();
    assert_eq!(message, "device cpu: giving back 1234 bytes of culprit failed: a planned failure");
    faulty.refuse_surrender(0..0);
    memory.trim().unwrap();
    assert!(memory.allocate(1, MAIN).is_ok());
}

#[test]
fn trim_returns_its_own_failure() {
    let faulty = Faulty::new(Host);
    let memory = Memory::with(faulty.clone(), Options::default());
    faulty.refuse_surrender(0..1);
    drop((memory.allocate(100, MAIN).unwrap(), memory.allocate(1 << 20, MAIN).unwrap()));
    assert!(memory.trim().unwrap_err().to_string().contains("a planned failure"));
    assert_eq!((memory.trim().unwrap(), memory.ledger().reserved_bytes()), (0, 0));
}

/// A device that fell off the bus.
#[derive(Debug)]
struct Gone;

// SAFETY: it never gives any memory.
unsafe impl Source for Gone {
    fn name(&self) -> String {
        "gone:0".to_owned()
    }

    fn acquire(&self, _bytes: usize) -> Result<u64, Refused> {
        Err(Refused::Failed("fell off the bus".to_owned()))
    }

    unsafe fn surrender(&self, _address: u64, _bytes: usize) -> Result<(), String> {
        unreachable!("nothing was given")
    }
}

#[test]
fn a_failed_device_is_not_out_of_memory() {
    let memory = Memory::new(Gone);
    assert_eq!(memory.allocate(8, MAIN).unwrap_err().to_string(), "device gone:0: fell off the bus");
    assert!(memory.allocate(0, MAIN).is_ok());
    let refused = memory.set_budget(Some(Budget::Percent(50.0))).unwrap_err().to_string();
    assert_eq!(refused, "set_budget: gone:0 does not tell its total memory");
}

#[test]
fn a_budget_bounds_what_is_taken_from_the_device() {
    let device = Device::of(1 << 30);
    let memory = Memory::with(device.clone(), Options::default());
    memory.set_budget(Some(Budget::Bytes(8 << 20))).unwrap();
    let first = memory.allocate(5 << 20, MAIN).unwrap();
    let error = out_of_memory(memory.allocate(4 << 20, MAIN));
    assert_eq!((error.limit, error.live), (Some(8 << 20), 5 << 20));
    assert!(device.given() <= 8 << 20);
    drop(first);
    assert!(memory.allocate(7 << 20, MAIN).is_ok(), "what was cached went back first");
    memory.set_budget(Some(Budget::Bytes(0))).unwrap();
    assert_eq!(device.given(), 0, "a lower budget takes effect at once");
    assert_eq!(out_of_memory(memory.allocate(1, MAIN)).limit, Some(0));
    memory.set_budget(None).unwrap();
    assert!(memory.allocate(100 << 20, MAIN).is_ok());
}

#[test]
fn a_budget_in_percent_is_of_the_whole_device() {
    let memory = Memory::with(Device::of(1 << 30), Options::default());
    memory.set_budget(Some(Budget::Percent(25.0))).unwrap();
    assert_eq!(memory.budget(), Some(256 << 20));
    for wrong in [-1.0, 100.5, f64::NAN] {
        let message = memory.set_budget(Some(Budget::Percent(wrong))).unwrap_err().to_string();
        assert!(message.ends_with("is no percentage from 0 to 100"), "{message}");
    }
    assert_eq!(memory.budget(), Some(256 << 20));
}

#[test]
fn a_panic_releases_what_it_unwinds_past() {
    let memory = pooled();
    let inside = memory.clone();
    let outcome = std::thread::spawn(move || {
        let _held = [inside.allocate(100, MAIN), inside.allocate(1 << 20, MAIN)];
        panic!("planned");
    });
    assert!(outcome.join().is_err());
    assert_eq!(memory.ledger().live_bytes(), 0);
    assert!(memory.allocate(100, MAIN).is_ok());
}
