//! Matrix products: plans of cuBLASLt, kept by problem, and cuBLAS where it has none.

mod blas;
mod epilogue;
mod matrix;
mod plan;
mod problem;

use std::collections::HashMap;
use std::fmt;
use std::ptr;
use std::sync::{Arc, PoisonError, RwLock};

use cudarc::cublaslt::sys::cublasLtHandle_t;

use super::context::Context;
use super::library::{self, CublasLt};
use super::once::Once;
use super::queue::Queue;
use super::{copy, map, reduce};
use crate::device::backend::{Epilogue, Product, Reduction, Seed};
use crate::device::view::View;
use crate::error::{Error, Result};
use crate::formula::catalogue::{activation, create};
use crate::memory::{Buffer, Memory, Stream};
use crate::scope;
use crate::shape::Layout;
use blas::Blas;
use epilogue::Fused;
use plan::{Places, Plan};
use problem::Problem;

/// What cuBLAS's documentation advises for Hopper and later, and for what came before.
const WORKSPACE: [usize; 2] = [32 << 20, 4 << 20];

/// The libraries at work on one device, loaded when the first product is asked for.
pub struct Matmul {
    libraries: Once<Libraries>,
    /// None for what cuBLASLt has no algorithm for.
    plans: RwLock<HashMap<Problem, Option<Arc<Plan>>>>,
}

struct Libraries {
    lt: Option<Lt>,
    blas: Once<Arc<Blas>>,
    workspace: Buffer,
}

struct Lt {
    functions: &'static CublasLt,
    handle: cublasLtHandle_t,
}

// SAFETY: a handle of cuBLASLt may be used from several threads at once.
unsafe impl Send for Lt {}
// SAFETY: as above.
unsafe impl Sync for Lt {}

/// Multiplies, then applies the epilogue: within the product where cuBLASLt knows it, else in one map after it.
pub fn run(queue: &mut Queue<'_>, product: &Product<'_>, epilogue: Option<&Epilogue<'_>>) -> Result<()> {
    if product.c.shape().count() == 0 {
        return Ok(());
    }
    let fused = match epilogue {
        Some(epilogue) if product.column_sums.is_none() => Fused::of(product, epilogue),
        Some(_) => None,
        None => Fused::of_sums(product),
    };
    let fused = fused.filter(|_| !product.accumulate);
    if let Some((fused, bias)) = fused
        && product.a.shape()[2] > 0
        && multiply(queue, product, fused, bias)?
    {
        return Ok(());
    }
    if product.a.shape()[2] == 0 {
        if !product.accumulate {
            map::run(queue, &create::constant { value: 0.0 }, &[], &[product.c], Seed::default())?;
        }
    } else {
        multiply(queue, product, Fused::Nothing, 0)?;
    }
    if let Some(sums) = product.column_sums {
        reduce::run(queue, Reduction::Sum { scale: 1.0 }, &activation::linear, &[product.b], sums)?;
    }
    let Some(Epilogue { formula, operands, outputs }) = epilogue else { return Ok(()) };
    let inputs: smallvec::SmallVec<[View<'_>; 4]> =
        std::iter::once(product.c).chain(operands.iter().copied()).collect();
    map::run(queue, *formula, &inputs, outputs, Seed::default())
}

/// Multiplies; gives whether that could be done: any plain product can.
fn multiply(queue: &mut Queue<'_>, product: &Product<'_>, fused: Fused, bias: u64) -> Result<bool> {
    let Some(problem) = Problem::of(product, fused) else { return multiply_copies(queue, product, fused, bias) };
    let (context, matmul) = (queue.context().clone(), queue.matmul());
    let libraries = matmul.libraries(&context, queue.memory())?;
    let places = Places {
        left: product.b.address(),
        right: product.a.address(),
        result: product.c.address(),
        bias,
        workspace: libraries.workspace.address(),
    };
    if let Some(plan) = matmul.plan(&context, libraries, &problem)? {
        queue.call(move |stream| context.check(plan.run(places, stream)))?;
        return Ok(true);
    }
    if fused != Fused::Nothing {
        return Ok(false);
    }
    if !problem.fits_in_32_bits() {
        let rule = "is a product that cuBLASLt has no algorithm for, and a size of it is beyond the 2^31 of cuBLAS";
        return Err(Error::shape("matmul", &[product.c.shape()], rule));
    }
    let (blas, bytes) = (libraries.blas(&context)?, libraries.workspace.bytes());
    queue.call(move |stream| context.check(blas.run(&problem, places, bytes, stream)))?;
    Ok(true)
}

/// As [`multiply`], where a factor has strides that cuBLAS has no word for.
fn multiply_copies(queue: &mut Queue<'_>, product: &Product<'_>, fused: Fused, bias: u64) -> Result<bool> {
    let dense = |queue: &mut Queue<'_>, view: View<'_>| -> Result<(Buffer, Layout)> {
        let layout = Layout::contiguous(view.shape().clone());
        let buffer = queue.scratch(view.shape().bytes(view.dtype())?)?;
        copy::run(queue, view, View::new(&buffer, &layout, view.dtype())?)?;
        Ok((buffer, layout))
    };
    let (a, b) = (dense(queue, product.a)?, dense(queue, product.b)?);
    let view = |(buffer, layout)| View::new(buffer, layout, product.c.dtype());
    let copies = Product { a: view((&a.0, &a.1))?, b: view((&b.0, &b.1))?, ..*product };
    if Problem::of(&copies, fused).is_none() {
        return Err(Error::shape("matmul", &[product.c.shape()], "of the result is not row-major"));
    }
    multiply(queue, &copies, fused, bias)
}

impl Matmul {
    /// Nothing loaded yet.
    pub fn new() -> Self {
        Self { libraries: Once::new(), plans: RwLock::default() }
    }

    fn libraries(&self, context: &Context, memory: &Memory) -> Result<&Libraries> {
        self.libraries.get_or_try(|| Libraries::load(context, memory))
    }

    fn plan(&self, context: &Context, libraries: &Libraries, problem: &Problem) -> Result<Option<Arc<Plan>>> {
        if let Some(known) = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(problem) {
            return Ok(known.clone());
        }
        let Some(lt) = &libraries.lt else { return Ok(None) };
        let made = Plan::new(lt.functions, lt.handle, problem, libraries.workspace.bytes());
        let plan = made.map_err(|failure| {
            let [n, m, k] = problem.sizes;
            Error::device(context.name(), format!("product {m}x{k} by {k}x{n} of {}: {failure}", problem.dtype))
        })?;
        let plan = plan.map(Arc::new);
        self.plans.write().unwrap_or_else(PoisonError::into_inner).insert(*problem, plan.clone());
        Ok(plan)
    }
}

impl Libraries {
    fn load(context: &Context, memory: &Memory) -> Result<Self> {
        let lt = match library::cublas_lt() {
            Ok(library) => Some(Lt::new(library, context)?),
            Err(absence) => {
                library::cublas().map_err(|other| {
                    Error::device(context.name(), format!("matrices cannot be multiplied: {absence}; {other}"))
                })?;
                None
            }
        };
        let _scope = scope::resume(scope::Label::ROOT.child("workspace"));
        let bytes = WORKSPACE[usize::from(context.facts().about.capability.0 < 9)];
        Ok(Self { lt, blas: Once::new(), workspace: memory.allocate(bytes, Stream::MAIN)? })
    }

    fn blas(&self, context: &Context) -> Result<Arc<Blas>> {
        let load = || {
            let refuse =
                |cause: String| Error::device(context.name(), format!("matrices cannot be multiplied: {cause}"));
            let library = library::cublas().map_err(|absence| refuse(absence.to_string()))?;
            Blas::new(library).map(Arc::new).map_err(|failure| refuse(failure.to_string()))
        };
        self.blas.get_or_try(load).cloned()
    }
}

impl Lt {
    fn new(functions: &'static CublasLt, context: &Context) -> Result<Self> {
        let mut handle = ptr::null_mut();
        // SAFETY: the context is bound, and a handle is written.
        context.check(unsafe { functions.cublasLtCreate(&mut handle) })?;
        Ok(Self { functions, handle })
    }
}

impl Drop for Lt {
    fn drop(&mut self) {
        // SAFETY: created once, and not used again.
        let _ = unsafe { self.functions.cublasLtDestroy(self.handle) };
    }
}

impl fmt::Debug for Matmul {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matmul({} plans)", self.plans.read().unwrap_or_else(PoisonError::into_inner).len())
    }
}
