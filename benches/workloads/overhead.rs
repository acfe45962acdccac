//! What a call costs where there is next to nothing to compute.

use rectify::formula::catalogue::activation;
use rectify::{Error, Tape};

use super::{Workload, gives, labels, values};

pub fn all() -> Vec<Workload> {
    vec![
        Workload::new("overhead/add/1", || {
            let (a, b) = (values(&[1], 1)?, values(&[1], 2)?);
            gives(move || Ok([a.add(&b)?]))
        }),
        Workload::new("overhead/relu/16", || {
            let x = values(&[16], 1)?;
            gives(move || Ok([x.map(activation::relu)?]))
        }),
        Workload::new("overhead/bias/8x8", || {
            let (x, bias) = (values(&[8, 8], 1)?, values(&[8], 2)?);
            gives(move || Ok([x.add(&bias)?]))
        }),
        Workload::new("overhead/sum/16", || {
            let x = values(&[16], 1)?;
            gives(move || Ok([x.sum(&[])?]))
        }),
        Workload::new("overhead/matmul/4x4x4", || {
            let (a, b) = (values(&[4, 4], 1)?, values(&[4, 4], 2)?);
            gives(move || Ok([a.matmul(&b)?]))
        }),
        Workload::new("overhead/softmax/1x10", || {
            let x = values(&[1, 10], 1)?;
            gives(move || Ok([x.softmax()?]))
        }),
        Workload::new("overhead/reshape/16", || {
            let x = values(&[16], 1)?;
            gives(move || Ok([x.reshape(&[4, 4])?]))
        }),
        Workload::new("overhead/gradient/4x3", || {
            let (x, w, labels) = (values(&[2, 4], 1)?, values(&[4, 3], 2)?, labels(2, 3)?);
            gives(move || {
                let tape = Tape::new();
                let w = tape.variable(&w)?;
                let gradients = tape.constant(&x).matmul(&w)?.cross_entropy(&labels)?.backward()?;
                Ok([gradients.of(&w).cloned().ok_or_else(|| Error::gradient("bench", "w has no gradient"))?])
            })
        }),
    ]
}
