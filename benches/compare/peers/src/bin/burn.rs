//! burn as a side of the comparison, with its flex backend on the CPU.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLoss;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData, activation, module};
use peers::protocol::{self, Operation, inputs};
use peers::{Name, absent, numbers};

fn main() -> protocol::Result<()> {
    let device = device()?;
    let prepare = |name: &str| prepared(&Name::new(name)?, &device);
    protocol::serve(&[], &prepare, &|| Ok(device.sync().map_err(|error| error.to_string())?))
}

fn device() -> protocol::Result<Device> {
    match std::env::var("RECTIFY_BENCH_DEVICE").as_deref() {
        Err(_) | Ok("cpu") => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        Ok("cuda" | "cuda:0") => Ok(Device::cuda(0)),
        Ok(other) => absent(&format!("is not built for the device '{other}'")),
    }
}

fn prepared(name: &Name<'_>, device: &Device) -> protocol::Result<Operation> {
    let (what, size) = (name.what, &name.size[..]);
    match (name.group, size) {
        // A copy of its own is what a tensor with another handle becomes when its data are changed.
        ("floor", _) => absent("has no call for a copy"),
        ("matmul", &[m, k, n]) => matmul(what, [m, k, n], device),
        ("forward", &[count]) if what == "add" => on_two([count], [count], device, |a, b| a + b),
        ("forward", &[count]) => on_one([count], device, activation::<1>(what)?),
        ("backward", _) => absent("no call for the gradient alone"),
        ("autograd", &[count]) => through(count, activation::<1>(what)?, device),
        ("chain", &[count]) => chain(what, count, device),
        ("rows", &[rows, columns]) => of_rows(what, [rows, columns], device),
        ("reduce", &[rows, columns]) => reduce(what, [rows, columns], device),
        ("layer", &[rows, inputs, outputs]) => linear(what, [rows, inputs, outputs], device),
        ("layer", &[rows, features]) => norm(what, [rows, features], device),
        ("update", &[tensors, each]) => update(what, tensors, each, device),
        ("train", &[rows]) => train(&numbers(what, '-')?, rows, device),
        ("overhead", _) => overhead(what, device),
        _ => absent("not written for burn"),
    }
}

/// An operation of one result.
fn gives<const D: usize>(mut run: impl FnMut() -> Tensor<D> + 'static) -> protocol::Result<Operation> {
    Ok(Box::new(move |seen| {
        let result = run();
        Ok(seen.look(|| Ok::<_, protocol::Error>(vec![elements(result)?]))?)
    }))
}

fn elements<const D: usize>(tensor: Tensor<D>) -> protocol::Result<Vec<f32>> {
    Ok(tensor.into_data().try_into_vec_as::<f32>().map_err(|error| error.to_string())?)
}

fn values<const D: usize>(sizes: [usize; D], key: u64, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(inputs::values(sizes.iter().product(), key), sizes), device)
}

/// The weight [inputs, outputs] of a layer.
fn weight(sizes: [usize; 2], key: u64, device: &Device) -> Tensor<2> {
    let factor = (sizes[0] as f64).powf(-0.5) as f32;
    Tensor::from_data(TensorData::new(inputs::scaled(sizes[0] * sizes[1], key, factor), sizes), device)
}

fn labels(rows: usize, classes: usize, device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(inputs::labels(rows, classes), [rows]), device)
}

fn on_one<const D: usize, const E: usize>(
    sizes: [usize; D],
    device: &Device,
    run: fn(Tensor<D>) -> Tensor<E>,
) -> protocol::Result<Operation> {
    let x = values(sizes, 1, device);
    gives(move || run(x.clone()))
}

fn on_two<const D: usize>(
    first: [usize; D],
    second: [usize; D],
    device: &Device,
    run: fn(Tensor<D>, Tensor<D>) -> Tensor<D>,
) -> protocol::Result<Operation> {
    let (a, b) = (values(first, 1, device), values(second, 2, device));
    gives(move || run(a.clone(), b.clone()))
}

fn matmul(order: &str, [m, k, n]: [usize; 3], device: &Device) -> protocol::Result<Operation> {
    let a = if order == "TN" { values([k, m], 1, device).transpose() } else { values([m, k], 1, device) };
    let b = if order == "NT" { values([n, k], 2, device).transpose() } else { values([k, n], 2, device) };
    gives(move || a.clone().matmul(b.clone()))
}

fn activation<const D: usize>(name: &str) -> protocol::Result<fn(Tensor<D>) -> Tensor<D>> {
    Ok(match name {
        "relu" => activation::relu,
        "leaky_relu" => |x| activation::leaky_relu(x, 0.01),
        "sigmoid" => activation::sigmoid,
        "tanh" => activation::tanh,
        "softplus" => |x| activation::softplus(x, 1.0),
        "elu" => |x| activation::elu(x, 1.0),
        "gelu" => activation::gelu,
        "gelu_tanh" => activation::gelu_approximate,
        "silu" => activation::silu,
        _ => return absent("has no such activation"),
    })
}

/// Forward and backward; a gradient that is not 1 comes in by a product and a sum.
fn through(count: usize, run: fn(Tensor<1>) -> Tensor<1>, device: &Device) -> protocol::Result<Operation> {
    let tracked = device.clone().autodiff();
    let (x, gradient) = (values([count], 1, &tracked), values([count], 2, &tracked));
    gives(move || {
        let leaf = x.clone().require_grad();
        let gradients = (run(leaf.clone()) * gradient.clone()).sum().backward();
        leaf.grad(&gradients).expect("the leaf has a gradient")
    })
}

fn chain(what: &str, count: usize, device: &Device) -> protocol::Result<Operation> {
    let [a, b, c] = [1, 2, 3].map(|key| values([count], key, device));
    match what {
        "gelu(x*s)+b" => gives(move || activation::gelu(a.clone() * b.clone()) + c.clone()),
        "relu(a*b+c)" => gives(move || activation::relu(a.clone() * b.clone() + c.clone())),
        "tanh(x)*sigmoid(y)" => gives(move || activation::tanh(a.clone()) * activation::sigmoid(b.clone())),
        _ => absent("not written for burn"),
    }
}

fn of_rows(what: &str, [rows, columns]: [usize; 2], device: &Device) -> protocol::Result<Operation> {
    let x = values([rows, columns], 1, device);
    match what {
        "softmax" => gives(move || activation::softmax(x.clone(), 1)),
        // Adding nothing makes what is read along columns lie along rows: there is no call that only copies.
        "transpose" => absent("has no call for a copy"),
        "cross_entropy" => {
            let (labels, loss) = (labels(rows, columns, device), CrossEntropyLoss::new(None, device));
            gives(move || loss.forward(x.clone(), labels.clone()))
        }
        "cross_entropy_gradient" => {
            let tracked = device.clone().autodiff();
            let (labels, loss) = (labels(rows, columns, &tracked), CrossEntropyLoss::new(None, &tracked));
            let x = values([rows, columns], 1, &tracked);
            Ok(Box::new(move |seen| {
                let leaf = x.clone().require_grad();
                let loss = loss.forward(leaf.clone(), labels.clone());
                let gradient = leaf.grad(&loss.backward()).ok_or("the leaf has no gradient")?;
                Ok(seen.look(|| Ok::<_, protocol::Error>(vec![elements(loss)?, elements(gradient)?]))?)
            }))
        }
        _ => absent("not written for burn"),
    }
}

fn reduce(what: &str, sizes: [usize; 2], device: &Device) -> protocol::Result<Operation> {
    if what == "argmax_rows" {
        let x = values(sizes, 1, device);
        return Ok(Box::new(move |seen| {
            let places = x.clone().argmax(1);
            Ok(seen.look(|| Ok::<_, protocol::Error>(vec![elements(places.float())?]))?)
        }));
    }
    match what {
        "sum" => on_one(sizes, device, |x| x.sum()),
        "sum_rows" => on_one(sizes, device, |x| x.sum_dim(1)),
        "sum_columns" => on_one(sizes, device, |x| x.sum_dim(0)),
        "max_rows" => on_one(sizes, device, |x| x.max_dim(1)),
        "mean_rows" => on_one(sizes, device, |x| x.mean_dim(1)),
        "variance_rows" => on_one(sizes, device, |x| x.var(1)),
        _ => absent("has no such reduction"),
    }
}

fn linear(what: &str, [rows, inputs, outputs]: [usize; 3], device: &Device) -> protocol::Result<Operation> {
    let tracked = if what == "linear_relu" { device.clone() } else { device.clone().autodiff() };
    let (x, bias) = (values([rows, inputs], 1, &tracked), values([outputs], 3, &tracked));
    let weight = weight([inputs, outputs], 2, &tracked);
    let layer = |x, weight, bias| activation::relu(module::linear(x, weight, Some(bias)));
    if what == "linear_relu" {
        return gives(move || layer(x.clone(), weight.clone(), bias.clone()));
    }
    let gradient = values([rows, outputs], 4, &tracked);
    Ok(Box::new(move |seen| {
        let (x, weight) = (x.clone().require_grad(), weight.clone().require_grad());
        let bias = bias.clone().require_grad();
        let gradients = (layer(x.clone(), weight.clone(), bias.clone()) * gradient.clone()).sum().backward();
        let of = |leaf: &Tensor<2>| of(leaf, &gradients);
        let results = (of(&x)?, of(&weight)?, bias.grad(&gradients).ok_or("the bias has no gradient")?);
        let shown = || Ok::<_, protocol::Error>(vec![elements(results.0)?, elements(results.1)?, elements(results.2)?]);
        Ok(seen.look(shown)?)
    }))
}

fn of<const D: usize>(leaf: &Tensor<D>, gradients: &Gradients) -> protocol::Result<Tensor<D>> {
    Ok(leaf.grad(gradients).ok_or("a leaf has no gradient")?)
}

fn norm(what: &str, sizes: [usize; 2], device: &Device) -> protocol::Result<Operation> {
    const EPSILON: f64 = 1e-5;
    let tracked = if what == "norm" { device.clone() } else { device.clone().autodiff() };
    let x = values(sizes, 1, &tracked);
    let [gain, shift] = [2, 3].map(|key| values([sizes[1]], key, &tracked));
    if what == "norm" {
        return gives(move || module::layer_norm(x.clone(), gain.clone(), Some(shift.clone()), EPSILON));
    }
    let gradient = values(sizes, 4, &tracked);
    Ok(Box::new(move |seen| {
        let x = x.clone().require_grad();
        let (gain, shift) = (gain.clone().require_grad(), shift.clone().require_grad());
        let y = module::layer_norm(x.clone(), gain.clone(), Some(shift.clone()), EPSILON);
        let gradients = (y * gradient.clone()).sum().backward();
        let results = (of(&x, &gradients)?, of(&gain, &gradients)?, of(&shift, &gradients)?);
        let shown = || Ok::<_, protocol::Error>(vec![elements(results.0)?, elements(results.1)?, elements(results.2)?]);
        Ok(seen.look(shown)?)
    }))
}

#[derive(Module, Debug)]
struct Parts {
    parts: Vec<Param<Tensor<1>>>,
}

fn update(what: &str, tensors: usize, each: usize, device: &Device) -> protocol::Result<Operation> {
    let mut optimizer = match what {
        "adam" => AdamConfig::new().with_epsilon(1e-8).init(),
        "adamw" => AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.01).init(),
        _ => momentum(),
    };
    let tracked = device.clone().autodiff();
    let all = inputs::values(tensors * each, 1);
    let parts = all.chunks(each).map(|part| Param::from_data(TensorData::new(part.to_vec(), [each]), &tracked));
    let mut parts = Some(Parts { parts: parts.collect() });
    let all = inputs::values(tensors * each, 2);
    let gradients: Vec<Tensor<1>> =
        all.chunks(each).map(|part| Tensor::from_data(TensorData::new(part.to_vec(), [each]), device)).collect();
    Ok(Box::new(move |seen| {
        let module = parts.take().ok_or("the step before failed")?;
        let mut given = GradientsParams::new();
        for (part, gradient) in module.parts.iter().zip(&gradients) {
            given.register(part.id, gradient.clone());
        }
        let module = parts.insert(optimizer.step(1e-3, module, given));
        let whole = || Tensor::cat(module.parts.iter().map(Param::val).collect(), 0);
        Ok(seen.look(|| Ok::<_, protocol::Error>(vec![elements(whole())?]))?)
    }))
}

fn momentum() -> ModuleOptimizer {
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    SgdConfig::new().with_momentum(Some(momentum)).init()
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

fn train(sizes: &[usize], rows: usize, device: &Device) -> protocol::Result<Operation> {
    let is_classifier = sizes[sizes.len() - 1] > 1;
    let (device, outputs) = (device.clone().autodiff(), sizes[sizes.len() - 1]);
    let layers = sizes.windows(2).enumerate().map(|(nth, sizes)| Linear {
        weight: Param::from_tensor(weight([sizes[0], sizes[1]], 10 + nth as u64, &device)),
        bias: Some(Param::from_tensor(Tensor::zeros([sizes[1]], &device))),
    });
    let mut model = Some(Mlp { layers: layers.collect() });
    let mut optimizer = momentum();
    let x = values([rows, sizes[0]], 1, &device);
    let (labels, target) = (labels(rows, outputs, &device), values([rows, outputs], 2, &device));
    let cross_entropy = CrossEntropyLoss::new(None, &device);
    Ok(Box::new(move |seen| {
        let mlp = model.take().ok_or("the step before failed")?;
        let last = mlp.layers.len() - 1;
        let y = mlp.layers.iter().enumerate().fold(x.clone(), |y, (nth, layer)| {
            let y = layer.forward(y);
            match nth == last {
                true => y,
                false if is_classifier => activation::relu(y),
                false => activation::tanh(y),
            }
        });
        let loss =
            if is_classifier { cross_entropy.forward(y, labels.clone()) } else { (y - target.clone()).square().mean() };
        let gradients = GradientsParams::from_grads(loss.backward(), &mlp);
        let mlp = model.insert(optimizer.step(0.01, mlp, gradients));
        let shown = || Ok::<_, protocol::Error>(vec![elements(loss)?, elements(mlp.layers[0].weight.val())?]);
        Ok(seen.look(shown)?)
    }))
}

fn overhead(what: &str, device: &Device) -> protocol::Result<Operation> {
    match what {
        "add" => on_two([1], [1], device, |a, b| a + b),
        "relu" => on_one([16], device, activation::relu::<1>),
        "bias" => {
            let (x, bias) = (values([8, 8], 1, device), values([8], 2, device));
            gives(move || x.clone() + bias.clone().unsqueeze())
        }
        "sum" => on_one([16], device, |x: Tensor<1>| x.sum()),
        "matmul" => on_two([4, 4], [4, 4], device, |a, b| a.matmul(b)),
        "softmax" => on_one([1, 10], device, |x: Tensor<2>| activation::softmax(x, 1)),
        "reshape" => on_one([16], device, |x: Tensor<1>| x.reshape([4, 4])),
        "gradient" => {
            let tracked = device.clone().autodiff();
            let (x, w) = (values([2, 4], 1, &tracked), values([4, 3], 2, &tracked));
            let (labels, loss) = (labels(2, 3, &tracked), CrossEntropyLoss::new(None, &tracked));
            gives(move || {
                let w = w.clone().require_grad();
                let gradients = loss.forward(x.clone().matmul(w.clone()), labels.clone()).backward();
                w.grad(&gradients).expect("the leaf has a gradient")
            })
        }
        _ => absent("not written for burn"),
    }
}
