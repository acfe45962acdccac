//! Matrix products: plans of cuBLASLt, kept by problem, and cuBLAS where it has none.

mod blas;
mod choice;
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
use super::library::{self, CublasLt, Failure};
use super::once::Once;
use super::queue::Queue;
use super::{copy, map, reduce};
use crate::device::backend::{Epilogue, Product, Reduction, Residual, Seed};
use crate::device::view::View;
use crate::error::{Error, Result};
use crate::formula::catalogue::{activation, create};
use crate::memory::{Buffer, Memory, Stream};
use crate::scope;
use crate::shape::Layout;
use blas::Blas;
use choice::Choices;
use epilogue::{Fused, Within};
use matrix::three;
use plan::{Algorithm, Places, Plan};
use problem::Problem;

/// What cuBLAS's documentation advises for Hopper and later, and for what came before.
const WORKSPACE: [usize; 2] = [32 << 20, 4 << 20];

/// The libraries at work on one device, loaded when the first product is asked for.
pub struct Matmul {
    libraries: Once<Libraries>,
    /// None for what cuBLASLt has no algorithm for.
    plans: RwLock<HashMap<Problem, Option<Arc<Ready>>>>,
}

/// A plan, and how it is run.
struct Ready {
    plan: Plan,
    algorithm: Algorithm,
}

struct Libraries {
    lt: Option<Lt>,
    blas: Once<Arc<Blas>>,
    workspace: Buffer,
}

struct Lt {
    functions: &'static CublasLt,
    handle: cublasLtHandle_t,
    choices: Choices,
}

// SAFETY: a handle of cuBLASLt may be used from several threads at once.
unsafe impl Send for Lt {}
// SAFETY: as above.
unsafe impl Sync for Lt {}

/// Multiplies, then applies the epilogue: within the product where cuBLASLt knows it, else in one map after it.
pub fn run(queue: &mut Queue<'_>, product: &Product<'_>, epilogue: Option<&Epilogue<'_>>) -> Result<Residual> {
    if product.c.shape().count() > 0
        && product.a.shape()[2] > 0
        && !product.accumulate
        && let Some(residual) = run_within(queue, product, epilogue)?
    {
        return Ok(residual);
    }
    multiply_or_clear(queue, product)?;
    if let Some(sums) = product.column_sums {
        add_rows(queue, product.b, sums)?;
    }
    if let Some(epilogue) = epilogue {
        let inputs = epilogue.inputs(product.c);
        map::run(queue, epilogue.formula, &inputs, &[epilogue.output], Seed::default())?;
        if let Some(sums) = epilogue.sums {
            add_rows(queue, epilogue.output, sums)?;
        }
    }
    Ok(Residual::Product)
}

/// All of it as one product; none where cuBLASLt cannot.
fn run_within(
    queue: &mut Queue<'_>,
    product: &Product<'_>,
    epilogue: Option<&Epilogue<'_>>,
) -> Result<Option<Residual>> {
    let within = match (epilogue, product.column_sums) {
        (None, Some(_)) => Within::column_sums(product),
        (Some(epilogue), None) if epilogue.place == 0 && epilogue.sums.is_none() => {
            Within::activation(product, epilogue)
        }
        (Some(epilogue), None) => Within::gradient(product, epilogue),
        _ => None,
    };
    let Some(mut within) = within else { return Ok(None) };
    if within.fused == Fused::BiasReluMask {
        let mask = mask_of(queue, product)?;
        within.aside = mask.address();
        if multiply(queue, product, &within)? {
            return Ok(Some(Residual::Mask(mask)));
        }
        within = Within { fused: Fused::BiasRelu, aside: 0, ..within };
    }
    let argument = within.fused == Fused::BiasGeluArgument;
    let done = multiply(queue, product, &within)?;
    Ok(done.then_some(if argument { Residual::Argument } else { Residual::Product }))
}

/// Room for a mask of a product: one bit an element.
fn mask_of(queue: &Queue<'_>, product: &Product<'_>) -> Result<Buffer> {
    let [_, rows, columns] = three(product.c.shape());
    let bits = Fused::BiasReluMask.aside(columns).unwrap_or(columns);
    let _scope = scope::enter("mask");
    queue.memory().allocate(rows * bits / 8, queue.memory().working_stream())
}

fn multiply_or_clear(queue: &mut Queue<'_>, product: &Product<'_>) -> Result<()> {
    match (product.c.shape().count(), product.a.shape()[2]) {
        (0, _) => Ok(()),
        (_, 0) if product.accumulate => Ok(()),
        (_, 0) => map::run(queue, &create::constant { value: 0.0 }, &[], &[product.c], Seed::default()),
        _ => multiply(queue, product, &Within::nothing(product)).map(drop),
    }
}

fn add_rows(queue: &mut Queue<'_>, from: View<'_>, to: View<'_>) -> Result<()> {
    reduce::run(queue, Reduction::Sum { scale: 1.0 }, &activation::linear, &[from], to)
}

/// Multiplies; gives whether that could be done: any product with nothing else can.
fn multiply(queue: &mut Queue<'_>, product: &Product<'_>, within: &Within) -> Result<bool> {
    let Some(problem) = Problem::of(product, within) else { return multiply_copies(queue, product, within) };
    let (context, matmul) = (queue.context().clone(), queue.matmul());
    let libraries = matmul.libraries(&context, queue.memory())?;
    let places = Places {
        left: product.b.address(),
        right: product.a.address(),
        result: within.result,
        row: within.row,
        aside: within.aside,
        workspace: libraries.workspace.address(),
    };
    if let Some(ready) = matmul.ready(queue, libraries, &problem, places)? {
        queue.call(move |stream| context.check(ready.plan.run(&ready.algorithm, places, stream)))?;
        return Ok(true);
    }
    if within.fused != Fused::Nothing {
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
fn multiply_copies(queue: &mut Queue<'_>, product: &Product<'_>, within: &Within) -> Result<bool> {
    let dense = |queue: &mut Queue<'_>, view: View<'_>| -> Result<(Buffer, Layout)> {
        let layout = Layout::contiguous(view.shape().clone());
        let buffer = queue.scratch(view.shape().bytes(view.dtype())?)?;
        copy::run(queue, view, View::new(&buffer, &layout, view.dtype())?)?;
        Ok((buffer, layout))
    };
    let (a, b) = (dense(queue, product.a)?, dense(queue, product.b)?);
    let view = |(buffer, layout)| View::new(buffer, layout, product.c.dtype());
    let copies = Product { a: view((&a.0, &a.1))?, b: view((&b.0, &b.1))?, ..*product };
    if Problem::of(&copies, within).is_none() {
        return Err(Error::shape("matmul", &[product.c.shape()], "of the result is not row-major"));
    }
    multiply(queue, &copies, within)
}

impl Matmul {
    /// Nothing loaded yet.
    pub fn new() -> Self {
        Self { libraries: Once::new(), plans: RwLock::default() }
    }

    fn libraries(&self, context: &Context, memory: &Memory) -> Result<&Libraries> {
        self.libraries.get_or_try(|| Libraries::load(context, memory))
    }

    /// What a problem is run with, made when it is first asked for; none where cuBLASLt cannot.
    fn ready(
        &self,
        queue: &Queue<'_>,
        libraries: &Libraries,
        problem: &Problem,
        places: Places,
    ) -> Result<Option<Arc<Ready>>> {
        if let Some(known) = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(problem) {
            return Ok(known.clone());
        }
        let Some(lt) = &libraries.lt else { return Ok(None) };
        let refuse = |failure: Failure| {
            let [n, m, k] = problem.sizes;
            let name = queue.context().name();
            Error::device(name, format!("product {m}x{k} by {k}x{n} of {}: {failure}", problem.dtype))
        };
        let plan = Plan::new(lt.functions, lt.handle, problem, places).map_err(refuse)?;
        let algorithm = lt.choices.choose(queue, &plan, problem, places, libraries.workspace.bytes())?;
        let ready = algorithm.map(|algorithm| Arc::new(Ready { plan, algorithm }));
        self.plans.write().unwrap_or_else(PoisonError::into_inner).insert(*problem, ready.clone());
        Ok(ready)
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
        Ok(Self { functions, handle, choices: Choices::new(context, functions) })
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
