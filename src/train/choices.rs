//! Where samples come from, typed as one word.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use super::options::within;
use crate::error::{Error, Result};

/// Where samples come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// The embedded 8x8 handwritten digits.
    Digits,
    /// This many generated 28x28 digits.
    Synthetic(usize),
    /// A file or folder that [`crate::data::load`] can read.
    Path(PathBuf),
}

impl DataSource {
    /// How many digits `synthetic` generates where no number is given.
    pub const DEFAULT_SYNTHETIC: usize = 10_000;
    /// The most digits it generates.
    pub const MAX_SYNTHETIC: usize = 10_000_000;

    /// Whether there can be such samples, whose labels are in the column `label` of a table, or that have values to predict.
    pub(super) fn check(&self, label: Option<&str>, of_values: bool) -> Result<()> {
        match self {
            Self::Digits | Self::Synthetic(_) if of_values => {
                Err(Error::argument("data", format!("'{self}' has classes, and numbers are to be predicted")))
            }
            Self::Digits | Self::Synthetic(_) if label.is_some() => {
                Err(Error::argument("label", format!("names a column of a table, and '{self}' is none")))
            }
            Self::Digits => Ok(()),
            Self::Synthetic(samples) => within("data", "synthetic samples", *samples, 1, Self::MAX_SYNTHETIC),
            Self::Path(path) if path.is_dir() || path.is_file() => Ok(()),
            Self::Path(path) => {
                let rule = format!("'{}' is neither 'digits', 'synthetic[:N]' nor a file or folder", path.display());
                Err(Error::argument("data", rule))
            }
        }
    }
}

impl Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => f.write_str("digits"),
            Self::Synthetic(samples) => write!(f, "synthetic:{samples}"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for DataSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "digits" => Ok(Self::Digits),
            None if text == "synthetic" => Ok(Self::Synthetic(Self::DEFAULT_SYNTHETIC)),
            Some(("synthetic", samples)) => match samples.parse() {
                Ok(samples) => Ok(Self::Synthetic(samples)),
                Err(_) => Err(Error::argument("data", format!("'{samples}' is not a number of samples"))),
            },
            _ => Ok(Self::Path(PathBuf::from(text))),
        }
    }
}
