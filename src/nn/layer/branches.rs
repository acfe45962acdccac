//! Ways beside each other.

use super::super::chain::Chain;
use super::super::parameters::ParameterSpec;
use super::{Built, Layer, features, with_features};
use crate::autograd::Var;
use crate::error::{Error, Result};

/// A chain of layers whose result, of the shape of its input, is added to the input (He et al. 2016).
#[derive(Debug, Clone)]
pub struct Residual(pub Chain);

/// Chains of layers that all take the same input.
#[derive(Debug, Clone)]
pub struct Branches {
    /// The chains.
    pub chains: Vec<Chain>,
    /// How their results are brought together.
    pub join: Join,
}

/// How the results of several chains are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// One behind the other along the last axis; the other sizes are equal.
    Concatenate,
    /// Their sum; all are of one shape.
    Sum,
}

impl Layer for Residual {
    fn kind(&self) -> &'static str {
        "residual"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Built { output, parameters, forward } = self.0.build(input)?;
        if output != input {
            let rule = format!("the chain makes {output:?} of {input:?}, and they cannot be added");
            return Err(Error::argument("residual", rule));
        }
        Ok(Built::new(output, parameters, move |x, parameters, pass| forward(x, parameters, pass)?.add(x)))
    }
}

impl Layer for Branches {
    fn kind(&self) -> &'static str {
        "branches"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let built = self.chains.iter().map(|chain| chain.build(input)).collect::<Result<Vec<_>>>()?;
        let outputs: Vec<_> = built.iter().map(|branch| branch.output.as_slice()).collect();
        let (output, join) = (self.join.output(&outputs)?, self.join);
        let mut parameters = Vec::new();
        let mut ways = Vec::new();
        for (nth, branch) in built.into_iter().enumerate() {
            let first = parameters.len();
            let named = |spec: ParameterSpec| spec.within(&nth.to_string());
            parameters.extend(branch.parameters.into_iter().map(named));
            ways.push((branch.forward, first..parameters.len()));
        }
        Ok(Built::new(output, parameters, move |x, parameters, pass| {
            let run = |(forward, own): &(std::sync::Arc<super::Forward>, std::ops::Range<usize>)| {
                forward(x, &parameters[own.clone()], pass)
            };
            let results = ways.iter().map(run).collect::<Result<Vec<_>>>()?;
            join.run(&results)
        }))
    }
}

impl Join {
    fn output(self, outputs: &[&[usize]]) -> Result<Vec<usize>> {
        let Some((&first, rest)) = outputs.split_first() else {
            return Err(Error::argument("branches", "there are none"));
        };
        let like = |sizes: &[usize]| match self {
            Self::Sum => sizes.to_vec(),
            Self::Concatenate => with_features(sizes, 0),
        };
        if let Some(other) = rest.iter().find(|other| like(other) != like(first)) {
            return Err(Error::argument("branches", format!("results of {first:?} and {other:?} do not fit")));
        }
        match self {
            Self::Sum => Ok(first.to_vec()),
            Self::Concatenate => {
                let sizes = outputs.iter().map(|sizes| features("branches", sizes)).sum::<Result<usize>>()?;
                Ok(with_features(first, sizes))
            }
        }
    }

    fn run(self, results: &[Var]) -> Result<Var> {
        let (Some((first, rest)), Self::Sum) = (results.split_first(), self) else {
            let axis = results.first().map_or(0, |result| result.shape().rank() - 1);
            return Var::concatenate(&results.iter().collect::<Vec<_>>(), axis);
        };
        rest.iter().try_fold(first.clone(), |sum, result| sum.add(result))
    }
}
