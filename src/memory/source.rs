//! Where raw memory comes from: the trait the pool stands on, and the host's implementation of it.

use std::alloc::{self, Layout};
use std::fmt::Debug;

/// Segments are aligned to at least this many bytes, and so is every large block.
pub const SEGMENT_ALIGNMENT: usize = 512;

/// The size of a huge page: host segments of at least this size start on one.
const HUGE_PAGE: usize = 2 << 20;

/// A source of raw memory: the host, a CUDA device, or either of them failing on purpose.
///
/// The pool asks for large segments and seldom; it never calls a source from the drop of a buffer.
///
/// # Safety
///
/// Everything above trusts the ranges: a range given by [`acquire`](Self::acquire) must be valid for reads and writes by
/// the device, aligned to [`SEGMENT_ALIGNMENT`], disjoint from every other range not yet surrendered, and stay so until
/// it is surrendered.
pub unsafe trait Source: Send + Sync + Debug {
    /// The device as on the command line, `cpu` or `cuda:0`: it goes into every error.
    fn name(&self) -> String;

    /// Takes `bytes` (never 0) from the driver and returns the address.
    fn acquire(&self, bytes: usize) -> Result<u64, Refused>;

    /// Gives a range back to the driver, after all queued work that may touch it; an error says why the driver refused.
    ///
    /// # Safety
    ///
    /// `address` and `bytes` are those of one [`acquire`](Self::acquire) not surrendered since, and nothing uses the
    /// range any more, except work already queued on the device.
    unsafe fn surrender(&self, address: u64, bytes: usize) -> Result<(), String>;

    /// Free and total bytes of the device, where it can tell.
    fn capacity(&self) -> Option<(usize, usize)> {
        None
    }

    /// Alignment of the smallest blocks: a power of two, at most [`SEGMENT_ALIGNMENT`].
    fn granule(&self) -> usize {
        SEGMENT_ALIGNMENT
    }

    /// Fills a range no buffer uses with bytes that read as NaN. Debug builds call it so that a read of memory that was
    /// never written, or of a released buffer, shows; a source the host cannot write to does nothing.
    ///
    /// # Safety
    ///
    /// The range lies in a segment of this source, and nothing else uses it.
    unsafe fn poison(&self, _address: u64, _bytes: usize) {}
}

/// Why a source gave no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is not enough: the pool gives its cached segments back and asks again.
    Exhausted,
    /// The device failed, with its reason: asking again is of no use.
    Failed(String),
}

/// The memory of this machine.
///
/// An address becomes a pointer by [`std::ptr::with_exposed_provenance_mut`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

// SAFETY: the ranges are those of the global allocator, which upholds exactly these rules.
unsafe impl Source for Host {
    fn name(&self) -> String {
        "cpu".to_owned()
    }

    fn acquire(&self, bytes: usize) -> Result<u64, Refused> {
        let layout = layout(bytes).ok_or(Refused::Exhausted)?;
        // SAFETY: the pool never asks for zero bytes, and the layout was checked.
        let memory = unsafe { alloc::alloc(layout) };
        if memory.is_null() {
            return Err(Refused::Exhausted);
        }
        advise_huge_pages(memory, bytes);
        Ok(memory.expose_provenance() as u64)
    }

    unsafe fn surrender(&self, address: u64, bytes: usize) -> Result<(), String> {
        let layout = layout(bytes).ok_or("no such segment")?;
        // SAFETY: by this function's contract the address came from `acquire` with this size, hence this layout.
        unsafe { alloc::dealloc(std::ptr::with_exposed_provenance_mut(address as usize), layout) };
        Ok(())
    }

    fn capacity(&self) -> Option<(usize, usize)> {
        let facts = std::fs::read_to_string("/proc/meminfo").ok()?;
        let bytes = |name: &str| {
            let line = facts.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
        };
        Some((bytes("MemAvailable:")?, bytes("MemTotal:")?))
    }

    fn granule(&self) -> usize {
        64
    }

    unsafe fn poison(&self, address: u64, bytes: usize) {
        // SAFETY: by this function's contract the range is ours to write and nobody reads it.
        unsafe { std::ptr::with_exposed_provenance_mut::<u8>(address as usize).write_bytes(0xff, bytes) };
    }
}

/// Alignment follows from the size, so that `surrender` finds the layout `acquire` used.
fn layout(bytes: usize) -> Option<Layout> {
    let alignment = if bytes >= HUGE_PAGE { HUGE_PAGE } else { SEGMENT_ALIGNMENT };
    Layout::from_size_align(bytes, alignment).ok()
}

/// Asks for huge pages: one page fault and one TLB entry per 2 MiB instead of 512. A refusal costs speed only.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise_huge_pages(memory: *mut u8, bytes: usize) {
    if bytes >= HUGE_PAGE {
        // SAFETY: the whole huge pages of a range just allocated; the advice changes no content.
        unsafe { libc::madvise(memory.cast(), bytes / HUGE_PAGE * HUGE_PAGE, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise_huge_pages(_memory: *mut u8, _bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_segments_are_aligned_and_writable() {
        for bytes in [1, 512, 4096, HUGE_PAGE, HUGE_PAGE + 512] {
            let address = Host.acquire(bytes).unwrap();
            let alignment = if bytes >= HUGE_PAGE { HUGE_PAGE } else { SEGMENT_ALIGNMENT };
            assert_eq!(address % alignment as u64, 0);
            // SAFETY: the range was just acquired, is used by nobody, and is surrendered once.
            unsafe {
                Host.poison(address, bytes);
                let last = std::ptr::with_exposed_provenance::<u8>(address as usize).add(bytes - 1);
                assert_eq!(last.read(), 0xff);
                Host.surrender(address, bytes).unwrap();
            }
        }
    }

    #[test]
    fn an_absurd_size_is_refused() {
        assert_eq!(Host.acquire(usize::MAX), Err(Refused::Exhausted));
        assert_eq!(Host.acquire(isize::MAX as usize - HUGE_PAGE), Err(Refused::Exhausted));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_host_knows_its_capacity() {
        let (free, total) = Host.capacity().unwrap();
        assert!(0 < free && free <= total, "{free} of {total}");
    }
}
