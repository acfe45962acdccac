//! Runs a formula over a span of memory, a register of lanes at a time.

use std::marker::PhantomData;

use super::definition::{Arguments, Formula, MAX_INPUTS, MAX_OUTPUTS, MAX_PARAMETERS};
use super::lanes::{LaneElement, Lanes, Program, dispatch, prefetch};
use super::simd::Simd;

/// The elements one call works on: each operand contiguous, random draws already made.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a, E> {
    /// One pointer per input.
    pub inputs: &'a [*const E],
    /// One pointer per random draw.
    pub draws: &'a [*const E],
    /// One pointer per output. An output may be the very same memory as an input, but not overlap one otherwise.
    pub outputs: &'a [*mut E],
    /// How many elements.
    pub count: usize,
    /// Where they are.
    pub traffic: Traffic,
}

/// Where the elements of a span are thought to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// In the caches.
    Cached,
    /// Beyond them: operands are asked for ahead.
    Ahead,
    /// Beyond them, and results are too many to stay: they are written past the caches.
    Streaming,
}

/// Evaluates `F` on every element of the span.
///
/// # Safety
/// The pointers are as many as the signature says and valid for `count` elements: inputs and draws for reading, outputs
/// for writing, and nobody else writes to any of them meanwhile.
pub unsafe fn run_span<F: Formula, E: LaneElement>(parameters: &[f64; MAX_PARAMETERS], span: &Span<'_, E>) {
    let padded = PADDED_BYTES / size_of::<E>();
    let count = span.count / padded * padded;
    if count > 0 {
        // Non-temporal stores need aligned vectors.
        let are_aligned = || span.outputs.iter().all(|&p| p.addr().is_multiple_of(PADDED_BYTES));
        let traffic = match span.traffic {
            Traffic::Streaming if !are_aligned() => Traffic::Ahead,
            traffic => traffic,
        };
        dispatch(Run::<F, E> { span: &Span { count, traffic, ..*span }, parameters, formula: PhantomData });
    }
    let rest = span.count - count;
    if rest > 0 {
        // SAFETY: as promised by the caller; the rest lies behind the whole registers.
        unsafe { run_rest::<F, E>(parameters, span, count, rest) };
    }
}

/// How many elements ahead large operands are asked for: what computes for long keeps the hardware from looking so far itself.
const AHEAD: usize = 768;
/// Bytes of a cache line.
const LINE: usize = 64;

/// A multiple of every register's size, and the alignment that non-temporal stores ask for.
const PADDED_BYTES: usize = 64;
/// The most elements of `PADDED_BYTES`.
const PADDED_MAX: usize = PADDED_BYTES / 4;

/// Works on the last elements in padded copies, so that they take the same path, and get the same bits, as all others.
///
/// # Safety
/// As [`run_span`], for the elements `from..from + rest`, with `rest` less than `PADDED_BYTES` hold.
unsafe fn run_rest<F: Formula, E: LaneElement>(
    parameters: &[f64; MAX_PARAMETERS],
    span: &Span<'_, E>,
    from: usize,
    rest: usize,
) {
    let mut sources = [[E::default(); PADDED_MAX]; MAX_INPUTS];
    let mut results = [[E::default(); PADDED_MAX]; MAX_OUTPUTS];
    let mut from_copies = [std::ptr::null(); MAX_INPUTS];
    for ((copy, place), &source) in sources.iter_mut().zip(&mut from_copies).zip(span.inputs.iter().chain(span.draws)) {
        // SAFETY: `rest` elements lie behind `from`, and fit the copy.
        unsafe { source.add(from).copy_to_nonoverlapping(copy.as_mut_ptr(), rest) };
        *place = copy.as_ptr();
    }
    let to_copies = results.each_mut().map(|copy| copy.as_mut_ptr());
    let (inputs, draws) = from_copies[..span.inputs.len() + span.draws.len()].split_at(span.inputs.len());
    let outputs = &to_copies[..span.outputs.len()];
    let whole = Span { inputs, draws, outputs, count: PADDED_BYTES / size_of::<E>(), traffic: Traffic::Cached };
    dispatch(Run::<F, E> { span: &whole, parameters, formula: PhantomData });
    for (copy, &output) in results.iter().zip(span.outputs) {
        // SAFETY: `rest` elements lie behind `from`.
        unsafe { copy.as_ptr().copy_to_nonoverlapping(output.add(from), rest) };
    }
}

/// A formula on whole registers.
struct Run<'a, F, E> {
    span: &'a Span<'a, E>,
    parameters: &'a [f64; MAX_PARAMETERS],
    formula: PhantomData<F>,
}

impl<F: Formula, E: LaneElement> Program<E> for Run<'_, F, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        self.run_interleaved::<L::Interleaved>();
    }
}

impl<F: Formula, E: LaneElement> Run<'_, F, E> {
    #[inline(always)]
    fn run_interleaved<L: Lanes<Element = E>>(self) {
        let &Span { count, traffic, .. } = self.span;
        let (are_far, streaming) = (traffic != Traffic::Cached, traffic == Traffic::Streaming);
        // As many as the formula has, which is known here: they stay in registers.
        let (mut sources, mut outputs) = ([std::ptr::null(); MAX_INPUTS], [std::ptr::null_mut(); MAX_OUTPUTS]);
        sources[..F::SIGNATURE.inputs].copy_from_slice(&self.span.inputs[..F::SIGNATURE.inputs]);
        sources[F::SIGNATURE.inputs..][..F::SIGNATURE.draws.len()]
            .copy_from_slice(&self.span.draws[..F::SIGNATURE.draws.len()]);
        outputs[..F::SIGNATURE.outputs].copy_from_slice(&self.span.outputs[..F::SIGNATURE.outputs]);
        let mut parameters = [Simd::<L>::from(0.0); MAX_PARAMETERS];
        for i in 0..F::SIGNATURE.parameters.len() {
            parameters[i] = Simd::from(self.parameters[i]);
        }
        let mut at = 0;
        while at < count {
            let mut numbers = [Simd::<L>::from(0.0); MAX_INPUTS];
            for i in 0..F::SIGNATURE.inputs + F::SIGNATURE.draws.len() {
                if are_far {
                    let mut lane = 0;
                    while lane < L::WIDTH {
                        prefetch(sources[i].wrapping_add(at + AHEAD + lane));
                        lane += LINE / size_of::<E>();
                    }
                }
                // SAFETY: `count` is a multiple of the register's width, and every source has as many elements.
                numbers[i] = Simd(unsafe { L::load(sources[i].add(at)) });
            }
            let (inputs, draws) = numbers.split_at(F::SIGNATURE.inputs);
            let mut results = [Simd::<L>::from(0.0); MAX_OUTPUTS];
            F::evaluate(Arguments { inputs, parameters: &parameters, draws }, &mut results);
            for i in 0..F::SIGNATURE.outputs {
                // SAFETY: as above; streaming is chosen only where every output is aligned.
                unsafe {
                    let output = outputs[i].add(at);
                    if streaming { results[i].0.stream(output) } else { results[i].0.store(output) }
                }
            }
            at += L::WIDTH;
        }
        if streaming {
            L::fence();
        }
    }
}
