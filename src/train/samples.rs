//! The samples of a source, and how they become what a model sees and learns.

use super::choices::DataSource;
use super::options::TrainOptions;
use super::plan::ModelPlan;
use crate::data::{self, Dataset, Loader, Normalisation, Split};
use crate::device::Device;
use crate::error::{Error, Result};

/// What is to be learned of samples.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// A class; of a table, that of this column.
    Classes(Option<&'a str>),
    /// Numbers; of a table, those of these columns.
    Values(&'a [String]),
}

/// The training and test samples of a source.
pub fn load(source: &DataSource, wanted: Wanted, seed: u64) -> Result<Split> {
    match (source, wanted) {
        (DataSource::Digits, _) => data::digits(),
        (DataSource::Synthetic(count), _) => data::synthetic(*count, seed),
        (DataSource::Path(path), Wanted::Classes(label)) => data::load(path, label, seed),
        (DataSource::Path(path), Wanted::Values(columns)) => data::load_valued(path, columns, seed),
    }
}

/// How samples become what a model sees, and their targets what it learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Preparation {
    /// Of features.
    pub inputs: Normalisation,
    /// Of targets that are values.
    pub targets: Normalisation,
}

impl Preparation {
    /// The one for samples like these: features as the plan has them, values with mean 0 and deviation 1, so that losses and
    /// rates do not depend on units.
    pub fn new(plan: &ModelPlan, train: &Dataset) -> Result<Self> {
        Ok(Self { inputs: plan.normalisation(train)?, targets: Normalisation::of_values(train) })
    }

    /// Tensors of samples for a model with inputs of these sizes.
    pub fn loader<'a>(&'a self, samples: &'a Dataset, sizes: &'a [usize], device: &'a Device) -> Loader<'a> {
        Loader::new(samples, sizes, device).normalised(&self.inputs, &self.targets)
    }
}

/// The model that options ask for, and the samples as it takes them.
pub fn prepared(options: &TrainOptions) -> Result<(ModelPlan, Split)> {
    let split = load(&options.data, options.wanted(), options.seed)?;
    let outputs = split.train.classes().max(split.train.value_names().len());
    let plan = ModelPlan::new(options, split.train.geometry(), outputs);
    plan.check_compute(options.compute)?;
    let split = accepted(split, &plan)?;
    Ok((plan, split))
}

fn accepted(split: Split, plan: &ModelPlan) -> Result<Split> {
    let accept = |samples| plan.accept(samples).map_err(|rule| Error::argument("data", format!("the model {rule}")));
    Ok(Split { train: accept(split.train)?, test: accept(split.test)? })
}
