//! candle as a side of the comparison.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss, ops};
use peers::protocol::{self, Operation, inputs};
use peers::{Name, absent, numbers};

fn main() -> protocol::Result<()> {
    let device = device()?;
    let prepare = |name: &str| prepared(&Name::new(name)?, &device);
    protocol::serve(&[], &prepare, &|| Ok(device.synchronize()?))
}

fn device() -> protocol::Result<Device> {
    match std::env::var("RECTIFY_BENCH_DEVICE").as_deref() {
        Err(_) | Ok("cpu") => Ok(Device::Cpu),
        Ok("cuda" | "cuda:0") => Ok(Device::new_cuda(0)?),
        Ok(other) => absent(&format!("does not know the device '{other}'")),
    }
}

fn prepared(name: &Name<'_>, device: &Device) -> protocol::Result<Operation> {
    let (what, size) = (name.what, &name.size[..]);
    match (name.group, size) {
        ("floor", _) => on_one(size, device, |x| x.copy()),
        ("matmul", &[m, k, n]) => matmul(what, [m, k, n], device),
        ("forward", _) if what == "add" => on_two(size, size, device, |a, b| a + b),
        ("forward", _) => on_one(size, device, activation(what)?),
        ("backward", _) => absent("no call for the gradient alone"),
        ("autograd", _) => through(size, activation(what)?, device),
        ("chain", _) => chain(what, size, device),
        ("rows", &[rows, columns]) => of_rows(what, [rows, columns], device),
        ("reduce", _) => on_one(size, device, reduction(what)?),
        ("layer", &[rows, inputs, outputs]) => linear(what, [rows, inputs, outputs], device),
        ("layer", &[rows, features]) => norm(what, [rows, features], device),
        ("update", &[tensors, each]) => update(what, tensors, each, device),
        ("train", &[rows]) => train(&numbers(what, '-')?, rows, device),
        ("overhead", _) => overhead(what, device),
        _ => absent("not written for candle"),
    }
}

/// An operation of these results.
fn gives<const N: usize>(mut run: impl FnMut() -> Result<[Tensor; N]> + 'static) -> protocol::Result<Operation> {
    Ok(Box::new(move |seen| {
        let results = run()?;
        Ok(seen.look(|| results.iter().map(elements).collect::<Result<_>>())?)
    }))
}

fn elements(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

fn values(sizes: &[usize], key: u64, device: &Device) -> Result<Tensor> {
    Tensor::from_vec(inputs::values(sizes.iter().product(), key), sizes, device)
}

/// The weight [inputs, outputs] of a layer.
fn weight(sizes: &[usize], key: u64, device: &Device) -> Result<Tensor> {
    let factor = (sizes[0] as f64).powf(-0.5) as f32;
    Tensor::from_vec(inputs::scaled(sizes.iter().product(), key, factor), sizes, device)
}

fn labels(rows: usize, classes: usize, device: &Device) -> Result<Tensor> {
    Tensor::from_vec(inputs::labels(rows, classes), rows, device)
}

fn on_one(sizes: &[usize], device: &Device, run: fn(&Tensor) -> Result<Tensor>) -> protocol::Result<Operation> {
    let x = values(sizes, 1, device)?;
    gives(move || Ok([run(&x)?]))
}

fn on_two(
    first: &[usize],
    second: &[usize],
    device: &Device,
    run: fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> protocol::Result<Operation> {
    let (a, b) = (values(first, 1, device)?, values(second, 2, device)?);
    gives(move || Ok([run(&a, &b)?]))
}

fn matmul(order: &str, [m, k, n]: [usize; 3], device: &Device) -> protocol::Result<Operation> {
    let a = if order == "TN" { values(&[k, m], 1, device)?.t()? } else { values(&[m, k], 1, device)? };
    let b = if order == "NT" { values(&[n, k], 2, device)?.t()? } else { values(&[k, n], 2, device)? };
    gives(move || Ok([a.matmul(&b)?]))
}

fn activation(name: &str) -> protocol::Result<fn(&Tensor) -> Result<Tensor>> {
    Ok(match name {
        "relu" => Tensor::relu,
        "leaky_relu" => |x| ops::leaky_relu(x, 0.01),
        "sigmoid" => ops::sigmoid,
        "tanh" => Tensor::tanh,
        "elu" => |x| x.elu(1.0),
        "gelu" => Tensor::gelu_erf,
        "gelu_tanh" => Tensor::gelu,
        "silu" => Tensor::silu,
        _ => return absent("has no such activation"),
    })
}

/// Forward and backward; a gradient that is not 1 comes in by a product and a sum.
fn through(sizes: &[usize], run: fn(&Tensor) -> Result<Tensor>, device: &Device) -> protocol::Result<Operation> {
    let (x, gradient) = (Var::from_tensor(&values(sizes, 1, device)?)?, values(sizes, 2, device)?);
    gives(move || {
        let gradients = back(&run(x.as_tensor())?, &gradient)?;
        Ok([of(&gradients, &x)?])
    })
}

fn back(y: &Tensor, gradient: &Tensor) -> Result<GradStore> {
    (y * gradient)?.sum_all()?.backward()
}

fn of(gradients: &GradStore, leaf: &Var) -> Result<Tensor> {
    gradients.get(leaf.as_tensor()).cloned().ok_or_else(|| candle_core::Error::msg("a leaf has no gradient"))
}

fn chain(what: &str, sizes: &[usize], device: &Device) -> protocol::Result<Operation> {
    let [a, b, c] = [values(sizes, 1, device)?, values(sizes, 2, device)?, values(sizes, 3, device)?];
    match what {
        "gelu(x*s)+b" => gives(move || Ok([((&a * &b)?.gelu_erf()? + &c)?])),
        "relu(a*b+c)" => gives(move || Ok([((&a * &b)? + &c)?.relu()?])),
        "tanh(x)*sigmoid(y)" => gives(move || Ok([(a.tanh()? * ops::sigmoid(&b)?)?])),
        _ => absent("not written for candle"),
    }
}

fn of_rows(what: &str, [rows, columns]: [usize; 2], device: &Device) -> protocol::Result<Operation> {
    let (x, labels) = (values(&[rows, columns], 1, device)?, labels(rows, columns, device)?);
    match what {
        "softmax" => gives(move || Ok([ops::softmax_last_dim(&x)?])),
        "transpose" => gives(move || Ok([x.t()?.contiguous()?])),
        "cross_entropy" => gives(move || Ok([loss::cross_entropy(&x, &labels)?])),
        "cross_entropy_gradient" => {
            let x = Var::from_tensor(&x)?;
            gives(move || {
                let loss = loss::cross_entropy(x.as_tensor(), &labels)?;
                let gradients = loss.backward()?;
                Ok([loss, of(&gradients, &x)?])
            })
        }
        _ => absent("not written for candle"),
    }
}

fn reduction(what: &str) -> protocol::Result<fn(&Tensor) -> Result<Tensor>> {
    Ok(match what {
        "sum" => Tensor::sum_all,
        "sum_rows" => |x| x.sum(1),
        "sum_columns" => |x| x.sum(0),
        "max_rows" => |x| x.max(1),
        "argmax_rows" => |x| x.argmax(1),
        "mean_rows" => |x| x.mean(1),
        "variance_rows" => |x| x.var(1),
        _ => return absent("has no such reduction"),
    })
}

fn linear(what: &str, [rows, inputs, outputs]: [usize; 3], device: &Device) -> protocol::Result<Operation> {
    let x = values(&[rows, inputs], 1, device)?;
    let (weight, bias) = (weight(&[inputs, outputs], 2, device)?, values(&[outputs], 3, device)?);
    if what == "linear_relu" {
        return gives(move || Ok([x.matmul(&weight)?.broadcast_add(&bias)?.relu()?]));
    }
    let gradient = values(&[rows, outputs], 4, device)?;
    let [x, weight, bias] = [Var::from_tensor(&x)?, Var::from_tensor(&weight)?, Var::from_tensor(&bias)?];
    gives(move || {
        let gradients = back(&x.matmul(&weight)?.broadcast_add(&bias)?.relu()?, &gradient)?;
        Ok([of(&gradients, &x)?, of(&gradients, &weight)?, of(&gradients, &bias)?])
    })
}

/// The fused operation forward; with gradients, which that has not, the one that is composed.
fn norm(what: &str, sizes: [usize; 2], device: &Device) -> protocol::Result<Operation> {
    const EPSILON: f32 = 1e-5;
    let [x, gradient] = [values(&sizes, 1, device)?, values(&sizes, 4, device)?];
    let [gain, shift] = [values(&sizes[1..], 2, device)?, values(&sizes[1..], 3, device)?];
    if what == "norm" {
        return gives(move || Ok([ops::layer_norm(&x, &gain, &shift, EPSILON)?]));
    }
    let [x, gain, shift] = [Var::from_tensor(&x)?, Var::from_tensor(&gain)?, Var::from_tensor(&shift)?];
    gives(move || {
        let gradients = back(&ops::layer_norm_slow(&x, &gain, &shift, EPSILON)?, &gradient)?;
        Ok([of(&gradients, &x)?, of(&gradients, &gain)?, of(&gradients, &shift)?])
    })
}

fn update(what: &str, tensors: usize, each: usize, device: &Device) -> protocol::Result<Operation> {
    let weight_decay = match what {
        "adam" => 0.0,
        "adamw" => 0.01,
        _ => return absent("its SGD has no momentum"),
    };
    let [all, all_gradients] = [values(&[tensors, each], 1, device)?, values(&[tensors, each], 2, device)?];
    let parts = (0..tensors).map(|nth| Var::from_tensor(&all.get(nth)?.copy()?)).collect::<Result<Vec<_>>>()?;
    let mut loss = Tensor::zeros((), DType::F32, device)?;
    for (nth, part) in parts.iter().enumerate() {
        loss = (loss + (part.as_tensor() * all_gradients.get(nth)?)?.sum_all()?)?;
    }
    let gradients = loss.backward()?;
    let settings = ParamsAdamW { lr: 1e-3, weight_decay, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(parts.clone(), settings)?;
    Ok(Box::new(move |seen| {
        optimizer.step(&gradients)?;
        let parts: Vec<_> = parts.iter().map(Var::as_tensor).collect();
        Ok(seen.look(|| Ok::<_, candle_core::Error>(vec![elements(&Tensor::cat(&parts, 0)?)?]))?)
    }))
}

/// A perceptron of products, biases and activations; momentum, which candle's SGD has not, is two operations a tensor.
fn train(sizes: &[usize], rows: usize, device: &Device) -> protocol::Result<Operation> {
    let is_classifier = sizes[sizes.len() - 1] > 1;
    let mut parameters = Vec::new();
    for (nth, sizes) in sizes.windows(2).enumerate() {
        parameters.push(Var::from_tensor(&weight(sizes, 10 + nth as u64, device)?)?);
        parameters.push(Var::zeros(sizes[1], DType::F32, device)?);
    }
    let mut velocities: Vec<Option<Tensor>> = vec![None; parameters.len()];
    let (x, outputs) = (values(&[rows, sizes[0]], 1, device)?, sizes[sizes.len() - 1]);
    let target = if is_classifier { labels(rows, outputs, device)? } else { values(&[rows, outputs], 2, device)? };
    gives(move || {
        let mut y = x.clone();
        for (nth, layer) in parameters.chunks(2).enumerate() {
            y = y.matmul(&layer[0])?.broadcast_add(&layer[1])?;
            if 2 * nth + 2 < parameters.len() {
                y = if is_classifier { y.relu()? } else { y.tanh()? };
            }
        }
        let loss = if is_classifier { loss::cross_entropy(&y, &target)? } else { loss::mse(&y, &target)? };
        let gradients = loss.backward()?;
        for (parameter, velocity) in parameters.iter().zip(&mut velocities) {
            let gradient = of(&gradients, parameter)?;
            let next = match velocity.take() {
                Some(velocity) => ((velocity * 0.9)? + gradient)?,
                None => gradient,
            };
            parameter.set(&(parameter.as_tensor() - (&next * 0.01)?)?)?;
            *velocity = Some(next);
        }
        Ok([loss, parameters[0].as_tensor().clone()])
    })
}

fn overhead(what: &str, device: &Device) -> protocol::Result<Operation> {
    match what {
        "add" => on_two(&[1], &[1], device, |a, b| a + b),
        "relu" => on_one(&[16], device, Tensor::relu),
        "bias" => on_two(&[8, 8], &[8], device, Tensor::broadcast_add),
        "sum" => on_one(&[16], device, Tensor::sum_all),
        "matmul" => on_two(&[4, 4], &[4, 4], device, Tensor::matmul),
        "softmax" => on_one(&[1, 10], device, ops::softmax_last_dim),
        "reshape" => on_one(&[16], device, |x| x.reshape((4, 4))),
        "gradient" => {
            let (x, labels) = (values(&[2, 4], 1, device)?, labels(2, 3, device)?);
            let w = Var::from_tensor(&values(&[4, 3], 2, device)?)?;
            gives(move || Ok([of(&loss::cross_entropy(&x.matmul(&w)?, &labels)?.backward()?, &w)?]))
        }
        _ => absent("not written for candle"),
    }
}
