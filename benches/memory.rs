//! What an allocation and its release cost in the steady state: the promise is under 100 ns for the pair.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rectify::memory::{Host, Memory, Options, Stream};

fn pooled() -> Memory {
    Memory::with(Host, Options::default())
}

/// One block allocated and released again: a small one, and a large one that is split and merged each time.
fn pair(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memory/allocate_and_release");
    for bytes in [256, 32 << 10, 1 << 20, 16 << 20] {
        let memory = pooled();
        let _scope = rectify::scope::enter("bench");
        group.bench_function(bytes.to_string(), |bencher| {
            bencher.iter(|| black_box(memory.allocate(black_box(bytes), Stream::MAIN)).is_ok());
        });
    }
}

/// The life of a tape: 64 buffers of every size, released in reverse; the time is that of one pair.
fn tape(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memory/tape");
    const BUFFERS: usize = 64;
    group.throughput(Throughput::Elements(BUFFERS as u64));
    let memory = pooled();
    let mut alive = Vec::with_capacity(BUFFERS);
    group.bench_function(BUFFERS.to_string(), |bencher| {
        bencher.iter(|| {
            alive.extend((0..BUFFERS).map(|n| memory.allocate(256 << (n % 16), Stream::MAIN)));
            while let Some(buffer) = alive.pop() {
                drop(black_box(buffer));
            }
        });
    });
}

/// Two threads that do nothing but allocate and release from one memory; the time is that of one pair of either.
fn contended(criterion: &mut Criterion) {
    const THREADS: usize = 2;
    let memory = pooled();
    let run = |pairs: u64| -> Duration {
        let barrier = Barrier::new(THREADS);
        let work = || {
            barrier.wait();
            let start = Instant::now();
            (0..pairs).for_each(|_| drop(black_box(memory.allocate(256, Stream::MAIN))));
            start.elapsed()
        };
        thread::scope(|scope| {
            let threads = [(); THREADS].map(|()| scope.spawn(work));
            threads.map(|thread| thread.join().unwrap_or_default()).into_iter().max().unwrap_or_default()
        })
    };
    criterion.bench_function("memory/two_threads", |bencher| bencher.iter_custom(run));
}

criterion_group!(benches, pair, tape, contended);
criterion_main!(benches);
