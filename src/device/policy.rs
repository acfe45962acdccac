//! What this thread allows products of matrices: less precision, and to look for their fastest algorithm.

use std::cell::Cell;
use std::env;
use std::sync::OnceLock;
use std::thread::LocalKey;

thread_local! {
    static TF32: Cell<bool> = const { Cell::new(false) };
    static TUNING: Cell<bool> = const { Cell::new(false) };
}

/// Switches tuning on for the whole process, where it is set to 1.
const TUNE_VARIABLE: &str = "RECTIFY_TUNE";

/// Allows products of f32 on this thread to round their factors to TF32 (10 bits of mantissa, sums in f32), until the guard is
/// dropped. Off by default; a device without TF32 computes in f32 all the same.
///
/// ```
/// let fast = rectify::device::allow_tf32();
/// // products here may use TF32
/// drop(fast);
/// ```
pub fn allow_tf32() -> Permission {
    Permission::new(&TF32)
}

/// Whether products of f32 may use TF32 on this thread. The CPU's never do.
pub fn allows_tf32() -> bool {
    TF32.get()
}

/// Lets a CUDA device time the algorithms that cuBLASLt proposes for each product that this thread asks for the first time,
/// until the guard is dropped, and keep the fastest in the cache folder: every later run uses it, for the same problem on the
/// same kind of GPU with the same version of the library. All of them give the same bits every time, though not the same as
/// each other. Off by default: the library's first proposal is taken, or what was found before. `RECTIFY_TUNE=1` is the same
/// for a whole process.
pub fn tune_products() -> Permission {
    Permission::new(&TUNING)
}

/// Whether the fastest algorithm of a product is looked for on this thread. The CPU has but one.
pub fn tunes_products() -> bool {
    static FROM_ENVIRONMENT: OnceLock<bool> = OnceLock::new();
    TUNING.get() || *FROM_ENVIRONMENT.get_or_init(|| env::var_os(TUNE_VARIABLE).is_some_and(|value| value == "1"))
}

/// Something allowed on this thread until this is dropped.
#[derive(Debug)]
#[must_use = "the permission ends when the guard is dropped"]
pub struct Permission {
    switch: &'static LocalKey<Cell<bool>>,
    before: bool,
}

impl Permission {
    fn new(switch: &'static LocalKey<Cell<bool>>) -> Self {
        Self { switch, before: switch.replace(true) }
    }
}

impl Drop for Permission {
    fn drop(&mut self) {
        self.switch.set(self.before);
    }
}
