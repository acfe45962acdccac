//! Factors of classes in the loss, as a file gives them.

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{Error, Result};

/// What the loss of a sample is multiplied by, by its class: `"balanced"`, or a list of numbers above 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "neither a list of numbers nor \"balanced\"")]
pub enum ClassWeights {
    /// The more, the fewer training samples a class has, so that all classes together weigh the same.
    Balanced,
    /// One for each class, in the order of their labels.
    #[serde(untagged)]
    Each(Vec<f64>),
}

impl ClassWeights {
    /// Whether every one is such as can be meant.
    pub(super) fn check(&self) -> Result<()> {
        let Self::Each(factors) = self else { return Ok(()) };
        match factors.iter().find(|&&factor| !(factor.is_finite() && factor > 0.0)) {
            Some(factor) => Err(refused(format!("{factor} is not a finite number above 0"))),
            None => Ok(()),
        }
    }

    /// A factor for each class of these samples. Balanced ones have mean 1 over the samples.
    ///
    /// # Errors
    /// [`Error::Argument`] for another number of them than classes, or a class without samples that is to be balanced.
    pub(super) fn factors(&self, train: &Dataset) -> Result<Vec<f32>> {
        let names = train.class_names();
        match self {
            Self::Each(factors) if factors.len() != names.len() => {
                Err(refused(format!("there are {} for {} classes", factors.len(), names.len())))
            }
            Self::Each(factors) => Ok(factors.iter().map(|&factor| factor as f32).collect()),
            Self::Balanced => {
                let mut counts = vec![0usize; names.len()];
                train.labels().iter().for_each(|&label| counts[label as usize] += 1);
                if let Some(class) = counts.iter().position(|&count| count == 0) {
                    let rule = format!("no training sample is of class '{}', which cannot be balanced", names[class]);
                    return Err(refused(rule));
                }
                let even = train.samples() as f64 / names.len() as f64;
                Ok(counts.iter().map(|&count| (even / count as f64) as f32).collect())
            }
        }
    }
}

fn refused(rule: String) -> Error {
    Error::argument("class_weights", rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Geometry;

    #[test]
    fn balanced_classes_weigh_the_same_together() {
        let labels = vec![0, 1, 1, 1, 2, 2, 1, 1];
        let set = Dataset::new(Geometry::row(1), vec![0; 8], labels, 3).unwrap();
        let factors = ClassWeights::Balanced.factors(&set).unwrap();
        assert_eq!(factors, [8.0 / 3.0, 8.0 / 15.0, 8.0 / 6.0]);
        let mean = set.labels().iter().map(|&label| factors[label as usize]).sum::<f32>() / 8.0;
        assert!((mean - 1.0).abs() < 1e-6, "{mean}");
        assert_eq!(ClassWeights::Each(vec![1.0, 2.0, 0.5]).factors(&set).unwrap(), [1.0, 2.0, 0.5]);
    }

    #[test]
    fn a_file_says_a_word_or_numbers() {
        for weights in [ClassWeights::Balanced, ClassWeights::Each(vec![0.1, 3.0])] {
            let json = serde_json::to_string(&weights).unwrap();
            assert_eq!(serde_json::from_str::<ClassWeights>(&json).unwrap(), weights, "{json}");
        }
        assert_eq!(serde_json::to_value(ClassWeights::Balanced).unwrap(), "balanced");
    }
}
