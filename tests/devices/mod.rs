//! One body for every device: tests of what devices have in common, run on the CPU and on CUDA.

#![allow(dead_code, unused_macros, unused_imports, reason = "each test uses a part of it")]

#[path = "../simulated/mod.rs"]
pub mod simulated;

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use rectify::memory::{Host, Memory, Options};
use rectify::{Device, Result};
use simulated::{Control, Cuda};

thread_local! {
    static CURRENT: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// The device that the test running on this thread is about.
pub fn device() -> Device {
    CURRENT.with_borrow(Clone::clone).unwrap_or_else(Device::cpu)
}

/// Whether that is a CUDA device.
pub fn is_cuda() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// A device whose ledger knows of nothing but the test.
pub fn fresh() -> Device {
    let pooled = || Device::cpu_with_memory(Memory::with(Host, Options::default()));
    CURRENT.with_borrow(Clone::clone).unwrap_or_else(pooled)
}

/// What a call comes to once the device is at rest: a kernel's error is that of the next call that waits.
pub fn settled<T>(result: Result<T>) -> Result<T> {
    let value = result?;
    device().synchronize()?;
    Ok(value)
}

/// A long list of cases each of which costs CUDA kernels to compile: all are tried on the CPU, every seventh is there. No list
/// has seven of a kind, so that in time all kinds have their turn.
#[derive(Default)]
pub struct Sample {
    cases: usize,
    tried: usize,
}

impl Sample {
    /// Whether the next case is tried.
    pub fn takes(&mut self) -> bool {
        let taken = !is_cuda() || self.cases.is_multiple_of(7);
        self.cases += 1;
        self.tried += usize::from(taken);
        taken
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        if self.tried < self.cases {
            println!("{} of {} cases: each compiles kernels of its own", self.tried, self.cases);
        }
    }
}

/// Runs a test's body on CUDA. One at a time: a kernel's report of a bad index goes to whoever waits next, and each test is
/// given a device that was just opened, whose ledger is its own.
pub fn on_cuda<T>(body: impl FnOnce() -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let cuda = simulated::prepare();
    let opened = Opened(simulated::device());
    CURRENT.set(Some(opened.0.clone()));
    let result = body();
    opened.0.synchronize().expect("nothing is wrong that no call of the test was told of");
    let ledger = opened.0.ledger();
    drop(opened);
    assert_eq!(ledger.live_count(), 0, "{}", ledger.report());
    if cuda == Cuda::Simulated {
        assert_eq!(Control::new().take_violations(), [""; 0]);
    }
    result
}

/// The device of a test, until it ends or fails.
struct Opened(Device);

impl Drop for Opened {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// Makes two tests of each of these functions: on the CPU and on CUDA.
macro_rules! on_devices {
    ($($body:ident),* $(,)?) => {
        mod cpu {
            $(#[test]
            fn $body() -> impl std::process::Termination {
                super::$body()
            })*
        }
        mod cuda {
            $(#[test]
            fn $body() -> impl std::process::Termination {
                crate::devices::on_cuda(super::$body)
            })*
        }
    };
}

pub(crate) use on_devices;
