//! Ranges that NVIDIA's tools show beside what the device does.
//!
//! A tool that is attached names a library of its own in `NVTX_INJECTION64_PATH`, and writes its functions into the tables that it
//! is given: <https://github.com/NVIDIA/NVTX>, `nvtxInit.h` and `nvtxTypes.h`. Without a tool nothing is loaded.

use std::env;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::mem;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A tool that is attached.
#[derive(Debug, Clone, Copy)]
pub struct Tool(());

const INJECTION: &str = "NVTX_INJECTION64_PATH";

impl Tool {
    /// The tool of this process, if one is attached; asked for once.
    pub fn attached() -> Option<Self> {
        static ATTACHED: OnceLock<bool> = OnceLock::new();
        ATTACHED.get_or_init(|| attach().is_some()).then_some(Self(()))
    }

    /// Opens a range of this name within the one that is open on this thread.
    pub fn push(self, name: &str) {
        let (Some(push), Ok(name)) = (function(RANGE_PUSH), CString::new(name)) else { return };
        // SAFETY: the tool put a function of this type there.
        let push = unsafe { mem::transmute::<*mut c_void, unsafe extern "C" fn(*const c_char) -> c_int>(push) };
        // SAFETY: a text that lives as long as the call.
        unsafe { push(name.as_ptr()) };
    }

    /// Closes the range opened last on this thread.
    pub fn pop(self) {
        let Some(pop) = function(RANGE_POP) else { return };
        // SAFETY: the tool put a function of this type there, which may be called at any time.
        unsafe { mem::transmute::<*mut c_void, unsafe extern "C" fn() -> c_int>(pop)() };
    }
}

/// Places in the table of core functions.
const RANGE_PUSH: usize = 9;
const RANGE_POP: usize = 11;
/// The largest table has so many places, the first unused.
const PLACES: usize = 16;
/// The number of functions of each module, which the tools know by number, and the first unused.
const MODULES: [usize; 7] = [0, PLACES, 9, 15, 7, PLACES, 7];
const CORE: usize = 1;

/// Where a tool writes its functions.
static FUNCTIONS: [[AtomicPtr<c_void>; PLACES]; MODULES.len()] =
    [const { [const { AtomicPtr::new(ptr::null_mut()) }; PLACES] }; MODULES.len()];
/// Where these places are, as a tool asks for them.
static TABLES: OnceLock<Vec<Table>> = OnceLock::new();

struct Table([*const AtomicPtr<c_void>; PLACES + 1]);

// SAFETY: the addresses are those of statics.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

#[repr(C)]
struct Callbacks {
    struct_size: usize,
    module_table: unsafe extern "C" fn(c_uint, *mut *const c_void, *mut c_uint) -> c_int,
}

#[repr(C)]
struct Version {
    struct_size: usize,
    version: u32,
    reserved: u32,
    set_tool_version: unsafe extern "C" fn(u32),
}

static CALLBACKS: Callbacks = Callbacks { struct_size: size_of::<Callbacks>(), module_table };
static VERSION: Version = Version { struct_size: size_of::<Version>(), version: 3, reserved: 0, set_tool_version };

type GetExportTable = unsafe extern "C" fn(u32) -> *const c_void;

fn attach() -> Option<()> {
    let path = env::var_os(INJECTION).filter(|path| !path.is_empty())?;
    // SAFETY: whoever named the library wants it loaded, as NVIDIA's own headers do.
    let library = unsafe { libloading::Library::new(path) }.ok()?;
    // SAFETY: the type is that of NVIDIA's headers.
    let initialize =
        unsafe { library.get::<unsafe extern "C" fn(GetExportTable) -> c_int>(b"InitializeInjectionNvtx2") };
    // SAFETY: as above; the tables are statics.
    let is_ready = unsafe { initialize.ok()?(export_table) } != 0;
    // It may call back at any time, to the end of the process.
    mem::forget(library);
    is_ready.then_some(())
}

fn function(place: usize) -> Option<*mut c_void> {
    let function = FUNCTIONS[CORE][place].load(Ordering::Acquire);
    (!function.is_null()).then_some(function)
}

unsafe extern "C" fn export_table(id: u32) -> *const c_void {
    match id {
        1 => (&raw const CALLBACKS).cast(),
        3 => (&raw const VERSION).cast(),
        _ => ptr::null(),
    }
}

unsafe extern "C" fn module_table(module: c_uint, table: *mut *const c_void, size: *mut c_uint) -> c_int {
    let module = module as usize;
    if module == 0 || module >= MODULES.len() {
        return 0;
    }
    let tables = TABLES.get_or_init(|| (0..MODULES.len()).map(table_of).collect());
    // SAFETY: the tool has room for both, or asks for one alone.
    unsafe {
        if let Some(table) = table.as_mut() {
            *table = tables[module].0.as_ptr().cast();
        }
        if let Some(size) = size.as_mut() {
            *size = MODULES[module] as c_uint;
        }
    }
    1
}

fn table_of(module: usize) -> Table {
    Table(std::array::from_fn(|place| {
        if place > 0 && place < MODULES[module] { &raw const FUNCTIONS[module][place] } else { ptr::null() }
    }))
}

unsafe extern "C" fn set_tool_version(_version: u32) {}
