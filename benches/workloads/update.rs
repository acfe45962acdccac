//! Steps of optimisers over ten million parameters, in one tensor and in a thousand.

use rectify::nn::{Initializer, ParameterSpec, Parameters};
use rectify::optim::Rule;
use rectify::{Adam, AdamW, DType, Error, Gradients, Result, Sgd, Tape, Tensor};

use super::{Workload, device, gives, values};
use crate::protocol::inputs;

const PARAMETERS: usize = 10_000_000;

pub fn all() -> Vec<Workload> {
    [1, 1000]
        .into_iter()
        .flat_map(|tensors| {
            [
                update("sgd_momentum", tensors, || Sgd::new(1e-3).momentum(0.9)),
                update("adam", tensors, || Adam::new(1e-3)),
                update("adamw", tensors, || AdamW::new(1e-3)),
            ]
        })
        .collect()
}

/// A step with gradients that are there, as a training loop has it.
fn update<R: Rule>(what: &str, tensors: usize, rule: fn() -> R) -> Workload {
    let each = PARAMETERS / tensors;
    Workload::new(format!("update/{what}/{tensors}x{each}"), move || {
        let specs: Vec<_> = (0..tensors)
            .map(|nth| ParameterSpec::new(format!("part{nth}"), &[each], Initializer::Constant(0.0)))
            .collect();
        let parameters = Parameters::new(&specs, DType::F32, 0, device())?;
        let all = inputs::values(PARAMETERS, 1);
        for (parameter, part) in parameters.iter().zip(all.chunks(each)) {
            parameters.set(&parameter.name, &Tensor::from_slice(part, &[each], device())?)?;
        }
        let gradients = gradients(&parameters, &values(&[PARAMETERS], 2)?, each)?;
        let model = Model(parameters);
        let mut optimizer = rule().for_model(&model)?;
        gives(move || {
            optimizer.step(&model, &gradients)?;
            Ok([model.0.flat().clone()])
        })
    })
}

/// What an optimiser asks of a model.
struct Model(Parameters);

impl AsRef<Parameters> for Model {
    fn as_ref(&self) -> &Parameters {
        &self.0
    }
}

/// These gradients, of a loss that is linear in the parameters.
fn gradients(parameters: &Parameters, gradient: &Tensor, each: usize) -> Result<Gradients> {
    let tape = Tape::new();
    let mut loss: Option<rectify::Var> = None;
    for (nth, parameter) in parameters.iter().enumerate() {
        let part = tape.constant(&gradient.slice(0, nth * each..(nth + 1) * each)?);
        let term = tape.parameter(&parameter.tensor)?.mul(&part)?.sum(&[])?;
        loss = Some(match loss {
            Some(loss) => loss.add(&term)?,
            None => term,
        });
    }
    loss.ok_or_else(|| Error::argument("bench", "there are no parameters"))?.backward()
}
