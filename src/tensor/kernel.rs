//! Kernels that a person wrote, on tensors.

use std::path::Path;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Tensor;
use crate::device::{Device, Given, Kernel, Work};
use crate::error::{Error, Result};
use crate::kernels::{CustomKernel, Launch, Number, Parameter, Role};

/// A CUDA kernel that a person wrote. Its parameters are read from its text, and what it is given is held against them before
/// anything is queued. It is compiled when it is first launched on a device, and kept on disk like every other kernel.
///
/// ```no_run
/// use rectify::kernels::Launch;
/// use rectify::tensor::{Argument, CudaKernel};
/// use rectify::{Device, DeviceChoice, Tensor};
/// let saxpy = CudaKernel::from_source(
///     r#"extern "C" __global__ void saxpy(float a, const float* x, float* y, unsigned n) {
///         const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
///         if (i < n) y[i] += a * x[i];
///     }"#,
///     "saxpy",
/// )?;
/// let device = Device::open(DeviceChoice::Cuda(0))?;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], &[3], &device)?;
/// let y = Tensor::from_slice(&[0.5f32; 3], &[3], &device)?;
/// let arguments = [2.0f32.into(), (&x).into(), Argument::output(&y), 3u32.into()];
/// saxpy.launch(Launch::over(3, 256).flops(6), &arguments)?;
/// assert_eq!(y.to_vec::<f32>()?, [2.5, 4.5, 6.5]);
/// # Ok::<(), rectify::Error>(())
/// ```
///
/// The text is compiled as it is, with no headers but one: a line `#include "prelude.cuh"` gives the types `f16` and `bf16` with
/// `to_real` and `to_element<T>`, and the short names of all other types.
#[derive(Debug, Clone)]
pub struct CudaKernel(Arc<CustomKernel>);

/// What a kernel is given for a parameter: a tensor that is only read (`(&x).into()`), a tensor that may be written
/// ([`output`](Self::output)), or a number of exactly the parameter's type (`2.0f32.into()`).
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a>(Passed<'a>);

#[derive(Debug, Clone, Copy)]
enum Passed<'a> {
    Input(&'a Tensor),
    Output(&'a Tensor),
    Number(Number),
}

impl CudaKernel {
    /// The kernel `entry` of a text of CUDA C++. Messages call the text by the kernel's name: `saxpy.cu`.
    ///
    /// # Errors
    /// No such kernel, one that is not `extern "C"`, or a parameter that is neither a number nor a pointer to what tensors
    /// hold: [`Error::Kernel`] with the line.
    pub fn from_source(text: &str, entry: &str) -> Result<Self> {
        CustomKernel::new(text, &format!("{entry}.cu"), entry).map(|kernel| Self(Arc::new(kernel)))
    }

    /// The kernel `entry` of a file of CUDA C++.
    ///
    /// # Errors
    /// The file cannot be read; or as [`from_source`](Self::from_source).
    pub fn from_file(path: impl AsRef<Path>, entry: &str) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|cause| Error::io("read", path, cause))?;
        CustomKernel::new(&text, &path.display().to_string(), entry).map(|kernel| Self(Arc::new(kernel)))
    }

    /// What was read of the text.
    pub fn kernel(&self) -> &CustomKernel {
        &self.0
    }

    /// Queues it, on the device of the tensors. What is written is seen by everything that shares the buffer. The first launch
    /// on a device waits for the compiler. In recordings it is `custom` with its name.
    ///
    /// # Errors
    /// [`Error::Kernel`], with the line of the parameter or of the kernel: arguments that do not fit the parameters in number,
    /// type or whether they may be written; tensors with gaps, on several devices, or written while they overlap another; a
    /// text that does not compile; more threads or shared memory than the device has. [`Error::Device`] on the CPU.
    pub fn launch(&self, launch: Launch, arguments: &[Argument<'_>]) -> Result<()> {
        let device = self.check(arguments)?;
        let given = arguments.iter().map(|argument| argument.given()).collect::<Result<SmallVec<[_; 8]>>>()?;
        let work = self.work(launch, arguments);
        device.backend().launch(Kernel::Custom { kernel: &self.0, launch, arguments: &given, work })
    }

    /// Holds arguments against the parameters, and gives the device they are on. Nothing is compiled or queued.
    ///
    /// # Errors
    /// [`Error::Kernel`] where they do not fit: see [`launch`](Self::launch).
    pub fn check<'a>(&self, arguments: &[Argument<'a>]) -> Result<&'a Device> {
        let parameters = self.0.parameters();
        if parameters.len() != arguments.len() {
            let list: Vec<_> = parameters.iter().map(Parameter::to_string).collect();
            let (takes, given, list) = (parameters.len(), arguments.len(), list.join(", "));
            return Err(self.0.fault(self.0.line(), format!("takes {takes} arguments ({list}), {given} were given")));
        }
        let mut first: Option<&Tensor> = None;
        for (place, (parameter, argument)) in parameters.iter().zip(arguments).enumerate() {
            let fault = |rule: String| self.0.fault(parameter.line, format!("was given {rule}"));
            argument.0.check(parameter).map_err(fault)?;
            let Some(tensor) = argument.0.tensor() else { continue };
            if !first.get_or_insert(tensor).device().is_same(tensor.device()) {
                let devices = [first.unwrap_or(tensor), tensor].map(|tensor| tensor.device().name());
                let [before, device] = devices;
                return Err(fault(format!("a tensor on {device} for `{parameter}`, and one on {before} before it")));
            }
            let mut others = parameters.iter().zip(arguments).take(place);
            if let Some((other, _)) = others.find(|(_, other)| other.0.conflicts(argument.0)) {
                let rule = format!("the same elements for `{other}` and `{parameter}`, one of which may be written");
                return Err(fault(rule));
            }
        }
        let without =
            || self.0.fault(self.0.line(), "is given no tensor, so that nothing says on which device it runs");
        first.map(Tensor::device).ok_or_else(without)
    }

    /// What there is to do in a launch: as that says, else all elements once.
    pub fn work(&self, launch: Launch, arguments: &[Argument<'_>]) -> Work {
        let mut work = Work { flops: launch.flops, ..Work::default() };
        for argument in arguments {
            match argument.0 {
                Passed::Input(tensor) => work.read += (tensor.count() * tensor.dtype().size()) as u64,
                Passed::Output(tensor) => work.written += (tensor.count() * tensor.dtype().size()) as u64,
                Passed::Number(_) => {}
            }
        }
        match launch.bytes {
            Some(bytes) => Work { written: work.written.min(bytes), read: bytes.saturating_sub(work.written), ..work },
            None => work,
        }
    }
}

impl<'a> Argument<'a> {
    /// A tensor that the kernel may read and write: for a pointer that is not const.
    pub fn output(tensor: &'a Tensor) -> Self {
        Self(Passed::Output(tensor))
    }

    /// A number, of exactly the parameter's type.
    pub fn number(number: impl Into<Number>) -> Self {
        Self(Passed::Number(number.into()))
    }

    fn given(&self) -> Result<Given<'a>> {
        Ok(match self.0 {
            Passed::Input(tensor) => Given::Input(tensor.view()?),
            Passed::Output(tensor) => Given::Output(tensor.view()?),
            Passed::Number(number) => Given::Number(number),
        })
    }
}

impl<'a> From<&'a Tensor> for Argument<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self(Passed::Input(tensor))
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl From<$type> for Argument<'_> {
            fn from(number: $type) -> Self {
                Self::number(number)
            }
        })*
    };
}

numbers!(Number, f64, f32, half::f16, half::bf16, u8, u32, i32, i64, u64, usize);

impl<'a> Passed<'a> {
    fn tensor(self) -> Option<&'a Tensor> {
        match self {
            Self::Input(tensor) | Self::Output(tensor) => Some(tensor),
            Self::Number(_) => None,
        }
    }

    /// What it is that does not fit a parameter, where it does not.
    fn check(self, parameter: &Parameter) -> Result<(), String> {
        let tensor = match (parameter.role, self) {
            (Role::Number, Self::Number(number)) if number.of() == parameter.of => return Ok(()),
            (_, Self::Number(number)) => return Err(format!("a number of type {} for `{parameter}`", number.of())),
            (Role::Number, _) => return Err(format!("a tensor for `{parameter}`")),
            (Role::Input, Self::Output(_)) => {
                return Err(format!("an output for `{parameter}`, which is only read: give the tensor itself"));
            }
            (Role::Output, Self::Input(_)) => {
                let rule = "which may be written: give Argument::output, or declare it const";
                return Err(format!("an input for `{parameter}`, {rule}"));
            }
            (_, Self::Input(tensor) | Self::Output(tensor)) => tensor,
        };
        if parameter.dtype() != Some(tensor.dtype()) {
            return Err(format!("a tensor of {} for `{parameter}`: cast it", tensor.dtype()));
        }
        if !tensor.layout().is_contiguous() {
            let shape = tensor.shape();
            return Err(format!(
                "a tensor of shape {shape} for `{parameter}` that is not contiguous: give one that is"
            ));
        }
        Ok(())
    }

    /// Whether both have elements in common, and one of them may be written.
    fn conflicts(self, other: Self) -> bool {
        let written = matches!(self, Self::Output(_)) || matches!(other, Self::Output(_));
        let (Some(a), Some(b)) = (self.tensor(), other.tensor()) else { return false };
        written && a.count() > 0 && b.count() > 0 && a.shares_buffer(b) && a.overlaps(b)
    }
}
