//! Memory that a thread keeps for packing, so that no product allocates in the steady state.

use std::array::from_fn;
use std::cell::RefCell;
use std::{mem, slice};

use crate::dtype::Element;

/// As wide as a cache line and the widest register.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

thread_local! {
    static KEPT: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Scratch memory in use by a thread, which gets it back when this is dropped. Those taken one within the other are kept
/// apart, and each finds the memory that its like had before.
pub struct Scratch(Vec<Line>);

impl Scratch {
    pub fn take() -> Self {
        Self(KEPT.try_with(|kept| kept.borrow_mut().pop()).ok().flatten().unwrap_or_default())
    }

    /// One slice of each of `counts` elements, aligned to a cache line, with whatever numbers were left there.
    pub fn split<E: Element, const N: usize>(&mut self, counts: [usize; N]) -> [&mut [E]; N] {
        let lines = counts.map(|count| (count * size_of::<E>()).div_ceil(size_of::<Line>()));
        let total = lines.iter().sum();
        if self.0.len() < total {
            self.0.resize(total, Line([0; 64]));
        }
        let mut rest = self.0.as_mut_slice();
        from_fn(|i| {
            let (part, after) = mem::take(&mut rest).split_at_mut(lines[i]);
            rest = after;
            // SAFETY: the lines hold `count` elements, are aligned to more than an element needs and borrowed for as long
            // as the result; an `Element` is valid for any bit pattern.
            unsafe { slice::from_raw_parts_mut(part.as_mut_ptr().cast::<E>(), counts[i]) }
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let memory = mem::take(&mut self.0);
        // Where the thread is ending and keeps nothing any more, the memory is freed.
        let _ = KEPT.try_with(|kept| kept.borrow_mut().push(memory));
    }
}
