//! What tests ask of the simulated driver, beside what a driver does.

use std::ffi::{CStr, CString, c_char};

use libloading::{Library, Symbol};

/// The control functions of the simulated driver: see `control.h`.
pub struct Control(Library);

impl Control {
    /// Those of the driver that this process uses.
    pub fn new() -> Self {
        // SAFETY: the simulated driver's initialisers have no requirements.
        Self(unsafe { Library::new(super::libraries().join("libcuda.so.1")) }.unwrap())
    }

    /// Calls of a function since the last reset; of all functions for "".
    pub fn count(&self, function: &str) -> u64 {
        let name = CString::new(function).unwrap();
        // SAFETY: the types are those of `control.h`; so for all below.
        unsafe { self.get::<unsafe extern "C" fn(*const c_char) -> u64>("simulatedCount")(name.as_ptr()) }
    }

    /// Sets the counters and the list of launches to none.
    pub fn reset(&self) {
        self.call("simulatedReset");
    }

    /// The call number `nth` from now of a function, or of any for "", fails with `code`.
    pub fn fail_at(&self, function: &str, nth: u64, code: i32, sticky: bool) {
        let name = CString::new(function).unwrap();
        let fail = "simulatedFailAt";
        // SAFETY: as above.
        unsafe {
            self.get::<unsafe extern "C" fn(*const c_char, u64, i32, i32)>(fail)(
                name.as_ptr(),
                nth,
                code,
                sticky.into(),
            );
        }
    }

    /// Forgets planned failures, and sticky ones that happened.
    pub fn clear(&self) {
        self.call("simulatedClear");
    }

    /// Makes the driver one that was just loaded.
    pub fn restart(&self) {
        self.call("simulatedRestart");
    }

    /// The function that failed as planned, since the last plan was made.
    pub fn failed(&self) -> String {
        let name = self.get::<unsafe extern "C" fn() -> *const c_char>("simulatedFailed");
        // SAFETY: as above; the name stays where it is until the next failure.
        unsafe { CStr::from_ptr(name()) }.to_string_lossy().into_owned()
    }

    /// Sets how many bytes of memory the device has.
    pub fn capacity(&self, bytes: u64) {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn(u64)>("simulatedCapacity")(bytes) }
    }

    /// The violations since they were last taken.
    pub fn take_violations(&self) -> Vec<String> {
        let mut taken = Vec::new();
        let mut text = [0u8; 512];
        let take = "simulatedTakeViolation";
        // SAFETY: as above.
        while unsafe { self.get::<unsafe extern "C" fn(*mut u8, usize) -> i32>(take)(text.as_mut_ptr(), text.len()) }
            != 0
        {
            taken.push(CStr::from_bytes_until_nul(&text).unwrap().to_string_lossy().into_owned());
        }
        taken
    }

    /// The order in which streams, blocks and threads take turns.
    pub fn seed(&self, seed: u64) {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn(u64)>("simulatedSeed")(seed) }
    }

    /// Whether work is run, or accepted and dropped.
    pub fn execute(&self, on: bool) {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn(i32)>("simulatedExecute")(on.into()) }
    }

    /// The names of the kernels launched since the last reset, in order.
    pub fn launches(&self) -> Vec<String> {
        let count = self.number("simulatedLaunchCount");
        let name = self.get::<unsafe extern "C" fn(u64) -> *const c_char>("simulatedLaunchName");
        // SAFETY: as above; a name stays where it is until the next launch.
        let text = |index| unsafe { CStr::from_ptr(name(index)) }.to_string_lossy().into_owned();
        (0..count).map(text).collect()
    }

    /// Bytes of device memory in use.
    pub fn live_bytes(&self) -> u64 {
        self.number("simulatedLiveBytes")
    }

    /// Refuses a number of an epilogue of cuBLASLt; any product for -1, none for 0.
    pub fn refuse_epilogue(&self, epilogue: i32) {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn(i32)>("simulatedRefuseEpilogue")(epilogue) }
    }

    /// The scheme of the algorithm of cuBLASLt that ran last: 0 for whole sums, 2 for parts through the workspace.
    pub fn last_scheme(&self) -> i32 {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn() -> i32>("simulatedLastScheme")() }
    }

    fn call(&self, name: &str) {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn()>(name)() }
    }

    fn number(&self, name: &str) -> u64 {
        // SAFETY: as above.
        unsafe { self.get::<unsafe extern "C" fn() -> u64>(name)() }
    }

    fn get<F>(&self, name: &str) -> Symbol<'_, F> {
        // SAFETY: whoever calls this knows the function's type.
        unsafe { self.0.get(name.as_bytes()) }.unwrap()
    }
}
