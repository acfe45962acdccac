//! What goes on in the layers of a network during one step, as figures for tables and curves.

use serde::Serialize;

use crate::nn::watch::{BINS, Distribution, ParameterReport, ResultReport};

/// The figures of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// By layer, from the input on.
    pub layers: Vec<LayerFigures>,
    /// By parameter.
    pub parameters: Vec<ParameterFigures>,
}

/// What the results of a layer were like for a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerFigures {
    /// The layer.
    pub layer: String,
    /// The mean of its results.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The share of results that are exactly 0.
    pub zeros: f64,
    /// The share of units that are 0 for the whole batch.
    pub dead: f64,
    /// The share of results near a bound, where results have bounds.
    pub saturated: Option<f64>,
    /// How the results are distributed.
    #[serde(skip)]
    pub values: Distribution,
}

/// What a step did to a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterFigures {
    /// The parameter.
    pub parameter: String,
    /// Its Euclidean norm.
    pub norm: f64,
    /// That of its gradient, as the optimiser saw it.
    pub gradient_norm: Option<f64>,
    /// The norm of its change over its own.
    pub update_ratio: Option<f64>,
    /// How its gradient is distributed.
    #[serde(skip)]
    pub gradient: Option<Distribution>,
}

impl Diagnosis {
    pub(super) fn new(layers: Vec<ResultReport>, parameters: Vec<ParameterReport>) -> Self {
        let layers = layers.into_iter().map(|report| {
            let ResultReport { layer, values, zeros, dead, saturated } = report;
            LayerFigures { layer, mean: values.mean, deviation: values.deviation, zeros, dead, saturated, values }
        });
        let parameters = parameters.into_iter().map(|report| ParameterFigures {
            parameter: report.name,
            norm: report.values.norm,
            gradient_norm: report.gradient.as_ref().map(|gradient| gradient.norm),
            update_ratio: report.update,
            gradient: report.gradient,
        });
        Self { layers: layers.collect(), parameters: parameters.collect() }
    }

    /// The curves of it: `dead/hidden1`, `update_ratio/hidden1.weight`.
    pub(super) fn curves(&self) -> Vec<(String, f64)> {
        let layers = self.layers.iter().flat_map(|figures| {
            let LayerFigures { layer, zeros, dead, saturated, .. } = figures;
            let named = [("zeros", Some(*zeros)), ("dead", Some(*dead)), ("saturated", *saturated)];
            named.map(|(name, value)| (format!("{name}/{layer}"), value))
        });
        let parameters = self.parameters.iter().flat_map(|figures| {
            let named = [("gradient_norm", figures.gradient_norm), ("update_ratio", figures.update_ratio)];
            named.map(|(name, value)| (format!("{name}/{}", figures.parameter), value))
        });
        layers.chain(parameters).filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The distributions in it: `results/hidden1`, `gradients/hidden1.weight`.
    pub(super) fn distributions(&self) -> impl Iterator<Item = (String, &Distribution)> {
        let results = self.layers.iter().map(|figures| (format!("results/{}", figures.layer), &figures.values));
        let gradients = self.parameters.iter().filter_map(|figures| {
            figures.gradient.as_ref().map(|gradient| (format!("gradients/{}", figures.parameter), gradient))
        });
        results.chain(gradients)
    }
}

/// Numbers that are distributed so, as exactly as its parts tell: each in the middle of its part.
pub(super) fn numbers(distribution: &Distribution) -> impl Iterator<Item = f32> {
    let (least, most) = distribution.range;
    let middle = move |part: usize| least + (most - least) * (part as f64 + 0.5) / BINS as f64;
    distribution
        .counts
        .into_iter()
        .enumerate()
        .flat_map(move |(part, count)| std::iter::repeat_n(middle(part) as f32, count))
}
