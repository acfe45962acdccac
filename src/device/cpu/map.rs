//! Applies a formula to every element: chunks that stay in the first-level cache, spread over threads.

use std::ops::Range;

use smallvec::SmallVec;

use super::draws;
use super::elements::pointer;
use super::operand::{Compute, Operand, needs_f64};
use super::threads::Threads;
use crate::device::backend::Seed;
use crate::device::view::View;
use crate::formula::{AnyFormula, MAX_INPUTS, MAX_OUTPUTS, Span, Traffic};
use crate::traversal::Traversal;

/// Elements a chunk of converted operands has: a handful of chunks fit the first-level cache.
pub const CHUNK: usize = 1024;
/// Rows at least this long are worked on as they lie, where the alternative is to gather them into chunks.
const LONG_ROW: usize = 128;
/// Elements below which another thread costs more than it gives.
const TASK: usize = 8192;
/// Bytes of operands from which on they are not all in a cache of a core.
const FAR: usize = 1 << 20;
/// Bytes of results from which on they are written past the caches.
const STREAMING: usize = 8 << 20;

/// Applies `formula` to the inputs, broadcast to the outputs' shape.
pub fn run(threads: &Threads, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>], seed: Seed) {
    let dtypes = inputs.iter().chain(outputs).map(View::dtype);
    if needs_f64(dtypes) {
        run_in::<f64>(threads, formula, inputs, outputs, seed);
    } else {
        run_in::<f32>(threads, formula, inputs, outputs, seed);
    }
}

/// Hands on a formula over operands as a function of ranges of their elements, each to be called for once: what is at hand part by
/// part. The formula draws nothing.
pub fn in_ranges<T>(
    formula: &dyn AnyFormula,
    inputs: &[View<'_>],
    outputs: &[View<'_>],
    run: impl FnOnce(&(dyn Fn(Range<usize>) + Sync)) -> T,
) -> T {
    let walk = Traversal::new(inputs.iter().chain(outputs).map(View::layout));
    if needs_f64(inputs.iter().chain(outputs).map(View::dtype)) {
        let map = Map::<f64>::over(formula, &walk, inputs, outputs, Seed::default());
        run(&|range| map.range(range.start, range.end, &mut map.scratch()))
    } else {
        let map = Map::<f32>::over(formula, &walk, inputs, outputs, Seed::default());
        run(&|range| map.range(range.start, range.end, &mut map.scratch()))
    }
}

fn run_in<E: Compute>(
    threads: &Threads,
    formula: &dyn AnyFormula,
    inputs: &[View<'_>],
    outputs: &[View<'_>],
    seed: Seed,
) {
    let lies_as_needed = |view: &View<'_>| view.dtype() == E::DTYPE && view.layout().is_contiguous();
    if formula.signature().draws.is_empty() && inputs.iter().chain(outputs).all(lies_as_needed) {
        run_flat::<E>(threads, formula, inputs, outputs);
    } else {
        let walk = Traversal::new(inputs.iter().chain(outputs).map(View::layout));
        Map::<E>::over(formula, &walk, inputs, outputs, seed).run(threads);
    }
}

/// Applies a formula to operands that all lie as it needs them: the common case, and one where every nanosecond shows.
fn run_flat<E: Compute>(threads: &Threads, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>]) {
    let count = outputs.first().map_or(0, |output| output.shape().count());
    let task = task_size(threads, count);
    // What was just read is in the caches already, and writing past them would only throw it out.
    let in_place = outputs.iter().any(|output| inputs.iter().any(|input| input.is_same(output)));
    let traffic = match outputs.len() * count * size_of::<E>() {
        bytes if !in_place && bytes >= STREAMING => Traffic::Streaming,
        _ => traffic::<E>(inputs.len() + outputs.len(), count),
    };
    threads.run(count.div_ceil(task), &|i| {
        let start = i * task;
        let mut sources = [std::ptr::null(); MAX_INPUTS];
        for (source, view) in sources.iter_mut().zip(inputs) {
            *source = pointer::<E>(view.address()).wrapping_add(start).cast_const();
        }
        let mut targets = [std::ptr::null_mut(); MAX_OUTPUTS];
        for (target, view) in targets.iter_mut().zip(outputs) {
            *target = pointer::<E>(view.address()).wrapping_add(start);
        }
        let (inputs, outputs) = (&sources[..inputs.len()], &targets[..outputs.len()]);
        let count = task.min(count - start);
        // SAFETY: every pointer leads to `count` elements of its view, and no other task writes them.
        unsafe { E::run(formula, &Span { inputs, draws: &[], outputs, count, traffic }) };
    });
}

/// Where so many operands of `count` elements are likely to be.
fn traffic<E>(operands: usize, count: usize) -> Traffic {
    if operands * count * size_of::<E>() >= FAR { Traffic::Ahead } else { Traffic::Cached }
}

/// Elements of a task: whole chunks, and enough tasks to even out threads of different speed.
fn task_size(threads: &Threads, count: usize) -> usize {
    count.div_ceil(threads.count() * 4).max(TASK).next_multiple_of(CHUNK)
}

/// A formula on the operands of one walk, computed in `E`.
pub struct Map<'a, E> {
    formula: &'a dyn AnyFormula,
    walk: &'a Traversal,
    inputs: SmallVec<[Operand; 4]>,
    outputs: SmallVec<[Operand; 2]>,
    seed: Seed,
    /// The most elements at a time.
    chunk: usize,
    /// Whether a chunk must end where a row does.
    by_rows: bool,
    traffic: Traffic,
    computing: std::marker::PhantomData<E>,
}

impl<'a, E: Compute> Map<'a, E> {
    /// A formula over a given walk of these operands.
    pub fn over(
        formula: &'a dyn AnyFormula,
        walk: &'a Traversal,
        inputs: &[View<'_>],
        outputs: &[View<'_>],
        seed: Seed,
    ) -> Self {
        let operand = |(index, view): (usize, &View<'_>)| Operand::new(view, walk, index);
        let places = 0..inputs.len() + outputs.len();
        let mut operands = places.zip(inputs.iter().chain(outputs)).map(operand);
        let operand_count = inputs.len() + outputs.len();
        let inputs: SmallVec<[_; 4]> = operands.by_ref().take(inputs.len()).collect();
        let outputs: SmallVec<[_; 2]> = operands.collect();
        let all = || inputs.iter().chain(&outputs);
        let flat = all().all(Operand::is_flat::<E>);
        let direct = all().all(|operand| operand.is_direct_in_rows::<E>(walk));
        let draws = !formula.signature().draws.is_empty();
        let near = all().all(Operand::is_near::<E>);
        let by_rows = !flat && walk.inner() >= if near { CHUNK } else { LONG_ROW };
        let whole = !draws && (flat || direct && by_rows);
        Self {
            formula,
            inputs,
            outputs,
            seed,
            chunk: if whole { usize::MAX } else { chunk_length(walk) },
            by_rows,
            traffic: traffic::<E>(operand_count, walk.count),
            walk,
            computing: std::marker::PhantomData,
        }
    }

    fn run(&self, threads: &Threads) {
        let count = self.walk.count;
        let task = task_size(threads, count);
        let task = if self.chunk == usize::MAX { task } else { task.next_multiple_of(self.chunk) };
        threads.run(count.div_ceil(task), &|i| {
            let mut scratch = self.scratch();
            self.range(i * task, count.min((i + 1) * task), &mut scratch);
        });
    }

    /// Works on the elements `start..end` of the walk.
    fn range(&self, start: usize, end: usize, scratch: &mut Scratch<E>) {
        let mut at = start;
        while at < end {
            let count = self.chunk_at(at, end);
            let mut outputs = [std::ptr::null_mut(); MAX_OUTPUTS];
            for (i, operand) in self.outputs.iter().enumerate() {
                let direct = self.is_direct(operand);
                outputs[i] = if direct { operand.at(self.walk, at) } else { scratch.row(self.result_row() + i) };
            }
            self.evaluate(at, count, &outputs[..self.outputs.len()], scratch);
            for (i, operand) in self.outputs.iter().enumerate() {
                if !self.is_direct(operand) {
                    // SAFETY: the formula has just written `count` results, and no other task has these elements.
                    unsafe {
                        let results = std::slice::from_raw_parts(outputs[i].cast_const(), count);
                        operand.write(self.walk, at, results);
                    }
                }
            }
            at += count;
        }
    }

    /// The first row of scratch behind those of inputs and draws.
    pub fn result_row(&self) -> usize {
        self.inputs.len() + self.formula.signature().draws.len()
    }

    /// The most elements that [`evaluate`](Self::evaluate) takes.
    pub fn chunk_length(&self) -> usize {
        chunk_length(self.walk)
    }

    /// Scratch for one task.
    pub fn scratch(&self) -> Scratch<E> {
        Scratch::new(self.chunk_length())
    }

    /// How many elements from `at` on can be worked on at once.
    pub fn chunk_at(&self, at: usize, end: usize) -> usize {
        let count = self.chunk.min(end - at);
        if self.by_rows { count.min(self.walk.inner() - at % self.walk.inner()) } else { count }
    }

    /// Evaluates the formula on `count` elements from `at` on into `outputs`.
    pub fn evaluate(&self, at: usize, count: usize, outputs: &[*mut E], scratch: &mut Scratch<E>) {
        let mut inputs = [std::ptr::null(); MAX_INPUTS];
        for (i, operand) in self.inputs.iter().enumerate() {
            inputs[i] = if self.is_direct(operand) {
                operand.at::<E>(self.walk, at).cast_const()
            } else {
                let row = scratch.row(i);
                let repeats = operand.repeats_from(self.walk, at);
                // What repeats itself fills its row of scratch once, and the row keeps it.
                if !scratch.keeps(i, repeats) {
                    let (at, count) = if repeats { (0, scratch.length) } else { (at, count) };
                    // SAFETY: a row of scratch has a chunk's elements, and inputs are not written meanwhile.
                    unsafe { operand.read(self.walk, at, std::slice::from_raw_parts_mut(row, count)) };
                }
                row.cast_const()
            };
        }
        let kinds = self.formula.signature().draws;
        let mut numbers = [std::ptr::null(); MAX_INPUTS];
        for (i, &kind) in kinds.iter().enumerate() {
            let row = scratch.row(self.inputs.len() + i);
            // SAFETY: as above.
            draws::fill(kind, self.seed, i, at, unsafe { std::slice::from_raw_parts_mut(row, count) });
            numbers[i] = row.cast_const();
        }
        let (inputs, draws) = (&inputs[..self.inputs.len()], &numbers[..kinds.len()]);
        // SAFETY: every pointer leads to `count` elements of its operand or of scratch, and no other task writes them.
        unsafe { E::run(self.formula, &Span { inputs, draws, outputs, count, traffic: self.traffic }) };
    }

    fn is_direct(&self, operand: &Operand) -> bool {
        operand.is_flat::<E>() || self.by_rows && operand.is_direct_in_rows::<E>(self.walk)
    }

    /// The walk.
    pub fn walk(&self) -> &'a Traversal {
        self.walk
    }

    /// Whether the first input lies in memory as it is needed, at least within each row of the walk.
    pub fn has_direct_input(&self) -> bool {
        self.inputs.first().is_some_and(|input| self.is_direct(input) || input.is_direct_in_rows::<E>(self.walk))
    }

    /// How many elements of the first input, which is direct, lie one behind the other from `at` on, up to `end`.
    pub fn direct_count(&self, at: usize, end: usize) -> usize {
        let inner = self.walk.inner();
        if self.inputs.first().is_some_and(Operand::is_flat::<E>) {
            end - at
        } else {
            (end - at).min(inner - at % inner)
        }
    }

    /// The memory of the first input's element `at` of the walk.
    pub fn direct_input(&self, at: usize) -> *const E {
        self.inputs.first().map_or(std::ptr::null(), |input| input.at::<E>(self.walk, at).cast_const())
    }
}

/// The most elements of a chunk: whole rows, where rows are shorter.
fn chunk_length(walk: &Traversal) -> usize {
    let inner = walk.inner().max(1);
    let longest = if inner < CHUNK { CHUNK / inner * inner } else { CHUNK };
    longest.min(walk.count.max(1))
}

/// Rows of a chunk's length for operands that do not lie as they are needed, made when first used.
pub struct Scratch<E> {
    length: usize,
    rows: SmallVec<[Row<E>; 4]>,
}

struct Row<E> {
    elements: Vec<E>,
    repeats: bool,
}

impl<E: Compute> Scratch<E> {
    /// No rows yet, for chunks of at most `length` elements.
    fn new(length: usize) -> Self {
        Self { length, rows: SmallVec::new() }
    }

    /// The row `index`.
    pub fn row(&mut self, index: usize) -> *mut E {
        while self.rows.len() <= index {
            self.rows.push(Row { elements: Vec::new(), repeats: false });
        }
        let row = &mut self.rows[index].elements;
        if row.is_empty() {
            *row = vec![E::default(); self.length];
        }
        row.as_mut_ptr()
    }

    /// Whether the row holds what it is about to hold, being filled with what `repeats` itself before and now.
    fn keeps(&mut self, index: usize, repeats: bool) -> bool {
        std::mem::replace(&mut self.rows[index].repeats, repeats) && repeats
    }
}
