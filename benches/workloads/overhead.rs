//! What a call costs where there is next to nothing to compute.

use rectify::formula::catalogue::activation;
use rectify::{Result, Tape};

use super::{Operation, Workload, labels, random};

pub fn all() -> Vec<Workload> {
    vec![
        Workload::new("overhead/add/1", || -> Result<Operation> {
            let (a, b) = (random(&[1], 1)?, random(&[1], 2)?);
            Ok(Box::new(move || a.add(&b).map(drop)))
        }),
        Workload::new("overhead/relu/16", || -> Result<Operation> {
            let x = random(&[16], 1)?;
            Ok(Box::new(move || x.map(activation::relu).map(drop)))
        }),
        Workload::new("overhead/bias/8x8", || -> Result<Operation> {
            let (x, bias) = (random(&[8, 8], 1)?, random(&[8], 2)?);
            Ok(Box::new(move || x.add(&bias).map(drop)))
        }),
        Workload::new("overhead/sum/16", || -> Result<Operation> {
            let x = random(&[16], 1)?;
            Ok(Box::new(move || x.sum(&[]).map(drop)))
        }),
        Workload::new("overhead/matmul/4x4x4", || -> Result<Operation> {
            let (a, b) = (random(&[4, 4], 1)?, random(&[4, 4], 2)?);
            Ok(Box::new(move || a.matmul(&b).map(drop)))
        }),
        Workload::new("overhead/softmax/1x10", || -> Result<Operation> {
            let x = random(&[1, 10], 1)?;
            Ok(Box::new(move || x.softmax().map(drop)))
        }),
        Workload::new("overhead/reshape/16", || -> Result<Operation> {
            let x = random(&[16], 1)?;
            Ok(Box::new(move || x.reshape(&[4, 4]).map(drop)))
        }),
        Workload::new("overhead/gradient/4x3", || -> Result<Operation> {
            let (x, w, labels) = (random(&[2, 4], 1)?, random(&[4, 3], 2)?, labels(2, 3)?);
            Ok(Box::new(move || {
                let tape = Tape::new();
                let w = tape.variable(&w)?;
                tape.constant(&x).matmul(&w)?.cross_entropy(&labels)?.backward().map(drop)
            }))
        }),
    ]
}
