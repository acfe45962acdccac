//! Losses as a file describes them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::autograd::{CrossEntropy, Var};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// How far results are from targets: a loss of [`Var`], as its mean over the elements or rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// [`CrossEntropy`], of classes.
    CrossEntropy {},
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
    pub const ALL: [Self; 4] =
        [Self::CrossEntropy {}, Self::MeanSquaredError {}, Self::MeanAbsoluteError {}, Self::Huber { delta: 1.0 }];

    /// The name used in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy {} => "cross_entropy",
            Self::MeanSquaredError {} => "mean_squared_error",
            Self::MeanAbsoluteError {} => "mean_absolute_error",
            Self::Huber { .. } => "huber",
        }
    }

    /// What it is called for short, where it is.
    const fn short(self) -> Option<&'static str> {
        match self {
            Self::MeanSquaredError {} => Some("mse"),
            Self::MeanAbsoluteError {} => Some("mae"),
            _ => None,
        }
    }

    /// Whether its targets are values; else they are classes.
    pub const fn is_of_values(self) -> bool {
        !matches!(self, Self::CrossEntropy {})
    }

    /// Whether its settings are in their ranges.
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Huber { delta } if !(delta.is_finite() && delta > 0.0) => {
                Err(Error::argument("loss", format!("delta {delta} is not a finite number above 0")))
            }
            _ => Ok(()),
        }
    }

    /// The loss of results, shape [rows, outputs], against labels, shape `[rows]`, or values of the shape of the results.
    pub(super) fn of(self, results: &Var, targets: &Tensor, smoothing: f64) -> Result<Var> {
        match self {
            Self::CrossEntropy {} => CrossEntropy::new().label_smoothing(smoothing).of_labels(results, targets),
            Self::MeanSquaredError {} => results.mean_squared_error(targets),
            Self::MeanAbsoluteError {} => results.mean_absolute_error(targets),
            Self::Huber { delta } => results.huber(targets, delta),
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
        assert!(error.contains("'mes' is not a loss; known: cross_entropy, mean_squared_error"), "{error}");
    }
}
