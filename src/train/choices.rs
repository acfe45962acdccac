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
    /// A folder of IDX files, named as MNIST's.
    Folder(PathBuf),
}

impl DataSource {
    /// How many digits `synthetic` generates where no number is given.
    pub const DEFAULT_SYNTHETIC: usize = 10_000;
    /// The most digits it generates.
    pub const MAX_SYNTHETIC: usize = 10_000_000;

    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Digits => Ok(()),
            Self::Synthetic(samples) => within("data", "synthetic samples", *samples, 1, Self::MAX_SYNTHETIC),
            Self::Folder(path) if path.is_dir() => Ok(()),
            Self::Folder(path) => {
                let rule = format!("'{}' is neither 'digits', 'synthetic[:N]' nor a folder", path.display());
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
            Self::Folder(path) => path.display().fmt(f),
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
            _ => Ok(Self::Folder(PathBuf::from(text))),
        }
    }
}
