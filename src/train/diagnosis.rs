//! What goes on in the layers of a network during one step, as figures for tables and curves.

use serde::{Deserialize, Serialize};

use crate::nn::watch::{BINS, Distribution, ParameterReport, ResultReport};

/// The figures of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// By layer, from the input on.
    pub layers: Vec<LayerFigures>,
    /// By parameter.
    pub parameters: Vec<ParameterFigures>,
    /// How results and gradients are distributed: `results/hidden1`, `gradients/hidden1.weight`.
    pub distributions: Vec<(String, Distribution)>,
}

/// The figures of a run, where it is watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnoses {
    /// Of the last step of each epoch that is finished.
    pub epochs: Vec<Option<Diagnosis>>,
    /// Of that of the epoch under way, once it is made.
    pub running: Option<Diagnosis>,
}

/// What the results of a layer were like for a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

/// What a step did to a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterFigures {
    /// The parameter.
    pub parameter: String,
    /// Its Euclidean norm.
    pub norm: f64,
    /// That of its gradient, as the optimiser saw it.
    pub gradient_norm: Option<f64>,
    /// The norm of its change over its own.
    pub update_ratio: Option<f64>,
}

impl Diagnoses {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_none() && self.epochs.iter().all(Option::is_none)
    }
}

impl Diagnosis {
    pub(super) fn new(layers: Vec<ResultReport>, parameters: Vec<ParameterReport>) -> Self {
        let mut distributions = Vec::new();
        let layers = layers.into_iter().map(|report| {
            let ResultReport { layer, values, zeros, dead, saturated } = report;
            let (mean, deviation) = (values.mean, values.deviation);
            distributions.push((format!("results/{layer}"), values));
            LayerFigures { layer, mean, deviation, zeros, dead, saturated }
        });
        let layers = layers.collect();
        let parameters = parameters.into_iter().map(|report| {
            let ParameterReport { name, values, gradient, update } = report;
            let gradient_norm = gradient.as_ref().map(|gradient| gradient.norm);
            distributions.extend(gradient.map(|gradient| (format!("gradients/{name}"), gradient)));
            ParameterFigures { parameter: name, norm: values.norm, gradient_norm, update_ratio: update }
        });
        let parameters = parameters.collect();
        Self { layers, parameters, distributions }
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
