//! Layers one behind the other.

use std::collections::HashMap;
use std::sync::Arc;

use super::layer::{Built, Forward, Layer};
use crate::error::{Error, Result};
use crate::scope;

/// Layers one behind the other, each with a name: that of its kind and how many of the kind came before, such as `conv2d2`, or
/// one it is given. Layers of one name share their parameters.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    layers: Vec<(String, Arc<dyn Layer>)>,
}

/// One layer of a chain that was built.
pub(super) struct Link {
    pub name: String,
    pub kind: &'static str,
    pub output: Vec<usize>,
    pub forward: Arc<Forward>,
    /// The places of its parameters among those of the chain.
    pub parameters: Vec<usize>,
}

impl Chain {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more layer at the end.
    #[allow(clippy::should_implement_trait, reason = "it appends: nothing is added up")]
    pub fn add(self, layer: impl Layer + 'static) -> Self {
        let kind = layer.kind();
        let same = self.layers.iter().filter(|(_, other)| other.kind() == kind).count();
        self.add_named(&format!("{kind}{}", same + 1), layer)
    }

    /// With one more layer of this name. A name that is there already means the same parameters.
    pub fn add_named(mut self, name: &str, layer: impl Layer + 'static) -> Self {
        self.layers.push((name.to_owned(), Arc::new(layer)));
        self
    }

    /// The layers for inputs of these sizes, and the parameters of all.
    pub(super) fn links(&self, input: &[usize]) -> Result<(Vec<Link>, Vec<super::ParameterSpec>)> {
        let mut links = Vec::with_capacity(self.layers.len());
        let mut specs: Vec<super::ParameterSpec> = Vec::new();
        let mut places = HashMap::new();
        let mut sizes = input.to_vec();
        for (name, layer) in &self.layers {
            let Built { output, parameters, forward } = layer.build(&sizes)?;
            let mut own = Vec::with_capacity(parameters.len());
            for spec in parameters.into_iter().map(|spec| spec.within(name)) {
                let place = *places.entry(spec.name.clone()).or_insert(specs.len());
                match specs.get(place) {
                    None => specs.push(spec),
                    Some(known) if known.sizes == spec.sizes => {}
                    Some(known) => {
                        let rule =
                            format!("'{}' cannot be shared: {:?} is not {:?}", known.name, spec.sizes, known.sizes);
                        return Err(Error::argument("chain", rule));
                    }
                }
                own.push(place);
            }
            links.push(Link {
                name: name.clone(),
                kind: layer.kind(),
                output: output.clone(),
                forward,
                parameters: own,
            });
            sizes = output;
        }
        Ok((links, specs))
    }
}

impl Layer for Chain {
    fn kind(&self) -> &'static str {
        "chain"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let (links, specs) = self.links(input)?;
        let output = links.last().map_or(input, |link| &link.output).to_vec();
        Ok(Built::new(output, specs, move |x, parameters, pass| {
            links.iter().try_fold(x.clone(), |x, link| {
                let _scope = scope::enter(&link.name);
                let own: Vec<_> = link.parameters.iter().map(|&place| parameters[place].clone()).collect();
                (link.forward)(&x, &own, pass)
            })
        }))
    }
}
