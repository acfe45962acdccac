//! Times every workload that is not large with criterion: `cargo bench --bench speed -- matmul`.

#[allow(dead_code, reason = "criterion does the timing here")]
mod protocol;
mod workloads;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use protocol::Seen;

fn speed(criterion: &mut Criterion) {
    for workload in workloads::all().into_iter().filter(|workload| !workload.is_large) {
        // Inputs are made when the first round begins, so that a filter costs nothing for the rest.
        let mut operation = None;
        criterion.bench_function(&workload.name, |bencher| {
            let operation = operation.get_or_insert_with(|| (workload.prepare)().expect("inputs"));
            bencher.iter_custom(|runs| {
                let start = Instant::now();
                for _ in 0..runs {
                    operation(&mut Seen::nothing()).expect("the operation");
                }
                workloads::device().synchronize().expect("the device");
                start.elapsed()
            });
        });
    }
}

/// Short, as there are many.
fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
}

criterion_group!(name = benches; config = settings(); targets = speed);
criterion_main!(benches);
