//! What a model makes of a set of samples.

use super::event::Target;
use super::loss::Loss;
use super::samples::Preparation;
use super::score::Score;
use crate::autograd::Var;
use crate::data::{Batches, Dataset};
use crate::error::Result;
use crate::nn::Network;
use crate::report::scores::{mean_absolute_error, mean_squared_error, r2, top_k_hits};
use crate::report::{Agreement, Confusion};
use crate::tensor::Tensor;

/// What a model makes of samples.
pub struct Verdicts {
    /// The mean loss.
    pub loss: f64,
    /// What it says of each.
    pub answers: Answers,
}

/// What a model says of each of some samples, in order.
pub enum Answers {
    /// Classes.
    Classes {
        /// The class that a sample is taken for, and the probability given to that.
        predictions: Vec<(usize, f64)>,
        /// Samples whose class is among the three likeliest.
        in_top_3: usize,
    },
    /// Values in their units, `[samples, width]`.
    Values(Vec<f64>),
}

/// The mean of the figures of some targets.
pub fn mean_score(targets: &[Target]) -> Score {
    let mean = |figure: fn(&Target) -> f64| targets.iter().map(figure).sum::<f64>() / targets.len() as f64;
    Score::Values { r2: mean(|target| target.r2), mae: mean(|target| target.mae) }
}

/// Runs every sample through the model, `batch_size` at a time.
pub fn judge(
    model: &Network,
    samples: &Dataset,
    preparation: &Preparation,
    loss: Loss,
    batch_size: usize,
) -> Result<Verdicts> {
    let answers = match loss.is_of_values() {
        true => Answers::Values(Vec::with_capacity(samples.values().len())),
        false => Answers::Classes { predictions: Vec::with_capacity(samples.samples()), in_top_3: 0 },
    };
    let mut verdicts = Verdicts { loss: 0.0, answers };
    let loader = preparation.loader(samples, model.input(), model.device());
    for indices in Batches::new(samples.samples(), batch_size)?.epoch(0) {
        let batch = loader.batch(&indices)?;
        let results = model.infer(&batch.inputs)?;
        let mean = loss.of(&Var::constant(&results), &batch.targets)?;
        verdicts.loss += mean.item()? * indices.len() as f64 / samples.samples() as f64;
        verdicts.answers.take(&results, loss, samples, &indices, preparation)?;
    }
    Ok(verdicts)
}

impl Answers {
    /// Takes the results for the samples of these indices in.
    fn take(
        &mut self,
        results: &Tensor,
        loss: Loss,
        samples: &Dataset,
        indices: &[usize],
        by: &Preparation,
    ) -> Result<()> {
        match self {
            Self::Values(values) => {
                let width = samples.value_names().len();
                let rows = results.to_vec::<f32>()?;
                values.extend(rows.iter().enumerate().map(|(at, &x)| by.targets.undo(at % width, x.into())));
            }
            Self::Classes { predictions, in_top_3 } => {
                let classes = results.argmax(1)?.to_vec::<i64>()?;
                let confidence = loss.probabilities(results)?.max(&[1])?.to_vec::<f32>()?;
                let pairs = classes.into_iter().zip(confidence);
                predictions.extend(pairs.map(|(class, confidence)| (class as usize, f64::from(confidence))));
                let scores = results.to_vec::<f32>()?;
                *in_top_3 += top_k_hits(&scores, scores.len() / indices.len(), &samples.labels_at(indices)?, 3)?;
            }
        }
        Ok(())
    }
}

impl Verdicts {
    /// How good they are for these samples.
    pub fn score(&self, samples: &Dataset) -> Result<Score> {
        match &self.answers {
            Answers::Values(_) => Ok(mean_score(&self.targets(samples)?)),
            Answers::Classes { predictions, .. } => {
                let pairs = predictions.iter().zip(samples.labels());
                let right = pairs.filter(|((class, _), label)| *class == **label as usize).count();
                Ok(Score::Classes { accuracy: right as f64 / predictions.len().max(1) as f64 })
            }
        }
    }

    /// The counts of true and predicted classes of these names; of values there are none.
    pub fn confusion(&self, samples: &Dataset, names: &[String]) -> Result<Confusion> {
        let predictions = match &self.answers {
            Answers::Classes { predictions, .. } => predictions.as_slice(),
            Answers::Values(_) => &[],
        };
        let truth = samples.labels().iter().map(|&label| label as usize);
        Confusion::count(names.to_vec(), truth.zip(predictions.iter().map(|&(class, _)| class)))
    }

    /// Values and predictions, by target; of classes there are none.
    pub fn agreements(&self, samples: &Dataset) -> Vec<Agreement> {
        let Answers::Values(predicted) = &self.answers else { return Vec::new() };
        let names = samples.value_names();
        let pairs = |nth: usize| {
            let column = samples.values().iter().zip(predicted).skip(nth).step_by(names.len());
            column.map(|(&value, &predicted)| (f64::from(value), predicted)).collect()
        };
        names.iter().enumerate().map(|(nth, name)| Agreement { name: name.clone(), pairs: pairs(nth) }).collect()
    }

    /// The figures of each target.
    pub fn targets(&self, samples: &Dataset) -> Result<Vec<Target>> {
        let figures = |Agreement { name, pairs }: Agreement| {
            let (truth, predicted): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let (r2, mae) = (r2(&truth, &predicted)?, mean_absolute_error(&truth, &predicted)?);
            Ok(Target { name, r2, mae, rmse: mean_squared_error(&truth, &predicted)?.sqrt() })
        };
        self.agreements(samples).into_iter().map(figures).collect()
    }
}
