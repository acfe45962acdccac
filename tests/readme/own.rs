//! The README's activation and layer of one's own: its code is this file's, and it works.

use super::README;

// README: from here
use rectify::nn::layer::{Built, Layer};
use rectify::nn::{Initializer, ParameterSpec};
use rectify::{Error, Result, Var, formula};

formula! {
    fn mish(x) = x * x.softplus().tanh();
    /// All that follows the product, in one pass.
    fn scaled_mish(x, bias, gain) = gain * mish::call(x + bias)
}

/// gain * mish(x * weight + bias), with so many units.
#[derive(Debug)]
struct ScaledMish(usize);

impl Layer for ScaledMish {
    fn kind(&self) -> &'static str {
        "scaled_mish"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let (&[inputs], units) = (input, self.0) else {
            return Err(Error::argument("scaled_mish", format!("takes rows of numbers, not {input:?}")));
        };
        let weight = ParameterSpec::new("weight", &[inputs, units], Initializer::HeNormal).units((inputs, units));
        let bias = ParameterSpec::new("bias", &[units], Initializer::Constant(0.0));
        let gain = ParameterSpec::new("gain", &[units], Initializer::Constant(1.0));
        Ok(Built::new([units], [weight, bias, gain], |x, parameters, _pass| {
            let [weight, bias, gain] = [0, 1, 2].map(|nth| &parameters[nth]);
            Var::zip(scaled_mish, [&x.matmul(weight)?, bias, gain])
        }))
    }
}
// README: to here

#[test]
fn the_readme_has_the_code_of_this_file() {
    let code = include_str!("own.rs").split("// README: from here\n").nth(1);
    let code = code.and_then(|rest| rest.split("// README: to here").next()).unwrap_or_default();
    assert!(code.len() > 500 && README.contains(&format!("```rust\n{code}```")), "the README should have:\n{code}");
}

#[test]
fn the_layer_learns() -> Result<()> {
    use rectify::nn::Network;
    use rectify::nn::layer::Dense;
    use rectify::optim::Rule;
    use rectify::{Adam, Device, Tape, Tensor};

    let device = Device::cpu();
    let network = Network::new(&[2]).add(ScaledMish(8)).add(Dense::new(2)).build(&device)?;
    let mut adam = Adam::new(0.05).for_model(&network)?;
    let points = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], &[4, 2], &device)?;
    let labels = Tensor::from_slice(&[0u8, 1, 1, 0], &[4], &device)?;
    for _ in 0..200 {
        let loss = network.forward(&Tape::new(), &points)?.cross_entropy(&labels)?;
        adam.step(&network, &loss.backward()?)?;
    }
    assert_eq!(network.infer(&points)?.argmax(1)?.to_vec::<i64>()?, [0, 1, 1, 0]);
    Ok(())
}

#[test]
fn the_layer_has_the_gradients_of_finite_differences() -> Result<()> {
    use rectify::autograd::{CheckOptions, check_gradient};
    use rectify::device::Seed;
    use rectify::nn::layer::Pass;
    use rectify::{DType, Device, Tensor};

    let device = Device::cpu();
    let random = |sizes: &[usize], key| Tensor::normal(sizes, 0.0, 1.0, DType::F64, Seed::new(key, 0), &device);
    let built = ScaledMish(3).build(&[4])?;
    let values = [random(&[5, 4], 1)?, random(&[4, 3], 2)?, random(&[3], 3)?, random(&[3], 4)?];
    let forward = |vars: &[Var]| (built.forward)(&vars[0], &vars[1..], &Pass::training(0));
    check_gradient(forward, &values, &CheckOptions::default())?;
    let [x, weight, bias, gain] = &values;
    let apart = x.matmul(weight)?.add(bias)?.map(rectify::formula::catalogue::activation::mish)?.mul(gain)?;
    let all = values.each_ref().map(Var::constant);
    let difference = forward(&all)?.tensor().sub(&apart)?.abs()?.max(&[])?.item()?;
    assert!(difference < 1e-14, "{difference}");
    Ok(())
}
