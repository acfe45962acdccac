//! What a device can do at best, measured on that very device and kept for the next time.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::rows::Bound;
use crate::device::{Call, Device, Lane, Mark, Seed, cache_folder};
use crate::dtype::DType;
use crate::error::Result;
use crate::tensor::Tensor;

/// The best rates that were seen on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceilings {
    /// The device they are of.
    pub hardware: String,
    /// The version of this library that measured them.
    pub version: String,
    /// Bytes read and written in a second by copies of so many bytes in all, smallest first: what fits a cache is faster.
    pub copies: Vec<(u64, f64)>,
    /// Floating point operations in a second of square products, by element type.
    pub products: BTreeMap<String, f64>,
    /// Bytes in a second from the host to the device.
    pub transfers: f64,
    /// Seconds of the shortest operation there is.
    pub call: f64,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Of so many tries the best counts.
const TRIES: usize = 5;
/// A product is large enough where it takes this long.
const LONG: f64 = 0.01;

impl Ceilings {
    /// Those of a device: as kept from an earlier measurement of the same hardware by the same version, else measured now,
    /// which takes some seconds, and kept.
    ///
    /// # Errors
    /// The device fails, or has less than 64 MiB of memory.
    pub fn of(device: &Device) -> Result<Self> {
        match Self::kept(device) {
            Some(kept) => Ok(kept),
            None => {
                let measured = Self::measure(device, 64 << 20, 8192)?;
                measured.keep();
                Ok(measured)
            }
        }
    }

    /// Measures copies of up to so many bytes and products of up to such a width.
    ///
    /// # Errors
    /// The device fails, or has too little memory.
    pub fn measure(device: &Device, bytes: usize, width: usize) -> Result<Self> {
        let sizes = (0..7).rev().map(|step| bytes >> (2 * step)).filter(|&size| size >= 16 << 10);
        Ok(Self {
            hardware: device.hardware(),
            version: VERSION.into(),
            copies: sizes.map(|size| Ok((size as u64, copies(device, size)?))).collect::<Result<_>>()?,
            products: [DType::F32, DType::F64, DType::Bf16, DType::F16]
                .into_iter()
                .map(|dtype| Ok((dtype.to_string(), products(device, dtype, width)?)))
                .collect::<Result<_>>()?,
            transfers: transfers(device, bytes / 4)?,
            call: shortest_call(device)?,
        })
    }

    /// The least time that a call can take, and what it is bound by.
    pub fn floor(&self, call: &Call) -> (Bound, f64) {
        let is_transfer = matches!(call.operation, "upload" | "download" | "prefetch");
        let rate = if is_transfer { self.transfers } else { self.copying(call.work.bytes()) };
        let memory = call.work.bytes() as f64 / rate;
        let compute = call.work.flops as f64 / self.computing(call.dtype);
        let (bound, work) = if compute > memory { (Bound::Compute, compute) } else { (Bound::Memory, memory) };
        if self.call > work { (Bound::Launch, self.call) } else { (bound, work) }
    }

    /// Bytes in a second for an operation that moves so many: of copies that are no larger, the largest's.
    pub fn copying(&self, bytes: u64) -> f64 {
        let (within, beyond): (Vec<_>, Vec<_>) = self.copies.iter().partition(|(size, _)| *size <= bytes);
        within.last().or(beyond.first()).map_or(f64::INFINITY, |(_, rate)| *rate)
    }

    /// Floating point operations in a second with elements of this type; those of integers compute as f32.
    pub fn computing(&self, dtype: DType) -> f64 {
        let of = |dtype: DType| self.products.get(&dtype.to_string()).copied();
        of(dtype).or(of(DType::F32)).unwrap_or(f64::INFINITY)
    }

    fn kept(device: &Device) -> Option<Self> {
        let hardware = device.hardware();
        let kept: Self = serde_json::from_slice(&fs::read(file(&hardware)?).ok()?).ok()?;
        (kept.hardware == hardware && kept.version == VERSION).then_some(kept)
    }

    /// A failure, such as a full disk, costs a measurement next time and nothing else.
    fn keep(&self) {
        let write = || -> Option<()> {
            let path = file(&self.hardware)?;
            fs::create_dir_all(path.parent()?).ok()?;
            let mut aside = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
            serde_json::to_writer(&mut aside, self).ok()?;
            aside.persist(path).ok().map(drop)
        };
        let _kept = write();
    }
}

fn file(hardware: &str) -> Option<PathBuf> {
    Some(cache_folder()?.join(format!("ceilings-{:016x}.json", crate::kernels::hash(hardware))))
}

/// The shortest time of a call, of several tries of `times` calls each.
fn best(device: &Device, times: usize, call: impl Fn() -> Result<()>) -> Result<f64> {
    call()?;
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        device.synchronize()?;
        let begin = device.backend().mark(Lane::Compute)?;
        (0..times).try_for_each(|_| call())?;
        let end = device.backend().mark(Lane::Compute)?;
        least = least.min(seconds(device, &begin, &end)? / times as f64);
    }
    // A clock may be too coarse to see it.
    Ok(least.max(1e-9))
}

fn seconds(device: &Device, begin: &Mark, end: &Mark) -> Result<f64> {
    device.synchronize()?;
    device.backend().seconds_between(begin, end)
}

fn copies(device: &Device, bytes: usize) -> Result<f64> {
    let part = || Tensor::uniform(&[bytes / 8], 0.0, 1.0, DType::F32, Seed::default(), device);
    let (from, to) = (part()?, part()?);
    let times = ((8 << 20) / bytes).clamp(1, 256);
    Ok(bytes as f64 / best(device, times, || device.backend().copy(from.view()?, to.view()?))?)
}

fn products(device: &Device, dtype: DType, width: usize) -> Result<f64> {
    let (mut n, mut fastest) = (width.min(256), 0.0f64);
    loop {
        let a = Tensor::uniform(&[n, n], -1.0, 1.0, dtype, Seed::default(), device)?;
        let took = best(device, 1, || a.matmul(&a).map(drop))?;
        fastest = fastest.max(2.0 * (n as f64).powi(3) / took);
        if took > LONG || 2 * n > width {
            return Ok(fastest);
        }
        n *= 2;
    }
}

fn transfers(device: &Device, bytes: usize) -> Result<f64> {
    let (host, to) = (vec![1u8; bytes], Tensor::zeros(&[bytes], DType::U8, device)?);
    Ok(bytes as f64 / best(device, 1, || device.backend().upload(&host, to.buffer()))?)
}

fn shortest_call(device: &Device) -> Result<f64> {
    let one = || Tensor::full(&[1], 1.0, DType::F32, device);
    let (from, to) = (one()?, one()?);
    best(device, 256, || device.backend().copy(from.view()?, to.view()?))
}
