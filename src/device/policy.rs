//! How much precision products may give up for speed.

use std::cell::Cell;

thread_local! {
    static TF32: Cell<bool> = const { Cell::new(false) };
}

/// Allows products of f32 on this thread to round their factors to TF32 (10 bits of mantissa, sums in f32), until the guard is
/// dropped. Off by default; a device without TF32 computes in f32 all the same.
///
/// ```
/// let fast = rectify::device::allow_tf32();
/// // products here may use TF32
/// drop(fast);
/// ```
#[must_use = "the permission ends when the guard is dropped"]
pub fn allow_tf32() -> Tf32 {
    Tf32 { before: TF32.replace(true) }
}

/// Whether products of f32 may use TF32 on this thread. The CPU's never do.
pub fn allows_tf32() -> bool {
    TF32.get()
}

/// The permission given by [`allow_tf32`].
#[derive(Debug)]
pub struct Tf32 {
    before: bool,
}

impl Drop for Tf32 {
    fn drop(&mut self) {
        TF32.set(self.before);
    }
}
