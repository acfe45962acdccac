//! Kernels by key: found in memory, else on disk, else compiled, several side by side.

use std::any::TypeId;
use std::collections::HashMap;
use std::ffi::CString;
use std::fmt;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::thread;

use cudarc::driver::sys::{CUfunction, CUfunction_attribute as Attribute, CUmodule};
use smallvec::SmallVec;

use super::cache::{Cache, Digest};
use super::compile::{Compiler, OPTIONS, OPTIONS_OF_OTHERS, Target};
use super::context::Context;
use super::library::{self, Library};
use super::once::Once;
use crate::error::{Error, Result};
use crate::kernels::{BlockLimits, Unit};

/// What tells a unit from every other without its text. Cheap to make, hash and compare: one is made at every launch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The kind of kernel.
    pub family: &'static str,
    /// The formula in it, if there is one.
    pub formula: Option<TypeId>,
    /// Element types, patterns and whatever else the text depends on.
    pub details: SmallVec<[u8; 24]>,
}

/// The kernels of one device.
pub struct Modules {
    context: Arc<Context>,
    cache: Option<Cache>,
    /// What, beside its text, the code of a unit depends on.
    identity: Once<String>,
    /// Not loaded as long as every kernel is on disk.
    compiler: Once<(Compiler, Target)>,
    kernels: RwLock<HashMap<Key, Arc<Kernel>>>,
    gate: Arc<Gate>,
}

/// A kernel that is there or on its way.
pub struct Kernel {
    name: String,
    image: OnceLock<Result<Vec<u8>>>,
    function: Once<Handles>,
    context: Arc<Context>,
}

#[derive(Clone, Copy)]
struct Handles {
    module: CUmodule,
    function: CUfunction,
}

// SAFETY: handles are names for the driver, which may be called from any thread.
unsafe impl Send for Handles {}
// SAFETY: as above.
unsafe impl Sync for Handles {}

impl Modules {
    /// None yet.
    pub fn new(context: &Arc<Context>) -> Self {
        Self {
            context: context.clone(),
            cache: Cache::from_env(),
            identity: Once::new(),
            compiler: Once::new(),
            kernels: RwLock::default(),
            gate: Arc::default(),
        }
    }

    /// The kernel of a key; one not met before is read from disk, or its compilation begins.
    #[inline]
    pub fn kernel(&self, key: Key, unit: impl FnOnce() -> Unit) -> Result<Arc<Kernel>> {
        match self.kernels.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            Some(kernel) if !kernel.is_refused() => return Ok(kernel.clone()),
            _ => {}
        }
        self.begin(key, unit())
    }

    #[cold]
    fn begin(&self, key: Key, unit: Unit) -> Result<Arc<Kernel>> {
        let digest = Digest::of(&[&unit.text, self.identity()?]);
        let mut kernels = self.kernels.write().unwrap_or_else(PoisonError::into_inner);
        // One that could not be compiled is tried again: memory may have been short.
        if let Some(kernel) = kernels.get(&key).filter(|kernel| !kernel.is_refused()) {
            return Ok(kernel.clone());
        }
        let kernel = Arc::new(Kernel::new(&unit, &self.context));
        if let Some(image) = self.cache.as_ref().and_then(|cache| cache.read(&digest)) {
            let _first = kernel.image.set(Ok(image));
        } else {
            let (compiler, target) = self.compiler()?;
            let job = Job {
                kernel: kernel.clone(),
                unit,
                target,
                compiler: compiler.clone(),
                cache: self.cache.clone(),
                digest,
            };
            let gate = self.gate.clone();
            let name = format!("compile {}", kernel.name);
            let spawned = thread::Builder::new().name(name).spawn(move || gate.pass(|| job.run()));
            spawned.map_err(|cause| Error::device(self.context.name(), format!("no thread to compile on: {cause}")))?;
        }
        kernels.insert(key, kernel.clone());
        Ok(kernel)
    }

    /// The compiler's file where it can be told without loading it, else its version; and the device's architecture.
    fn identity(&self) -> Result<&str> {
        let find = || {
            let (major, minor) = self.context.facts().about.capability;
            let compiler = match library::identity(Library::Nvrtc) {
                Some(identity) => identity,
                None => format!("{:?}", self.compiler()?.0.version()),
            };
            Ok(format!("{compiler} {major}.{minor} {}", [OPTIONS, OPTIONS_OF_OTHERS].concat().join(" ")))
        };
        self.identity.get_or_try(find).map(String::as_str)
    }

    fn compiler(&self) -> Result<(&Compiler, Target)> {
        let find = || {
            let refuse = |rule: String| Error::device(self.context.name(), rule);
            let compiler =
                Compiler::find().map_err(|absence| refuse(format!("kernels cannot be compiled: {absence}")))?;
            let capability = self.context.facts().about.capability;
            let target = compiler.target(capability).ok_or_else(|| {
                let (major, minor) = capability;
                refuse(format!(
                    "compute capability {major}.{minor} is older than all that {} compiles for: install an older NVRTC",
                    compiler.path().display()
                ))
            })?;
            Ok((compiler, target))
        };
        self.compiler.get_or_try(find).map(|(compiler, target)| (compiler, *target))
    }
}

impl fmt::Debug for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernels = self.kernels.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Modules({} kernels)", kernels.len())
    }
}

impl Kernel {
    fn new(unit: &Unit, context: &Arc<Context>) -> Self {
        let name = unit.kernel.clone();
        Self { name, image: OnceLock::new(), function: Once::new(), context: context.clone() }
    }

    /// Whether a launch has nothing to wait for.
    #[inline]
    pub fn is_compiled(&self) -> bool {
        self.function.get().is_some() || self.image.get().is_some()
    }

    /// Whether it could not be compiled.
    #[inline]
    fn is_refused(&self) -> bool {
        matches!(self.image.get(), Some(Err(_)))
    }

    /// The function to launch: waits for the compiler, and loads what it made. The context is bound.
    #[inline]
    pub fn function(&self, context: &Context) -> Result<CUfunction> {
        self.function.get_or_try(|| self.load(context)).map(|handles| handles.function)
    }

    /// What a block of it may have: waits for the compiler as [`function`](Self::function) does. The context is bound.
    pub fn limits(&self, context: &Context) -> Result<BlockLimits> {
        let function = self.function(context)?;
        let attribute = |attribute: Attribute| {
            let mut value = 0;
            // SAFETY: the function is loaded; one number is written.
            let read = unsafe { context.driver.cuFuncGetAttribute(&mut value, attribute as u32, function) };
            context.check(read).map(|()| value as u32)
        };
        Ok(BlockLimits {
            threads: attribute(Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
            declared_bytes: attribute(Attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)?,
            shared_bytes: context.facts().shared_bytes,
        })
    }

    /// Lets its blocks have so much shared memory beside what it declares. The context is bound.
    pub fn allow_shared(&self, context: &Context, bytes: u32) -> Result<()> {
        let function = self.function(context)?;
        let attribute = Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as u32;
        // SAFETY: the function is loaded.
        context.check(unsafe { context.driver.cuFuncSetAttribute(function, attribute, bytes as i32) })
    }

    #[cold]
    fn load(&self, context: &Context) -> Result<Handles> {
        let image = self.image.wait().as_ref().map_err(Clone::clone)?;
        let (mut module, mut function) = (ptr::null_mut(), ptr::null_mut());
        let name =
            CString::new(self.name.as_str()).map_err(|_| Error::device(context.name(), "a kernel without name"))?;
        let named = |error: Error| Error::device(context.name(), format!("kernel {}: {error}", self.name));
        // SAFETY: the context is bound, the image is whole and ends where it says, and handles are written. A module whose
        // function cannot be had is unloaded: nothing else knows of it.
        unsafe {
            context.check(context.driver.cuModuleLoadData(&mut module, image.as_ptr().cast())).map_err(named)?;
            let found = context.driver.cuModuleGetFunction(&mut function, module, name.as_ptr());
            context.check(found).map_err(named).inspect_err(|_| {
                if !context.has_failed() {
                    context.keep(context.driver.cuModuleUnload(module));
                }
            })?;
        }
        Ok(Handles { module, function })
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if let Some(handles) = self.function.get()
            && self.context.enter()
        {
            // SAFETY: loaded once; the device's work has ended, as nothing is dropped before that.
            self.context.keep(unsafe { self.context.driver.cuModuleUnload(handles.module) });
        }
    }
}

/// What a thread of its own does for a kernel.
struct Job {
    kernel: Arc<Kernel>,
    unit: Unit,
    target: Target,
    compiler: Compiler,
    cache: Option<Cache>,
    digest: Digest,
}

impl Job {
    fn run(&self) {
        let compiled = self.compiler.compile(&self.unit, self.target);
        let image = compiled
            .map(|compiled| compiled.image)
            .map_err(|error| error.of_unit(&self.unit, self.kernel.context.name()));
        if let (Ok(image), Some(cache)) = (&image, &self.cache) {
            cache.write(&self.digest, image);
        }
        let _first = self.kernel.image.set(image);
    }
}

/// Whoever waits for the kernel is told even where the thread ends before it is done.
impl Drop for Job {
    fn drop(&mut self) {
        let _done_already = self.kernel.image.set(Err(Error::device(
            self.kernel.context.name(),
            format!("kernel {}: the compilation was given up", self.unit.kernel),
        )));
    }
}

/// Lets as many compilations run at once as there are processors.
#[derive(Default)]
struct Gate {
    inside: Mutex<usize>,
    left: Condvar,
}

impl Gate {
    fn pass(&self, work: impl FnOnce()) {
        let limit = thread::available_parallelism().map_or(1, usize::from);
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inside =
            self.left.wait_while(inside, |inside| *inside >= limit).unwrap_or_else(PoisonError::into_inner);
        *inside += 1;
        drop(inside);
        let _inside = Inside(self);
        work();
    }
}

/// A compilation that runs. Its end lets the next one in.
struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0.inside.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}
