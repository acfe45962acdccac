//! Times every workload with criterion: `cargo bench --bench speed -- matmul`.

mod workloads;

use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};

fn speed(criterion: &mut Criterion) {
    for workload in workloads::all() {
        // Inputs are made when the first round begins, so that a filter costs nothing for the rest.
        let mut operation = None;
        criterion.bench_function(&workload.name, |bencher| {
            let operation = operation.get_or_insert_with(|| (workload.prepare)().expect("inputs"));
            bencher.iter_custom(|runs| {
                let start = Instant::now();
                for _ in 0..runs {
                    operation().expect("the operation");
                }
                workloads::device().synchronize().expect("the device");
                start.elapsed()
            });
        });
    }
}

criterion_group!(benches, speed);
criterion_main!(benches);
