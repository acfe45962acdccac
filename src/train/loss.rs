//! Losses as a file describes them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::autograd::{Aggregate, CrossEntropy, Var};
use crate::error::{Error, Result};
use crate::formula::catalogue::activation;
use crate::tensor::Tensor;

/// How far results are from targets: a loss of [`Var`], as its mean over the elements or rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// [`CrossEntropy`], of classes.
    CrossEntropy {},
    /// [`Var::binary_cross_entropy`], of each class for itself against whether it is the right one: `bce` for short.
    #[serde(alias = "bce")]
    BinaryCrossEntropy {},
    /// [`Var::multi_class_hinge`], of classes.
    Hinge {
        /// How far the score of the right class is to be above the others.
        #[serde(default = "one")]
        margin: f64,
    },
    /// [`Var::mean_squared_error`], of values: `mse` for short.
    #[serde(alias = "mse")]
    MeanSquaredError {},
    /// [`Var::mean_absolute_error`], of values: `mae` for short.
    #[serde(alias = "mae")]
    MeanAbsoluteError {},
    /// [`Var::huber`], of values.
    Huber {
        /// Where it goes over from the square to the magnitude.
        #[serde(default = "one")]
        delta: f64,
    },
}

fn one() -> f64 {
    1.0
}

impl Loss {
    /// Every loss, with its settings at the defaults.
    pub const ALL: [Self; 6] = [
        Self::CrossEntropy {},
        Self::BinaryCrossEntropy {},
        Self::Hinge { margin: 1.0 },
        Self::MeanSquaredError {},
        Self::MeanAbsoluteError {},
        Self::Huber { delta: 1.0 },
    ];

    /// The name used in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy {} => "cross_entropy",
            Self::BinaryCrossEntropy {} => "binary_cross_entropy",
            Self::Hinge { .. } => "hinge",
            Self::MeanSquaredError {} => "mean_squared_error",
            Self::MeanAbsoluteError {} => "mean_absolute_error",
            Self::Huber { .. } => "huber",
        }
    }

    /// What it is called for short, where it is.
    const fn short(self) -> Option<&'static str> {
        match self {
            Self::BinaryCrossEntropy {} => Some("bce"),
            Self::MeanSquaredError {} => Some("mse"),
            Self::MeanAbsoluteError {} => Some("mae"),
            _ => None,
        }
    }

    /// Whether its targets are values; else they are classes.
    pub const fn is_of_values(self) -> bool {
        matches!(self, Self::MeanSquaredError {} | Self::MeanAbsoluteError {} | Self::Huber { .. })
    }

    /// Whether its settings are in their ranges.
    pub(super) fn check(self) -> Result<()> {
        let (setting, value) = match self {
            Self::Huber { delta } => ("delta", delta),
            Self::Hinge { margin } => ("margin", margin),
            _ => return Ok(()),
        };
        match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(Error::argument("loss", format!("{setting} {value} is not a finite number above 0"))),
        }
    }

    /// The loss of results, shape [rows, outputs], against labels, shape `[rows]`, or values of the shape of the results.
    pub(super) fn of(self, results: &Var, targets: &Tensor) -> Result<Var> {
        match self {
            Self::CrossEntropy {} => CrossEntropy::new().of_labels(results, targets),
            Self::BinaryCrossEntropy {} => {
                let classes = results.shape().sizes().last().copied().unwrap_or(0);
                results.binary_cross_entropy(&targets.one_hot(classes, results.dtype())?)
            }
            Self::Hinge { margin } => results.multi_class_hinge(targets, margin, Aggregate::Mean),
            Self::MeanSquaredError {} => results.mean_squared_error(targets),
            Self::MeanAbsoluteError {} => results.mean_absolute_error(targets),
            Self::Huber { delta } => results.huber(targets, delta),
        }
    }

    /// The probabilities that a model trained with this loss gives classes by their scores, shape [rows, classes]: those of softmax
    /// for want of others where the loss knows none, as hinge does.
    pub(super) fn probabilities(self, scores: &Tensor) -> Result<Tensor> {
        match self {
            Self::BinaryCrossEntropy {} => scores.map(activation::sigmoid),
            _ => scores.softmax(),
        }
    }
}

impl FromStr for Loss {
    type Err = Error;

    /// Reads a name, with the settings at their defaults.
    fn from_str(text: &str) -> Result<Self> {
        let named = |loss: &Self| loss.name() == text || loss.short() == Some(text);
        Self::ALL.into_iter().find(named).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Error::argument("loss", format!("'{text}' is not a loss; known: {known}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;

    #[test]
    fn classes_have_the_losses_and_probabilities_of_their_scores() {
        let device = Device::cpu();
        let scores = Tensor::from_slice(&[2.0f32, 1.5, 0.0], &[1, 3], &device).unwrap();
        let label = Tensor::from_slice(&[0i64], &[1], &device).unwrap();
        let of = |loss: Loss| loss.of(&Var::constant(&scores), &label).unwrap().item().unwrap();
        let exp = [2.0f64, 1.5, 0.0].map(f64::exp);
        let all: f64 = exp.iter().sum();
        assert!((of(Loss::CrossEntropy {}) + (exp[0] / all).ln()).abs() < 1e-6);
        assert!((of(Loss::Hinge { margin: 1.0 }) - 0.5 / 3.0).abs() < 1e-6);
        assert!((of(Loss::Hinge { margin: 3.0 }) - (2.5 + 1.0) / 3.0).abs() < 1e-6);
        let shares = exp.map(|exp| exp / (1.0 + exp));
        let separate = -(shares[0].ln() + (1.0 - shares[1]).ln() + (1.0 - shares[2]).ln()) / 3.0;
        assert!((of(Loss::BinaryCrossEntropy {}) - separate).abs() < 1e-6);
        for (loss, expected) in
            [(Loss::BinaryCrossEntropy {}, shares), (Loss::Hinge { margin: 1.0 }, exp.map(|exp| exp / all))]
        {
            let found = loss.probabilities(&scores).unwrap().to_vec::<f32>().unwrap();
            assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{loss:?}: {found:?}");
        }
    }

    #[test]
    fn names_are_those_of_files_long_and_short() {
        for loss in Loss::ALL {
            assert_eq!(loss.name().parse::<Loss>().unwrap(), loss);
            for name in std::iter::once(loss.name()).chain(loss.short()) {
                let read: Loss = serde_json::from_value(serde_json::json!({ "kind": name })).unwrap();
                assert_eq!((read, name.parse::<Loss>().unwrap()), (loss, loss));
            }
        }
        let error = "mes".parse::<Loss>().unwrap_err().to_string();
        assert!(error.contains("'mes' is not a loss; known: cross_entropy, binary_cross_entropy, hinge"), "{error}");
    }
}
