//! A small device for tests: host memory with a limit, which knows exactly what it has given out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rectify::memory::{Host, Memory, Options, Refused, Source};

/// Host memory of at most `limit` bytes; panics when given back what it did not give.
#[derive(Debug, Clone)]
pub struct Device {
    limit: usize,
    given: Arc<Mutex<BTreeMap<u64, usize>>>,
}

impl Device {
    pub fn of(limit: usize) -> Self {
        Self { limit, given: Arc::default() }
    }

    pub fn given(&self) -> usize {
        self.given.lock().unwrap().values().sum()
    }
}

// SAFETY: every range comes from and goes back to the host's source.
unsafe impl Source for Device {
    fn name(&self) -> String {
        "test:0".to_owned()
    }

    fn acquire(&self, bytes: usize) -> Result<u64, Refused> {
        let mut given = self.given.lock().unwrap();
        if bytes > self.limit - given.values().sum::<usize>() {
            return Err(Refused::Exhausted);
        }
        let address = Host.acquire(bytes)?;
        given.insert(address, bytes);
        Ok(address)
    }

    unsafe fn surrender(&self, address: u64, bytes: usize) -> Result<(), String> {
        assert_eq!(self.given.lock().unwrap().remove(&address), Some(bytes), "not what was given");
        // SAFETY: the assertion holds the caller to its promise.
        unsafe { Host.surrender(address, bytes) }
    }

    fn capacity(&self) -> Option<(usize, usize)> {
        Some((self.limit - self.given(), self.limit))
    }

    fn granule(&self) -> usize {
        Host.granule()
    }

    unsafe fn poison(&self, address: u64, bytes: usize) {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { Host.poison(address, bytes) };
    }
}

/// Pooled host memory, whatever the environment says.
pub fn pooled() -> Memory {
    Memory::with(Host, Options::default())
}

/// Host memory without pooling.
pub fn unpooled(source: impl Source + 'static) -> Memory {
    Memory::with(source, Options { pooled: false, ..Options::default() })
}

/// A small generator of random numbers (splitmix64), the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % limit as u64) as usize
    }

    /// Sizes as training has them: mostly small, some large, a few empty.
    pub fn bytes(&mut self) -> usize {
        match self.below(16) {
            0 => 0,
            1..=10 => self.below(4096),
            11..=14 => self.below(256 << 10),
            _ => self.below(1 << 20),
        }
    }
}
