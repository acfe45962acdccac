//! Some of the features.

use super::{Built, Layer, features, with_features};
use crate::autograd::Var;
use crate::error::{Error, Result};

/// The features of these places along the last axis, from 0, in this order; a place may stand there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select(pub Vec<usize>);

impl Layer for Select {
    fn kind(&self) -> &'static str {
        "select"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let count = features("select", input)?;
        if self.0.is_empty() || self.0.iter().any(|&place| place >= count) {
            return Err(Error::argument("select", format!("places {:?} are not among {count} features", self.0)));
        }
        let (axis, runs) = (input.len(), runs(&self.0));
        Ok(Built::new(with_features(input, self.0.len()), [], move |x, _, _| {
            let parts = runs.iter().map(|run| x.slice(axis, run.clone())).collect::<Result<Vec<_>>>()?;
            match &parts[..] {
                [part] => Ok(part.clone()),
                parts => Var::concatenate(&parts.iter().collect::<Vec<_>>(), axis),
            }
        }))
    }
}

/// Places as few ranges: each is one view.
fn runs(places: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for &place in places {
        match runs.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => runs.push(place..place + 1),
        }
    }
    runs
}
