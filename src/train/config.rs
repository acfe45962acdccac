//! The options of a run in a file.

use std::fs;
use std::path::Path;

use super::options::TrainOptions;
use crate::error::{Error, Result};

impl TrainOptions {
    /// Reads options from TOML, or from the `config.json` of an earlier run. What is not said is as by default.
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("small.toml");
    /// std::fs::write(&path, r#"
    ///     epochs = 5
    ///     compute = "bf16"
    ///     class_weights = "balanced"
    ///     optimizer = { kind = "adamw", beta2 = 0.99 }
    ///     momentum_warm_up = { from = 0.5, steps = 200 }
    ///     [schedule]
    ///     kind = "phases"
    ///     phases = [{ epochs = 3, share = 1.0 }, { epochs = 2, share = 0.1 }]
    ///     [[layers]]
    ///     kind = "conv2d"
    ///     filters = 8
    ///     size = [3, 3]
    ///     activation = "relu"
    ///     [[layers]]
    ///     kind = "dropout"
    ///     rate = 0.2
    /// "#).unwrap();
    /// let options = rectify::train::TrainOptions::read(&path)?;
    /// assert_eq!((options.epochs, options.layers.len(), options.rate()), (5, 2, 0.001));
    /// # Ok::<(), rectify::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] for a field that is not known, or a value of another kind than the field's; [`Error::Io`] where the
    /// system refuses to read. What can be read is not [checked](Self::check).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|cause| Error::io("read", path, cause))?;
        let read = match path.extension().is_some_and(|ending| ending == "json") {
            true => serde_json::from_str(&text).map_err(|cause| cause.to_string()),
            false => toml::from_str(&text).map_err(|cause| {
                let line = cause.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
                format!("line {line}: {}", cause.message())
            }),
        };
        read.map_err(|rule| Error::data(path, rule))
    }

    /// What stands in a `config.json`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a path that is no text.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        serde_json::to_value(self).map_err(|cause| Error::argument("config", cause.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::rates::{MomentumWarmUp, Phase};
    use crate::train::{ClassWeights, LayerPlan, Optimizer, RatePlan};

    fn read(name: &str, text: &str) -> Result<TrainOptions> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        TrainOptions::read(path)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for optimizer in Optimizer::ALL {
            let phases = vec![Phase { epochs: 2, share: 1.0 }, Phase { epochs: 1, share: 0.1 }];
            for schedule in RatePlan::ALL.into_iter().chain([RatePlan::Phases { phases }]) {
                let momentum_warm_up = Some(MomentumWarmUp { from: 0.1, steps: 7 });
                let class_weights = Some(ClassWeights::Each(vec![1.0, 0.3]));
                let average = Some(0.1 + 0.2);
                let layers = vec![LayerPlan::Dropout { rate: 1.0 / 3.0 }, LayerPlan::Flatten {}];
                let options = TrainOptions {
                    optimizer,
                    schedule,
                    momentum_warm_up,
                    class_weights,
                    average,
                    layers,
                    ..TrainOptions::default()
                };
                let text = options.resolved().to_json().unwrap().to_string();
                assert_eq!(read("config.json", &text).unwrap(), options.resolved());
                let text = toml::to_string(&options).unwrap();
                assert_eq!(read("config.toml", &text).unwrap(), options, "{text}");
            }
        }
    }

    #[test]
    fn a_rule_named_alone_has_the_defaults_of_the_library() {
        for optimizer in Optimizer::ALL {
            let text = format!("optimizer = {{ kind = \"{}\" }}", optimizer.name());
            assert_eq!(read("c.toml", &text).unwrap().optimizer, optimizer);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_one_clear_error() {
        let cases = [
            ("epoch = 3", "line 1: unknown field `epoch`"),
            ("epochs = 1\nbatch_size = -1", "line 2: invalid value: integer `-1`"),
            ("[optimizer]\nkind = \"adam\"\nmomentum = 0.9", "unknown field `momentum`"),
            ("[optimizer]\nkind = \"adan\"", "unknown variant `adan`"),
            ("[schedule]\nkind = \"constant\"\nto = 1", "unknown field `to`"),
            ("[[layers]]\nkind = \"flatten\"\nrate = 1", "unknown field `rate`"),
            ("[[layers]]\nkind = \"conv2d\"\nfilters = 3", "missing field `size`"),
            ("[[layers]]\nkind = \"dense\"\nunits = 3\nactivation = \"reluu\"", "'reluu' is not an activation"),
            ("data = 3", "line 1: invalid type: integer `3`, expected a string"),
            ("epochs = ", "line 1: "),
        ];
        for (text, expected) in cases {
            let said = read("c.toml", text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
