//! The CPU backend: the product on machines without a GPU, and the reference for those with one.

mod axes;
mod combine;
mod copy;
mod direct;
mod draws;
mod elements;
mod gemm;
mod index;
mod map;
mod matmul;
mod operand;
mod reduce;
mod rows;
pub mod threads;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::backend::{Backend, Epilogue, Kernel, Lane, Mark, Product, Reduction, Residual, Seed};
use super::view::View;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::activation;
use crate::formula::lanes::Isa;
use crate::memory::{Buffer, Memory, Stream};
use threads::Threads;

/// Computes on the threads of this process, in host memory. Every call has ended when it returns, and calls from several
/// threads take turns, as on a stream: an update in place is never seen half done.
#[derive(Debug)]
pub struct Cpu {
    memory: Memory,
    threads: &'static Threads,
    turn: Mutex<()>,
}

impl Cpu {
    /// A backend over this memory of host addresses.
    pub fn new(memory: Memory) -> Self {
        Self { memory, threads: Threads::global(), turn: Mutex::default() }
    }

    fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the processor calls itself, where the system tells.
fn model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    named.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_owned()
}

impl Backend for Cpu {
    fn name(&self) -> String {
        "cpu".into()
    }

    fn hardware(&self) -> String {
        format!("{}, {}, {} threads", model(), Isa::current().name(), self.threads.count())
    }

    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn upload(&self, bytes: &[u8], to: &Buffer) -> Result<()> {
        if bytes.len() > to.bytes() {
            return Err(Error::argument("upload", format!("{} bytes do not fit {}", bytes.len(), to.bytes())));
        }
        let _turn = self.take_turn();
        // SAFETY: the buffer has at least as many bytes, and host memory of our own never overlaps a caller's slice.
        unsafe { elements::pointer::<u8>(to.address()).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    fn download(&self, from: &Buffer, bytes: &mut [u8]) -> Result<()> {
        if bytes.len() > from.bytes() {
            return Err(Error::argument("download", format!("{} bytes are not in {}", bytes.len(), from.bytes())));
        }
        let _turn = self.take_turn();
        // SAFETY: as for the upload.
        unsafe { elements::pointer::<u8>(from.address()).copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn prefetch(&self, bytes: &[u8]) -> Result<Buffer> {
        let buffer = self.memory.allocate(bytes.len(), Stream::MAIN)?;
        self.upload(bytes, &buffer)?;
        Ok(buffer)
    }

    fn arrive(&self, _buffer: &mut Buffer) -> Result<()> {
        Ok(())
    }

    fn copy(&self, from: View<'_>, to: View<'_>) -> Result<()> {
        let _turn = self.take_turn();
        if from.dtype() == to.dtype() {
            copy::copy(self.threads, from, to);
        } else {
            map::run(self.threads, &activation::linear, &[from], &[to], Seed::default());
        }
        Ok(())
    }

    fn map(&self, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>], seed: Seed) -> Result<()> {
        let _turn = self.take_turn();
        map::run(self.threads, formula, inputs, outputs, seed);
        Ok(())
    }

    fn reduce(
        &self,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[View<'_>],
        output: View<'_>,
    ) -> Result<()> {
        let _turn = self.take_turn();
        reduce::run(self.threads, reduction, formula, inputs, output);
        Ok(())
    }

    fn matmul(&self, product: &Product<'_>, epilogue: Option<&Epilogue<'_>>) -> Result<Residual> {
        let _turn = self.take_turn();
        let add_rows = |from, to| {
            reduce::run(self.threads, Reduction::Sum { scale: 1.0 }, &activation::linear, &[from], to);
        };
        match epilogue {
            Some(epilogue) => matmul::run_and_finish(self.threads, product, epilogue)?,
            None => matmul::run(self.threads, product)?,
        }
        if let Some(sums) = product.column_sums {
            add_rows(product.b, sums);
        }
        if let Some((epilogue, sums)) = epilogue.and_then(|epilogue| Some((epilogue, epilogue.sums?))) {
            add_rows(epilogue.output, sums);
        }
        Ok(Residual::Product)
    }

    fn launch(&self, kernel: Kernel<'_>) -> Result<()> {
        let _turn = self.take_turn();
        match kernel {
            Kernel::Softmax { log, input, output } => rows::softmax(self.threads, log, input, output),
            Kernel::SoftmaxBackward { log, output, gradient, input_gradient } => {
                rows::softmax_backward(self.threads, log, output, gradient, input_gradient);
            }
            Kernel::CrossEntropy { logits, labels, losses, gradient, scale } => {
                rows::cross_entropy(self.threads, logits, labels, losses, gradient, scale)?;
            }
            Kernel::Normalize(norm) => rows::normalize(self.threads, norm),
            Kernel::NormalizeBackward(norm) => rows::normalize_backward(self.threads, norm),
            Kernel::ArgMax { input, output } => rows::argmax(self.threads, input, output),
            Kernel::Gather { input, indices, output } => index::gather(self.threads, input, indices, output)?,
            Kernel::ScatterAdd { gradient, indices, input_gradient } => {
                index::scatter_add(self.threads, gradient, indices, input_gradient)?;
            }
            Kernel::Custom { kernel, .. } => {
                let (name, file, line) = (kernel.name(), kernel.file(), kernel.line());
                let rule = format!(
                    "kernel {name} ({file}:{line}) is CUDA C++: put its tensors on a CUDA device, as with --device cuda"
                );
                return Err(Error::device(self.name(), rule));
            }
        }
        Ok(())
    }

    fn mark(&self, _lane: Lane) -> Result<Mark> {
        Ok(Mark(Box::new(Instant::now())))
    }

    fn seconds_between(&self, from: &Mark, to: &Mark) -> Result<f64> {
        match (from.0.downcast_ref::<Instant>(), to.0.downcast_ref::<Instant>()) {
            (Some(&from), Some(&to)) => Ok(to.saturating_duration_since(from).as_secs_f64()),
            _ => Err(Error::argument("seconds_between", "a mark is of another device")),
        }
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}
