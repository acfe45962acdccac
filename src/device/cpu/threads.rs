//! A fork-join pool for loops of a few microseconds and up.
//!
//! A parallel region opens a number of seats; workers that are awake take them, and the caller works along. The caller
//! then closes the seats that are left and waits only for the workers that sat down: a worker that the system has put to
//! sleep, or gives to someone else, costs nothing but its help.

use std::any::Any;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{env, hint, mem, ptr, thread};

/// How long an idle worker, or a caller with nothing left to do, spins before it gives its core away.
const SPIN: Duration = Duration::from_micros(30);
/// How long an idle worker stays awake in all; past this it sleeps until it is called. Waking it costs tens of microseconds.
const AWAKE: Duration = Duration::from_micros(200);

/// Threads that share the iterations of a loop. The calling thread is one of them.
#[derive(Debug)]
pub struct Threads {
    shared: Arc<Shared>,
    workers: usize,
}

impl Threads {
    /// A pool of `count` threads, the caller among them; fewer where the system refuses to start them.
    pub fn new(count: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let start = |index| {
            let shared = Arc::clone(&shared);
            // The handle is dropped: a detached thread never keeps the process from exiting.
            thread::Builder::new().name(format!("rectify-{index}")).spawn(move || shared.serve()).is_ok()
        };
        let workers = (1..count).take_while(|&index| start(index)).count();
        Self { shared, workers }
    }

    /// The pool of the process: one thread per available core, or as many as the environment variable `RECTIFY_THREADS`
    /// says where that is a positive number.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Threads> = OnceLock::new();
        GLOBAL.get_or_init(|| {
            let wanted = env::var("RECTIFY_THREADS").ok().and_then(|value| value.parse::<NonZero<usize>>().ok());
            let count = wanted.or_else(|| thread::available_parallelism().ok());
            Self::new(count.map_or(1, NonZero::get))
        })
    }

    /// How many threads share a loop, the caller included.
    pub fn count(&self) -> usize {
        self.workers + 1
    }

    /// Calls `work(0)` to `work(tasks - 1)`, each exactly once, on any thread and in any order, and returns when all have
    /// ended. A call from inside a task, or while another thread has the pool, runs on the calling thread alone.
    ///
    /// # Panics
    /// Where a task panics, the other tasks still run; then the first panic goes on in the caller.
    pub fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        if tasks <= 1 {
            return (0..tasks).for_each(work);
        }
        let region = Region { work, tasks, next: AtomicUsize::new(0), panic: Mutex::new(None) };
        let seats = self.workers.min(tasks.saturating_sub(1));
        if seats == 0 || self.shared.busy.swap(true, Acquire) {
            region.work();
        } else {
            self.shared.fork_join(&region, seats);
            self.shared.busy.store(false, Release);
        }
        let panic = lock(&region.panic).take();
        if let Some(payload) = panic {
            panic::resume_unwind(payload);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.gate.store(CLOSED, SeqCst);
        self.shared.wake(self.workers);
    }
}

/// One parallel loop. It lives on its caller's stack for as long as a worker has a seat in it.
struct Region<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    tasks: usize,
    next: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Region<'_> {
    /// Runs tasks until none is left. Never unwinds.
    fn work(&self) {
        loop {
            let task = self.next.fetch_add(1, Relaxed);
            if task >= self.tasks {
                return;
            }
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| (self.work)(task))) {
                self.keep(payload);
            }
        }
    }

    /// Keeps the first panic for the caller. The others are forgotten, not dropped: a payload's destructor may panic too.
    fn keep(&self, payload: Box<dyn Any + Send>) {
        let mut first = lock(&self.panic);
        if first.is_none() {
            *first = Some(payload);
        } else {
            mem::forget(payload);
        }
    }
}

/// The pool is gone: workers leave.
const CLOSED: u64 = 1 << 63;
/// One free seat. The bits below count the workers that are seated.
const SEAT: u64 = 1 << 32;

/// What the caller and the workers share.
#[derive(Debug, Default)]
struct Shared {
    /// Free seats and seated workers of the region, in one word.
    gate: AtomicU64,
    /// The region that the seats belong to; valid for whoever is seated.
    region: AtomicPtr<Region<'static>>,
    /// Whether a caller has the pool.
    busy: AtomicBool,
    /// How many workers are asleep or about to be; changed under `door`.
    sleepers: AtomicUsize,
    door: Mutex<()>,
    bell: Condvar,
}

impl Shared {
    /// Works through `region` with up to `seats` workers. Only for the caller that has the pool.
    fn fork_join(&self, region: &Region<'_>, seats: usize) {
        self.region.store(ptr::from_ref(region).cast_mut().cast(), Relaxed);
        self.gate.store(seats as u64 * SEAT, SeqCst);
        self.wake(seats);
        region.work();
        let mut seated = self.gate.fetch_and(SEAT - 1, Acquire) % SEAT;
        let idle = Idle::new();
        while seated > 0 {
            idle.pause();
            seated = self.gate.load(Acquire);
        }
    }

    /// Calls up to `count` sleeping workers. `gate` was stored before and a worker reads it after it has said that it
    /// sleeps, all in one total order: either the worker sees the gate or this sees the sleeper.
    fn wake(&self, count: usize) {
        let count = count.min(self.sleepers.load(SeqCst));
        if count > 0 {
            let _door = lock(&self.door);
            (0..count).for_each(|_| self.bell.notify_one());
        }
    }

    /// A worker's life: takes a seat, works, stands up; until the pool is gone.
    fn serve(&self) {
        while self.sit_down() {
            // SAFETY: this worker is seated, so the caller that stored the pointer, before it opened the gate, is still
            // in `fork_join`, where it holds the region; it leaves only after the subtraction below.
            unsafe { &*self.region.load(Relaxed) }.work();
            self.gate.fetch_sub(1, Release);
        }
    }

    /// Waits for a seat and takes it; false when the pool is gone.
    fn sit_down(&self) -> bool {
        let mut idle = Idle::new();
        loop {
            let gate = self.gate.load(Acquire);
            if gate == CLOSED {
                return false;
            } else if gate >= SEAT {
                if self.gate.compare_exchange_weak(gate, gate - SEAT + 1, Acquire, Relaxed).is_ok() {
                    return true;
                }
            } else if !idle.pause() {
                self.sleep();
                idle = Idle::new();
            }
        }
    }

    fn sleep(&self) {
        let mut door = lock(&self.door);
        self.sleepers.fetch_add(1, SeqCst);
        while self.gate.load(SeqCst) < SEAT {
            door = self.bell.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, SeqCst);
    }
}

/// A wait that began some time ago.
struct Idle(Instant);

impl Idle {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// Lets a moment pass, on this core at first, then giving it to others; says whether staying awake still pays.
    fn pause(&self) -> bool {
        let since = self.0.elapsed();
        if since < SPIN {
            (0..8).for_each(|_| hint::spin_loop());
        } else {
            thread::yield_now();
        }
        since < AWAKE
    }
}

/// Nothing is left half-done under these locks, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `tasks` tasks and checks that each ran exactly once.
    fn check_each_once(threads: &Threads, tasks: usize) {
        let counts: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        threads.run(tasks, &|i| {
            counts[i].fetch_add(1, Relaxed);
        });
        assert!(counts.iter().all(|count| count.load(Relaxed) == 1), "{tasks} tasks: {counts:?}");
    }

    const ROUNDS: usize = if cfg!(miri) { 5 } else { 2000 };

    #[test]
    fn each_task_runs_exactly_once() {
        for count in [1, 2, 3, 8] {
            let threads = Threads::new(count);
            assert_eq!(threads.count(), count);
            for round in 0..ROUNDS {
                check_each_once(&threads, round % 20);
            }
        }
    }

    #[test]
    fn sleeping_workers_come_back() {
        let threads = Threads::new(3);
        let asleep = || threads.shared.sleepers.load(SeqCst) == 2;
        for _ in 0..3 {
            while !asleep() {
                thread::yield_now();
            }
            // Every task waits for the others, so this ends only if both workers wake up.
            let barrier = std::sync::Barrier::new(3);
            threads.run(3, &|_| {
                barrier.wait();
            });
        }
    }

    #[test]
    fn nested_and_concurrent_calls_run_every_task() {
        let threads = Threads::new(3);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..ROUNDS / 5 {
                        threads.run(round % 5, &|i| check_each_once(&threads, i));
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_after_all_tasks_and_the_pool_goes_on() {
        let threads = Threads::new(2);
        for round in 0..ROUNDS / 20 {
            let ran = AtomicUsize::new(0);
            let result = panic::catch_unwind(AssertUnwindSafe(|| {
                threads.run(8, &|i| {
                    ran.fetch_add(1, Relaxed);
                    if i == round % 8 {
                        // Unlike `panic!`, prints nothing.
                        panic::resume_unwind(Box::new(i));
                    }
                });
            }));
            assert_eq!(*result.unwrap_err().downcast::<usize>().unwrap(), round % 8);
            assert_eq!(ran.load(Relaxed), 8);
        }
        check_each_once(&threads, 8);
    }

    #[test]
    fn workers_leave_with_their_pool() {
        let threads = Threads::new(4);
        let shared = Arc::downgrade(&threads.shared);
        check_each_once(&threads, 10);
        drop(threads);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
