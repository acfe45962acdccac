//! Measures a saved model on samples whose targets are known.

use std::time::Instant;

use super::choices::DataSource;
use super::event::{Class, ClassFigures, Evaluation, Figures};
use super::options::EvalOptions;
use super::samples::{Wanted, load};
use super::saved::{self, Outputs};
use super::verdicts::{Answers, Verdicts, judge, mean_score};
use crate::data::Dataset;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::report::Average;

/// The most classes whose confusion is told whole.
const MAX_TOLD: usize = 256;

/// Measures a saved model on the test samples of a source.
///
/// # Errors
/// A model or data file that cannot be read or does not fit the other, or a device that cannot be used.
pub fn evaluate(options: &EvalOptions) -> Result<Evaluation> {
    let device = Device::open(options.device)?;
    let saved::Model { plan, network, preparation, loss, seed, outputs } = saved::load(&options.model, &device)?;
    let test = load(&options.data, wanted(options, &outputs)?, seed)?.test;
    let test = plan.accept(test).map_err(|rule| Error::data(&options.model, rule))?;
    outputs.check(&test, &options.model)?;
    let start = Instant::now();
    let verdicts = judge(&network, &test, &preparation, loss, options.batch_size)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Evaluation {
        device: device.name(),
        dtype: network.parameters().flat().dtype().to_string(),
        model: options.model.clone(),
        samples: test.samples(),
        loss: verdicts.loss,
        figures: figures(&verdicts, &test, &outputs)?,
        seconds,
        samples_per_second: test.samples() as f64 / seconds,
    })
}

/// What to look for in the samples; columns that are not said are those that the model learned.
fn wanted<'a>(options: &'a EvalOptions, outputs: &'a Outputs) -> Result<Wanted<'a>> {
    match (outputs, &options.label, options.target.as_slice()) {
        (Outputs::Classes(_), label, []) => Ok(Wanted::Classes(label.as_deref())),
        (Outputs::Classes(_), ..) => {
            Err(Error::argument("target", "is of numbers, and the model tells classes: see label"))
        }
        (Outputs::Values(_), Some(_), _) => {
            Err(Error::argument("label", "is of classes, and the model predicts numbers: see target"))
        }
        (Outputs::Values(names), None, []) => {
            let has_columns = match &options.data {
                DataSource::Path(path) => path.extension().is_none_or(|ending| ending != "npz"),
                _ => {
                    return Err(Error::argument(
                        "data",
                        format!("'{}' has classes, and the model predicts numbers", options.data),
                    ));
                }
            };
            Ok(Wanted::Values(if has_columns { names } else { &[] }))
        }
        (Outputs::Values(_), None, columns) => Ok(Wanted::Values(columns)),
    }
}

fn figures(verdicts: &Verdicts, test: &Dataset, outputs: &Outputs) -> Result<Figures> {
    let (Answers::Classes { in_top_3, .. }, Outputs::Classes(names)) = (&verdicts.answers, outputs) else {
        let targets = verdicts.targets(test)?;
        return Ok(Figures::Values { score: mean_score(&targets), targets });
    };
    let confusion = verdicts.confusion(test, names)?;
    let named = names.iter().cloned().zip(confusion.per_class());
    Ok(Figures::Classes(Box::new(ClassFigures {
        accuracy: confusion.accuracy(),
        top_3_accuracy: *in_top_3 as f64 / test.samples() as f64,
        balanced_accuracy: confusion.balanced_accuracy(),
        matthews: confusion.matthews(),
        macro_average: confusion.average(Average::Macro),
        micro_average: confusion.average(Average::Micro),
        weighted_average: confusion.average(Average::Weighted),
        classes: named.map(|(name, scores)| Class { name, scores }).collect(),
        confusion: match names.len() {
            size @ 1..=MAX_TOLD => confusion.counts.chunks(size).map(<[u64]>::to_vec).collect(),
            _ => Vec::new(),
        },
    })))
}
