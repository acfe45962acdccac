//! What a file can say of layers, for the help.

/// Every kind of layer with its settings.
pub const HELP: &str = "\
Layers of a file, each [[layers]] with its kind and its settings, in brackets those that can be left
out; the layer of the output comes by itself:
  dense              units [activation bias]
  conv2d             filters size [stride padding dilation activation bias]
  max_pool2d         size [stride padding]
  average_pool2d     size [stride padding]
  dropout            rate
  gaussian_dropout   deviation
  flatten            (all axes as one)
  reshape            sizes
  channels_first     (as PyTorch has images)
  batch_norm         [epsilon momentum]
  layer_norm         [epsilon]
  rms_norm           [epsilon]
  maxout             units pieces
  activation         name
  learned            activation [per]: from the parameters it is given on, each \"unit\" its own or one
                     for the \"layer\": leaky_relu(0.25), which is PReLU then, srelu, apl,
                     shifted_relu, elu, swish, sharp_softplus, squareplus, isru, isrlu,
                     soft_exponential
  gated              activation
  concatenated_relu  (both signs beside each other)
  select             features: of a sample, by number from 1
  embedding          count width: a row of a table for each feature, an index from 0
  residual           layers: their result is added to their input
  branches           branches [join]: each has layers, joined by \"concatenate\" or \"sum\"";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rectify::train::LayerPlan;

    use super::HELP;

    /// The names that reading this fails for want of.
    fn expected(layer: &str) -> BTreeSet<String> {
        let error = serde_json::from_str::<LayerPlan>(layer).unwrap_err().to_string();
        let (_, names) = error.split_once("expected").unwrap_or_default();
        names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_layer_is_listed_with_all_its_settings() {
        let mut listed = BTreeSet::new();
        let indented = HELP.lines().filter_map(|line| line.strip_prefix("  "));
        for line in indented.filter(|line| !line.starts_with(' ')) {
            let (kind, rest) = line.split_once(' ').unwrap();
            let words = rest.split([':', ',', '(']).next().unwrap();
            let settings = words.split([' ', '[', ']']).filter(|word| !word.is_empty()).map(str::to_owned);
            let said: BTreeSet<String> = settings.collect();
            assert_eq!(said, expected(&format!(r#"{{"kind": "{kind}", "?": 0}}"#)), "{kind}");
            listed.insert(kind.to_owned());
        }
        assert_eq!(listed, expected(r#"{"kind": "?"}"#));
        assert!(listed.len() > 20);
    }
}
