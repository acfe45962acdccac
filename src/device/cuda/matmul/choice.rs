//! Which algorithm a product runs: the library's first proposal, unless the fastest was looked for and kept on disk.
//!
//! All proposals give the same bits every time, but not the same as each other: so that nothing changes by itself, the
//! fastest is looked for only where that is [asked for](policy::tune_products), and whatever was found then is used from there on,
//! by this and every later process, on this kind of GPU with this version of the library.

use super::plan::{Algorithm, Places, Plan};
use super::problem::Problem;
use crate::device::cuda::cache::{Cache, Digest};
use crate::device::cuda::context::Context;
use crate::device::cuda::library::CublasLt;
use crate::device::cuda::queue::Queue;
use crate::device::cuda::stream::Event;
use crate::device::policy;
use crate::error::Result;

/// How many proposals are timed.
const PROPOSALS: usize = 8;
/// How often a product is run between two looks at the clock, and how often that is done: the shortest time counts.
const RUNS: usize = 10;
const TIMES: usize = 3;

/// What was found before.
pub struct Choices {
    cache: Option<Cache>,
    /// The GPU and the library: what a choice holds for.
    about: String,
}

impl Choices {
    /// The choices for a device with a library.
    pub fn new(context: &Context, lt: &CublasLt) -> Self {
        let device = &context.facts().about;
        let (name, (major, minor)) = (&device.name, device.capability);
        let about = format!("{name} {major}.{minor} {} cublasLt {}", device.multiprocessors, lt.version());
        Self { cache: Cache::from_env(), about }
    }

    /// The algorithm for a plan; none where the library has none.
    pub fn choose(
        &self,
        queue: &Queue<'_>,
        plan: &Plan,
        problem: &Problem,
        places: Places,
        workspace: usize,
    ) -> Result<Option<Algorithm>> {
        let context = queue.context();
        if let Some(kept) = self.kept(problem).and_then(|words| plan.known(words, workspace)) {
            return Ok(Some(kept));
        }
        // A product that is added to what is there cannot be tried out.
        let looks = policy::tunes_products() && !problem.accumulate && !queue.is_captured();
        let count = if looks { PROPOSALS } else { 1 };
        let proposals = plan.proposals(problem, workspace, count).map_err(|failure| context.error(failure))?;
        if !looks || proposals.is_empty() {
            return Ok(proposals.first().copied());
        }
        let fastest = fastest(queue, plan, &proposals, places)?;
        self.keep(problem, &fastest);
        Ok(Some(fastest))
    }

    fn kept(&self, problem: &Problem) -> Option<[u64; 8]> {
        let bytes = self.cache.as_ref()?.read(&self.digest(problem))?;
        Some(bytemuck::pod_read_unaligned(bytes.get(..size_of::<[u64; 8]>())?))
    }

    fn keep(&self, problem: &Problem, algorithm: &Algorithm) {
        if let Some(cache) = &self.cache {
            cache.write(&self.digest(problem), bytemuck::bytes_of(&algorithm.words));
        }
    }

    fn digest(&self, problem: &Problem) -> Digest {
        Digest::of(&["product", &self.about, &format!("{problem:?}")])
    }
}

/// The one of several that took the shortest time on the operands at hand, each after a run that does not count.
fn fastest(queue: &Queue<'_>, plan: &Plan, proposals: &[Algorithm], places: Places) -> Result<Algorithm> {
    let (context, stream) = (queue.context(), queue.settled()?);
    let (begin, end) = (Event::timed(context)?, Event::timed(context)?);
    let run = |algorithm| context.check(plan.run(algorithm, places, stream));
    let mut best = (f32::INFINITY, proposals[0]);
    for algorithm in proposals {
        run(algorithm)?;
        for _ in 0..TIMES {
            context.check(begin.record(stream))?;
            (0..RUNS).try_for_each(|_| run(algorithm))?;
            context.check(end.record(stream))?;
            end.synchronize()?;
            let time = end.milliseconds_since(&begin)?;
            if time < best.0 {
                best = (time, *algorithm);
            }
        }
    }
    Ok(best.1)
}
