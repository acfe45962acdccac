//! Noise while training. The backward pass draws the same numbers again, so that no mask is kept.

use super::{Built, Layer, check};
use crate::error::Result;
use crate::formula;

formula! {
    /// Zero by chance, else divided by the share that stays.
    fn dropout(x; keep; chance: uniform) = chance.lt(keep).select(x / keep, 0.0);
    /// Times a normal number of mean 1.
    fn gaussian_dropout(x; deviation; deviate: normal) = x * (1.0 + deviation * deviate);
}

/// Dropout (Srivastava et al. 2014): in training, zeroes each element with this probability and divides the others by the
/// share that stays, so that nothing has to be done after training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout(pub f64);

impl Layer for Dropout {
    fn kind(&self) -> &'static str {
        "dropout"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self(rate) = *self;
        check("dropout", "rate", rate, (0.0..1.0).contains(&rate), "from 0 to below 1")?;
        Ok(Built::new(input, [], move |x, _, pass| match pass.seed() {
            Some(seed) if rate > 0.0 => crate::Var::zip_random(dropout { keep: 1.0 - rate }, [x], seed),
            _ => Ok(x.clone()),
        }))
    }
}

/// Multiplicative noise: in training, multiplies each element by a normal number of mean 1 and this standard deviation. A
/// deviation of sqrt(p / (1 - p)) has the spread of [`Dropout`] with probability p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianDropout(pub f64);

impl Layer for GaussianDropout {
    fn kind(&self) -> &'static str {
        "gaussian_dropout"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self(deviation) = *self;
        check(
            "gaussian_dropout",
            "deviation",
            deviation,
            deviation >= 0.0 && deviation.is_finite(),
            "a number from 0",
        )?;
        Ok(Built::new(input, [], move |x, _, pass| match pass.seed() {
            Some(seed) if deviation > 0.0 => crate::Var::zip_random(gaussian_dropout { deviation }, [x], seed),
            _ => Ok(x.clone()),
        }))
    }
}
