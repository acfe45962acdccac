//! Samples whose features are indices into the tables of embeddings: which features, and that they are such.

use super::layers::LayerPlan;
use crate::autograd::Var;
use crate::data::{Dataset, Features};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::layer::{Built, Embedding, Layer};

/// A feature that is an index, and what it is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFeature {
    /// The place of the feature in a sample.
    pub feature: usize,
    /// Rows of the table that it is an index of.
    pub count: usize,
}

/// The features that these layers take for indices: those of samples of such sizes, rows and no images, that come to an embedding
/// as they are, past nothing but layers that choose and arrange.
///
/// # Errors
/// [`Error::Argument`] for an embedding of something computed, or of places that are not there.
pub fn index_features(layers: &[LayerPlan], input: &[usize]) -> Result<Vec<IndexFeature>> {
    let mut found = Vec::new();
    let row = match *input {
        [features] => Some((0..features).collect()),
        _ => None,
    };
    walk(layers, row, &mut found)?;
    found.sort_by_key(|index| (index.feature, index.count));
    // Of an index into two tables, what holds for the smaller one holds for both.
    found.dedup_by_key(|index| index.feature);
    Ok(found)
}

/// Goes on behind these features, if that is what the layers get; none behind something computed.
fn walk(layers: &[LayerPlan], mut places: Option<Vec<usize>>, found: &mut Vec<IndexFeature>) -> Result<()> {
    for layer in layers {
        places = match layer {
            LayerPlan::Embedding { count, .. } => {
                let places = places.ok_or_else(|| {
                    Error::argument(
                        "layers",
                        "an embedding takes features of samples, neither images nor what a layer computes",
                    )
                })?;
                found.extend(places.into_iter().map(|feature| IndexFeature { feature, count: *count }));
                None
            }
            // Places that are not there are the error of the layer, when it is built.
            LayerPlan::Select { features } => places.and_then(|places| {
                features.iter().map(|&nth| places.get(nth.checked_sub(1)?).copied()).collect::<Option<Vec<_>>>()
            }),
            LayerPlan::Flatten {} | LayerPlan::Reshape { .. } => places,
            LayerPlan::Branches { branches, .. } => {
                branches.iter().try_for_each(|branch| walk(&branch.layers, places.clone(), found))?;
                None
            }
            LayerPlan::Residual { layers } => walk(layers, places, found).map(|()| None)?,
            _ => None,
        };
    }
    Ok(())
}

/// Fails unless those features of every sample are indices; the error is the rule.
pub fn check_indices(samples: &Dataset, indices: &[IndexFeature]) -> Result<(), String> {
    let width = samples.geometry().features();
    let check = |sample: usize, &IndexFeature { feature, count }: &IndexFeature| {
        let value = match samples.features() {
            Features::Bytes(bytes) => f32::from(bytes[sample * width + feature]),
            Features::Floats(numbers) => numbers[sample * width + feature],
        };
        match value.fract() == 0.0 && value >= 0.0 && (value as usize) < count {
            true => Ok(()),
            false => Err(format!(
                "has {value} as feature {} of sample {sample}, and indices are whole numbers from 0 to {}",
                feature + 1,
                count - 1
            )),
        }
    };
    (0..samples.samples()).try_for_each(|sample| indices.iter().try_for_each(|index| check(sample, index)))
}

/// Fails unless a floating point type has every index of these.
///
/// # Errors
/// [`Error::Argument`] naming the table and the type.
pub fn check_exact(indices: &[IndexFeature], dtype: DType) -> Result<()> {
    // The first whole number behind which one is missing.
    let last = match dtype {
        DType::Bf16 => 1 << 8,
        DType::F16 => 1 << 11,
        _ => LayerPlan::MAX_INDICES,
    };
    match indices.iter().find(|index| index.count > last + 1) {
        Some(IndexFeature { count, .. }) => {
            let rule = format!(
                "{dtype} cannot tell the {count} rows of an embedding apart: beyond {last} numbers are missing"
            );
            Err(Error::argument("compute", rule))
        }
        None => Ok(()),
    }
}

/// An embedding whose indices come as the floats that all features are: whole numbers, which are exact (see [`check_exact`]).
#[derive(Debug)]
pub(super) struct EmbeddedFeatures(pub Embedding);

impl Layer for EmbeddedFeatures {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Built { output, parameters, forward } = self.0.build(input)?;
        Ok(Built::new(output, parameters, move |x, parameters, pass| {
            forward(&Var::constant(&x.tensor().cast(DType::I64)?), parameters, pass)
        }))
    }
}
