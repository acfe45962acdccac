//! The batches of steps, and how they come to the device.

use crate::data::{Batch, Loader, PrefetchedBatch, Resident};
use crate::error::Result;
use crate::tensor::{Prefetched, Tensor};

/// What batches are made from.
#[derive(Debug)]
pub struct Supply {
    resident: Option<Resident>,
}

/// A batch on its way.
#[derive(Debug)]
pub enum Sent {
    /// The samples.
    Samples(PrefetchedBatch),
    /// Where they are among those that are there already.
    Places(Prefetched, Resident),
}

/// A batch that is there.
#[derive(Debug)]
pub enum Arrived {
    /// The samples.
    Samples(Batch),
    /// Where they are among those that were there before.
    Places(Tensor, Resident),
}

impl Supply {
    /// Batches of a loader's samples, which are put on the device first if they may be and fit.
    pub fn new(loader: &Loader<'_>, may_stay: bool) -> Result<Self> {
        Ok(Self { resident: if may_stay { Resident::of(loader)? } else { None } })
    }

    /// Sends the samples of these indices on their way.
    pub fn send(&self, loader: &Loader<'_>, indices: &[usize]) -> Result<Sent> {
        let Some(resident) = &self.resident else { return loader.prefetch(indices).map(Sent::Samples) };
        let places: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
        let places = Prefetched::new(&places, &[places.len()], loader.device())?;
        Ok(Sent::Places(places, resident.clone()))
    }
}

impl Sent {
    /// The batch: work queued from here on waits for it, the host does not.
    pub fn arrive(self) -> Result<Arrived> {
        match self {
            Self::Samples(batch) => batch.arrive().map(Arrived::Samples),
            Self::Places(places, resident) => Ok(Arrived::Places(places.arrive()?, resident)),
        }
    }

    /// Its size on the device.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Samples(batch) => batch.bytes(),
            Self::Places(places, _) => places.bytes(),
        }
    }
}

impl Arrived {
    /// What of it came from the host.
    pub fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Self::Samples(batch) => vec![&batch.inputs, &batch.targets],
            Self::Places(places, _) => vec![places],
        }
    }

    /// The samples, gathered if they are not at hand.
    pub fn batch(&self) -> Result<Batch> {
        match self {
            Self::Samples(batch) => Ok(batch.clone()),
            Self::Places(places, resident) => resident.batch(places),
        }
    }
}
