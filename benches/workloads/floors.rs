//! What the machine can do: the rates that floors of other workloads are computed with.

use super::{Workload, gives, values};

pub fn all() -> Vec<Workload> {
    [1 << 16, 1 << 20, 1 << 24].map(copy).into()
}

/// One number read and one written for each element.
fn copy(count: usize) -> Workload {
    Workload::new(format!("floor/copy/{count}"), move || {
        let x = values(&[count], 1)?;
        gives(move || Ok([x.copy()?]))
    })
}
