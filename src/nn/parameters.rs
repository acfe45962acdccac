//! The parameters of a model in one buffer, so that an optimiser's step is one pass.

use std::ops::Range;

use super::initializer::Initializer;
use crate::device::{Device, Seed};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::scope;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Named tensors that are views of one flat tensor.
///
/// Their gradients, recorded with [`Tape::parameter`](crate::Tape::parameter), come as one flat tensor too. Writing to a
/// parameter, or to the flat tensor, is seen through every clone and by the model.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// Those that are trained.
    flat: Tensor,
    entries: Vec<Parameter>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, unique in the model: `hidden1.weight`.
    pub name: String,
    /// Its elements.
    pub tensor: Tensor,
    /// Its place in the flat tensor; none for what training keeps but no optimiser changes.
    range: Option<Range<usize>>,
    is_frozen: bool,
    arrangement: Arrangement,
}

/// A parameter to make.
#[derive(Debug, Clone)]
pub struct ParameterSpec {
    /// Its name.
    pub name: String,
    /// Its sizes.
    pub sizes: Vec<usize>,
    /// Its first values.
    pub initializer: Initializer,
    /// The units it leads from and to, for initialisers that ask.
    pub units: (usize, usize),
    /// Whether an optimiser changes it.
    pub trained: bool,
    /// How it lies in files.
    pub arrangement: Arrangement,
}

/// How PyTorch arranges a parameter, and files of weights with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// As it is here.
    Same,
    /// The weight [inputs, outputs] of a product as [outputs, inputs].
    Transposed,
    /// The weight [rows * columns * channels, filters] of a convolution with windows of this many rows and columns as
    /// [filters, channels, rows, columns].
    Filters([usize; 2]),
}

impl ParameterSpec {
    /// A parameter that is trained.
    pub fn new(name: impl Into<String>, sizes: &[usize], initializer: Initializer) -> Self {
        Self {
            name: name.into(),
            sizes: sizes.to_vec(),
            initializer,
            units: (1, 1),
            trained: true,
            arrangement: Arrangement::Same,
        }
    }

    /// The units it leads from and to, for initialisers that ask.
    pub fn units(self, units: (usize, usize)) -> Self {
        Self { units, ..self }
    }

    /// How it lies in files.
    pub fn arranged(self, arrangement: Arrangement) -> Self {
        Self { arrangement, ..self }
    }

    /// Kept with the others, but changed by no optimiser: statistics of the data.
    pub fn untrained(self) -> Self {
        Self { trained: false, ..self }
    }

    /// The same under the name of what it belongs to: `conv2d1.weight`.
    pub fn within(self, name: &str) -> Self {
        Self { name: format!("{name}.{}", self.name), ..self }
    }
}

impl Parameter {
    /// Its elements as they lie in files: a view where there can be one.
    ///
    /// # Errors
    /// The weight is not of the shape that its arrangement is for.
    pub fn arranged(&self) -> Result<Tensor> {
        match self.arrangement {
            Arrangement::Same => Ok(self.tensor.clone()),
            Arrangement::Transposed => self.tensor.transpose(0, 1),
            Arrangement::Filters([rows, columns]) => {
                let (inputs, filters) = (self.tensor.shape()[0], self.tensor.shape()[1]);
                let split = self.tensor.reshape(&[rows, columns, inputs / (rows * columns), filters])?;
                // [rows, columns, channels, filters] to [filters, channels, rows, columns].
                split.transpose(0, 3)?.transpose(1, 2)?.transpose(2, 3)
            }
        }
    }

    /// Its place in the flat tensor of what is trained.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        self.range.clone()
    }

    /// Whether an optimiser changes it.
    pub fn is_trained(&self) -> bool {
        self.range.is_some() && !self.is_frozen
    }
}

impl Parameters {
    /// New parameters, one behind the other without gaps, in the order given. Each is drawn from its own stream of `seed`.
    ///
    /// # Errors
    /// Two of one name, a type that is not floating point, or memory runs out.
    pub fn new(specs: &[ParameterSpec], dtype: DType, seed: u64, device: &Device) -> Result<Self> {
        if !dtype.is_float() {
            return Err(Error::dtype("parameters", &[dtype], "is not floating point"));
        }
        let flat = {
            let _scope = scope::enter("parameters");
            let trained = specs.iter().filter(|spec| spec.trained);
            let counts = trained.map(|spec| Shape::new(&spec.sizes).map(|shape| shape.count()));
            let total = counts.sum::<Result<usize>>()?;
            Tensor::uninitialized(Shape::new(&[total])?, dtype, device)?
        };
        let mut parameters = Self { flat, entries: Vec::with_capacity(specs.len()) };
        let mut start = 0;
        for (stream, spec) in specs.iter().enumerate() {
            if parameters.get(&spec.name).is_some() {
                return Err(Error::argument("parameters", format!("two are named '{}'", spec.name)));
            }
            let end = start + spec.sizes.iter().product::<usize>();
            let (tensor, range) = if spec.trained {
                let range = std::mem::replace(&mut start, end)..end;
                (parameters.flat.slice(0, range.clone())?.reshape(&spec.sizes)?, Some(range))
            } else {
                let _scope = scope::enter("statistics");
                (Tensor::uninitialized(Shape::new(&spec.sizes)?, dtype, device)?, None)
            };
            let ((inputs, outputs), arrangement) = (spec.units, spec.arrangement);
            spec.initializer.fill(&tensor, inputs, outputs, Seed::new(seed, stream as u32))?;
            parameters.entries.push(Parameter {
                name: spec.name.clone(),
                tensor,
                range,
                is_frozen: false,
                arrangement,
            });
        }
        Ok(parameters)
    }

    /// All that are trained, frozen ones among them, as one tensor. Shape `[count]`.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// The number of elements of that.
    pub fn count(&self) -> usize {
        self.flat.count()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Parameter> {
        self.entries.iter()
    }

    /// Those that training keeps but no optimiser changes, in order: the statistics of normalisation.
    pub fn statistics(&self) -> impl Iterator<Item = &Tensor> {
        self.entries.iter().filter(|entry| entry.range.is_none()).map(|entry| &entry.tensor)
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.tensor)
    }

    /// Freezes, or with `false` thaws, every parameter whose name is this or begins with this and a dot: no gradient is computed
    /// for it, and no optimiser changes it.
    ///
    /// # Errors
    /// No parameter of such a name.
    pub fn freeze(&mut self, name: &str, frozen: bool) -> Result<()> {
        let mut found = false;
        for entry in &mut self.entries {
            if entry.name == name || entry.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')) {
                (entry.is_frozen, found) = (frozen, true);
            }
        }
        if found { Ok(()) } else { Err(self.unknown(name)) }
    }

    /// The parts of the flat tensor that an optimiser changes: one, unless something is frozen.
    pub(crate) fn trained(&self) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for range in self.entries.iter().filter(|entry| entry.is_trained()).filter_map(|entry| entry.range.clone()) {
            match parts.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => parts.push(range),
            }
        }
        parts
    }

    /// Writes `values` over a parameter, converted to its element type.
    ///
    /// # Errors
    /// No parameter of this name, another shape or device.
    pub fn set(&self, name: &str, values: &Tensor) -> Result<()> {
        let Some(target) = self.get(name) else { return Err(self.unknown(name)) };
        target.check_device("set", values)?;
        target.assign("set", values)
    }

    /// Writes all parameters from named tensors on any device: each name once, none missing and none left over.
    ///
    /// # Errors
    /// Names or shapes that do not match, found before anything is written; or a device failed.
    pub fn load<'a>(&self, named: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
        let targets: Vec<_> = self.entries.iter().map(|entry| entry.tensor.clone()).collect();
        self.load_over(&targets, named)
    }

    /// As [`load`](Self::load), from tensors [arranged](Parameter::arranged) as in files.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_arranged<'a>(&self, named: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
        let targets: Vec<_> = self.entries.iter().map(Parameter::arranged).collect::<Result<_>>()?;
        self.load_over(&targets, named)
    }

    /// Writes named tensors over these views of the parameters, all or none.
    fn load_over<'a>(&self, targets: &[Tensor], named: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
        let mut sources: Vec<Option<Tensor>> = vec![None; targets.len()];
        for (name, tensor) in named {
            let Some(place) = self.entries.iter().position(|entry| entry.name == name) else {
                return Err(self.unknown(name));
            };
            let target = &targets[place];
            if tensor.shape() != target.shape() {
                let rule = format!("differ: '{name}' is the second in this model");
                return Err(Error::shape("load", &[tensor.shape(), target.shape()], rule));
            }
            if sources[place].replace(tensor.to_device(target.device())?).is_some() {
                return Err(Error::argument("load", format!("'{name}' is given twice")));
            }
        }
        let pairs: Vec<_> = self.entries.iter().zip(sources).collect();
        if let Some((missing, _)) = pairs.iter().find(|(_, source)| source.is_none()) {
            return Err(Error::argument("load", format!("'{}' is missing", missing.name)));
        }
        targets.iter().zip(&pairs).try_for_each(|(target, (_, source))| match source {
            Some(source) => target.assign("load", source),
            None => Ok(()),
        })
    }

    /// Writes the parameters of another model of the same names and shapes, of any element type and on any device.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn copy_from(&self, other: &Self) -> Result<()> {
        self.load(other.iter().map(|entry| (entry.name.as_str(), &entry.tensor)))
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<_> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
        Error::argument("parameters", format!("none is named '{name}'; known: {}", known.join(", ")))
    }
}

impl AsRef<Parameters> for Parameters {
    fn as_ref(&self) -> &Parameters {
        self
    }
}
