//! Activations whose parameters are learned: those of a file, from the values that it gives them on.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formula::Formula;
use crate::formula::catalogue::activation::{
    apl_hinge, parametric_apl, parametric_elu, parametric_isrlu, parametric_isru, parametric_soft_exponential,
    parametric_softplus, parametric_squareplus, parametric_swish, prelu, srelu_left, srelu_right, threshold_relu,
};
use crate::nn::layer::{Branches, Join, Layer, Learned, Per};
use crate::nn::{Activation, Chain};

/// What a learned number belongs to: [`Per`] in words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// All units share it.
    Layer,
    /// Each unit, along the last axis, has its own.
    #[default]
    Unit,
}

/// The activation as a layer that learns its parameters, which begin as they are here: `leaky_relu` is PReLU then (He et al.
/// 2015), `srelu` that of Jin et al. 2016, `apl` that of Agostinelli et al. 2014.
///
/// # Errors
/// [`Error::Argument`] for one that has nothing to learn.
pub(super) fn learned(activation: Activation, share: Share) -> Result<Box<dyn Layer>> {
    let per = match share {
        Share::Layer => Per::Layer,
        Share::Unit => Per::Unit,
    };
    match activation {
        Activation::LeakyRelu { slope } => Ok(of_one(prelu, per, slope)),
        Activation::ShiftedRelu { threshold } => Ok(of_one(threshold_relu, per, threshold)),
        Activation::Elu { alpha } => Ok(of_one(parametric_elu, per, alpha)),
        Activation::Swish { slope } => Ok(of_one(parametric_swish, per, slope)),
        Activation::SharpSoftplus { sharpness } => Ok(of_one(parametric_softplus, per, sharpness)),
        Activation::Squareplus { b } => Ok(of_one(parametric_squareplus, per, b)),
        Activation::Isru { alpha } => Ok(of_one(parametric_isru, per, alpha)),
        Activation::Isrlu { alpha } => Ok(of_one(parametric_isrlu, per, alpha)),
        Activation::SoftExponential { alpha } => Ok(of_one(parametric_soft_exponential, per, alpha)),
        Activation::Srelu { left, left_slope, right, right_slope } => {
            let half = Chain::new().add_named("left", Learned::new(srelu_left, per, &[left, left_slope]));
            Ok(Box::new(half.add_named("right", Learned::new(srelu_right, per, &[right, right_slope]))))
        }
        Activation::Apl { slope1, hinge1, slope2, hinge2 } => {
            let first = Chain::new().add_named("hinge", Learned::new(parametric_apl, per, &[slope1, hinge1]));
            let second = Chain::new().add_named("hinge", Learned::new(apl_hinge, per, &[slope2, hinge2]));
            Ok(Box::new(Branches { chains: vec![first, second], join: Join::Sum }))
        }
        other => Err(Error::argument("layers", format!("{other} has no parameters that can be learned"))),
    }
}

fn of_one(formula: impl Formula, per: Per, value: f64) -> Box<dyn Layer> {
    Box::new(Learned::new(formula, per, &[value]))
}
