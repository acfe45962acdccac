//! The simulated driver called as a C program would.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libloading::Library;

use crate::simulated::{self, Control};

/// The driver with a context that is current on this thread, and that no other test uses at the same time.
pub struct Raw {
    driver: Library,
    compiler: Library,
    pub control: Control,
    _turn: MutexGuard<'static, ()>,
}

macro_rules! call {
    ($library:expr, $name:expr $(, $argument:expr => $kind:ty)*) => {
        // SAFETY: the types are those of CUDA's headers.
        unsafe { $library.get::<unsafe extern "C" fn($($kind),*) -> i32>($name).unwrap()($($argument),*) }
    };
}

/// Gives what a call writes; it has to succeed.
macro_rules! made {
    ($library:expr, $name:expr $(, $argument:expr => $kind:ty)*) => {{
        let mut made = 0u64;
        assert_eq!(call!($library, $name, &mut made => *mut u64 $(, $argument => $kind)*), 0);
        made
    }};
}

impl Raw {
    pub fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the simulated libraries have no initialisers that require anything.
        let load = |name: &str| unsafe { Library::new(Path::new(simulated::libraries()).join(name)) }.unwrap();
        let (driver, compiler) = (load("libcuda.so.1"), load("libnvrtc.so.13"));
        let raw = Self { driver, compiler, control: Control::new(), _turn: turn };
        assert_eq!(call!(raw.driver, b"cuInit", 0 => u32), 0);
        raw.retain();
        raw
    }

    pub fn retain(&self) {
        let context = made!(self.driver, b"cuDevicePrimaryCtxRetain", 0 => i32);
        assert_eq!(call!(self.driver, b"cuCtxSetCurrent", context => u64), 0);
    }

    pub fn release(&self) -> i32 {
        call!(self.driver, b"cuDevicePrimaryCtxRelease_v2", 0 => i32)
    }

    pub fn allocate(&self, bytes: usize) -> u64 {
        made!(self.driver, b"cuMemAlloc_v2", bytes => usize)
    }

    pub fn try_allocate(&self, bytes: usize) -> i32 {
        let mut address = 0u64;
        call!(self.driver, b"cuMemAlloc_v2", &mut address => *mut u64, bytes => usize)
    }

    pub fn free(&self, address: u64) -> i32 {
        call!(self.driver, b"cuMemFree_v2", address => u64)
    }

    pub fn pinned<const N: usize>(&self) -> &'static mut [u8; N] {
        let address = made!(self.driver, b"cuMemHostAlloc", N => usize, 3 => u32);
        // SAFETY: the memory was just allocated, and lives until it is freed by the test.
        unsafe { &mut *ptr::with_exposed_provenance_mut(address as usize) }
    }

    pub fn free_pinned<const N: usize>(&self, memory: &mut [u8; N]) -> i32 {
        call!(self.driver, b"cuMemFreeHost", memory.as_mut_ptr() => *mut u8)
    }

    pub fn pool(&self) -> u64 {
        made!(self.driver, b"cuMemPoolCreate", ptr::null() => *const c_void)
    }

    pub fn destroy_pool(&self, pool: u64) -> i32 {
        call!(self.driver, b"cuMemPoolDestroy", pool => u64)
    }

    pub fn allocate_on(&self, stream: u64, pool: u64, bytes: usize) -> u64 {
        made!(self.driver, b"cuMemAllocFromPoolAsync", bytes => usize, pool => u64, stream => u64)
    }

    pub fn free_on(&self, stream: u64, address: u64) -> i32 {
        call!(self.driver, b"cuMemFreeAsync", address => u64, stream => u64)
    }

    pub fn stream(&self) -> u64 {
        made!(self.driver, b"cuStreamCreateWithPriority", 1 => u32, 0 => i32)
    }

    pub fn destroy_stream(&self, stream: u64) -> i32 {
        call!(self.driver, b"cuStreamDestroy_v2", stream => u64)
    }

    pub fn synchronize(&self, stream: u64) -> i32 {
        call!(self.driver, b"cuStreamSynchronize", stream => u64)
    }

    pub fn synchronize_all(&self) -> i32 {
        call!(self.driver, b"cuCtxSynchronize")
    }

    pub fn event(&self) -> u64 {
        made!(self.driver, b"cuEventCreate", 2 => u32)
    }

    pub fn destroy_event(&self, event: u64) -> i32 {
        call!(self.driver, b"cuEventDestroy_v2", event => u64)
    }

    pub fn record(&self, event: u64, stream: u64) -> i32 {
        call!(self.driver, b"cuEventRecord", event => u64, stream => u64)
    }

    pub fn wait(&self, stream: u64, event: u64) -> i32 {
        call!(self.driver, b"cuStreamWaitEvent", stream => u64, event => u64, 0 => u32)
    }

    pub fn upload(&self, to: u64, from: &[u8], stream: u64) -> i32 {
        call!(self.driver, b"cuMemcpyHtoDAsync_v2", to => u64, from.as_ptr() => *const u8, from.len() => usize, stream => u64)
    }

    pub fn download(&self, to: &mut [u8], from: u64, stream: u64) -> i32 {
        call!(self.driver, b"cuMemcpyDtoHAsync_v2", to.as_mut_ptr() => *mut u8, from => u64, to.len() => usize, stream => u64)
    }

    pub fn copy(&self, to: u64, from: u64, bytes: usize, stream: u64) -> i32 {
        call!(self.driver, b"cuMemcpyDtoDAsync_v2", to => u64, from => u64, bytes => usize, stream => u64)
    }

    pub fn query(&self, event: u64) -> i32 {
        call!(self.driver, b"cuEventQuery", event => u64)
    }

    /// Calls made on this thread only are looked at.
    pub fn begin_capture(&self, stream: u64) -> i32 {
        call!(self.driver, b"cuStreamBeginCapture_v2", stream => u64, 1 => i32)
    }

    pub fn end_capture(&self, stream: u64) -> Result<u64, i32> {
        let mut graph = 0u64;
        match call!(self.driver, b"cuStreamEndCapture", stream => u64, &mut graph => *mut u64) {
            0 => Ok(graph),
            code => Err(code),
        }
    }

    pub fn nodes(&self, graph: u64) -> usize {
        let mut count = 0usize;
        let none = ptr::null_mut::<c_void>();
        assert_eq!(
            call!(self.driver, b"cuGraphGetNodes", graph => u64, none => *mut c_void, &mut count => *mut usize),
            0
        );
        count
    }

    /// The graph made ready, whose own handle is gone.
    pub fn instantiate(&self, graph: u64) -> u64 {
        let executable = made!(self.driver, b"cuGraphInstantiateWithFlags", graph => u64, 0 => u64);
        assert_eq!(self.destroy_graph(graph), 0);
        executable
    }

    pub fn destroy_graph(&self, graph: u64) -> i32 {
        call!(self.driver, b"cuGraphDestroy", graph => u64)
    }

    pub fn replay(&self, executable: u64, stream: u64) -> i32 {
        call!(self.driver, b"cuGraphLaunch", executable => u64, stream => u64)
    }

    pub fn destroy_executable(&self, executable: u64) -> i32 {
        call!(self.driver, b"cuGraphExecDestroy", executable => u64)
    }

    /// The image of a text, or the code that refuses it and the log.
    pub fn compile(&self, text: &str, options: &[&str]) -> Result<Vec<u8>, (i32, String)> {
        let (text, none) = (CString::new(text).unwrap(), ptr::null::<c_char>());
        let program = made!(self.compiler, b"nvrtcCreateProgram", text.as_ptr() => *const c_char, none => *const c_char,
            0 => i32, none => *const c_char, none => *const c_char);
        let options: Vec<_> = options.iter().map(|&option| CString::new(option).unwrap()).collect();
        let pointers: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        let code = call!(self.compiler, b"nvrtcCompileProgram", program => u64, pointers.len() as i32 => i32,
            pointers.as_ptr() => *const *const c_char);
        if code != 0 {
            let log = self.text(b"nvrtcGetProgramLogSize", b"nvrtcGetProgramLog", program);
            return Err((code, String::from_utf8_lossy(&log).into_owned()));
        }
        Ok(self.text(b"nvrtcGetCUBINSize", b"nvrtcGetCUBIN", program))
    }

    fn text(&self, size: &[u8], read: &[u8], program: u64) -> Vec<u8> {
        let mut bytes = 0usize;
        assert_eq!(call!(self.compiler, size, program => u64, &mut bytes => *mut usize), 0);
        let mut text = vec![0u8; bytes];
        if bytes == 0 {
            return text;
        }
        assert_eq!(call!(self.compiler, read, program => u64, text.as_mut_ptr() => *mut u8), 0);
        text
    }

    pub fn load(&self, image: &[u8]) -> Result<u64, i32> {
        let mut module = 0u64;
        match call!(self.driver, b"cuModuleLoadData", &mut module => *mut u64, image.as_ptr() => *const u8) {
            0 => Ok(module),
            code => Err(code),
        }
    }

    pub fn unload(&self, module: u64) -> i32 {
        call!(self.driver, b"cuModuleUnload", module => u64)
    }

    /// The kernel `run` of a text for the device, and its module.
    pub fn kernel(&self, text: &str) -> (u64, u64) {
        let module = self.load(&self.compile(text, &["--gpu-architecture=sm_90"]).unwrap()).unwrap();
        (module, made!(self.driver, b"cuModuleGetFunction", module => u64, c"run".as_ptr() => *const c_char))
    }

    /// Lets launches ask for so much shared memory.
    pub fn allow_shared(&self, function: u64, bytes: i32) -> i32 {
        call!(self.driver, b"cuFuncSetAttribute", function => u64, 8 => u32, bytes => i32)
    }

    /// Launches one block of threads with arguments of 64 bits.
    pub fn launch(&self, function: u64, threads: u32, stream: u64, arguments: &[u64]) -> i32 {
        self.launch_with(function, threads, 0, stream, arguments)
    }

    /// As [`launch`](Self::launch), with shared memory beside what the kernel declares.
    pub fn launch_with(&self, function: u64, threads: u32, bytes: u32, stream: u64, arguments: &[u64]) -> i32 {
        let mut pointers: Vec<_> = arguments.iter().map(ptr::from_ref).collect();
        call!(self.driver, b"cuLaunchKernel", function => u64, 1 => u32, 1 => u32, 1 => u32, threads => u32, 1 => u32,
            1 => u32, bytes => u32, stream => u64, pointers.as_mut_ptr() => *mut *const u64, ptr::null_mut() => *mut c_void)
    }
}
