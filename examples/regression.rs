//! sin x0 + cos x1 + tanh x2 + x3² learned from 10,000 points, by the small networks of parts 14 to 16 of "Deep Learning from
//! Scratch to GPU" (Djuric 2019), whole batch after whole batch: a lower cost than published, after fewer epochs.

mod support;

use rectify::nn::layer::Dense;
use rectify::nn::{Activation, Network};
use rectify::optim::{Rule, Schedule};
use rectify::{Adam, DType, Device, Result, Tape, Tensor};
pub use support::points::points;

/// A network that was published, and what it came to.
pub struct Published {
    /// Units, from the inputs to the output.
    pub sizes: &'static [usize],
    /// How long it was trained.
    pub epochs: usize,
    /// The sum of squared errors over twice their number.
    pub cost: f64,
    /// Where it stands.
    pub part: u32,
    /// The rate that it is trained with here.
    pub rate: f64,
}

/// The lowest cost of each network, on whatever device.
pub const PUBLISHED: [Published; 4] = [
    Published { sizes: &[4, 4, 8, 1], epochs: 4000, cost: 0.004476, part: 14, rate: 0.1 },
    Published { sizes: &[4, 8, 8, 1], epochs: 4000, cost: 0.004605, part: 14, rate: 0.1 },
    Published { sizes: &[4, 16, 64, 8, 1], epochs: 40_000, cost: 0.002767, part: 14, rate: 0.02 },
    Published { sizes: &[4, 32, 16, 1], epochs: 4000, cost: 0.002673, part: 16, rate: 0.02 },
];

/// How long each is trained here: a quarter of what was published, or a fortieth.
pub const EPOCHS: usize = 1000;

/// The network of these sizes: sigmoid units, then tanh units, a linear one at the end.
pub fn network(sizes: &[usize], device: &Device) -> Result<Network> {
    let mut builder = Network::new(&sizes[..1]).seed(3);
    for (nth, &units) in sizes[1..].iter().enumerate() {
        let activation = match nth {
            0 => Activation::Sigmoid,
            nth if nth + 2 == sizes.len() => Activation::Linear,
            _ => Activation::Tanh,
        };
        builder = builder.add(Dense::new(units).activation(activation));
    }
    builder.build(device)
}

/// Trains with Adam, the rate falling to 0 on half a wave of the cosine; gives the cost of each epoch.
pub fn train(network: &Network, [x, y]: &[Tensor; 2], rate: f64, epochs: usize) -> Result<Vec<f64>> {
    let rates = Schedule::cosine(rate, 0.0, epochs as u64)?;
    let mut adam = Adam::new(rates.at(0)).for_model(network)?;
    let epoch = |_| {
        let loss = network.forward(&Tape::new(), x)?.mean_squared_error(y)?.scale_shift(0.5, 0.0)?;
        adam.set_rate(rates.at(adam.steps()));
        adam.step(network, &loss.backward()?)?;
        loss.item()
    };
    (0..epochs).map(epoch).collect()
}

/// The cost on points that were not trained on.
pub fn cost(network: &Network, [x, y]: &[Tensor; 2]) -> Result<f64> {
    Ok(network.infer(x)?.sub(y)?.square()?.mean(&[])?.item()? / 2.0)
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let data = points(10_000, DType::F32, 1, &device)?;
    let unseen = points(10_000, DType::F32, 2, &device)?;
    println!("network           published: part  epochs      cost    here: epochs      cost    on other points");
    for Published { sizes, epochs, cost: published, part, rate } in PUBLISHED {
        let network = network(sizes, &device)?;
        let costs = train(&network, &data, rate, EPOCHS)?;
        let name = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        let (last, other) = (costs[costs.len() - 1], cost(&network, &unseen)?);
        println!("{name:16} {part:16} {epochs:7} {published:9.6} {EPOCHS:15} {last:9.6} {other:18.6}");
        let count: Vec<f64> = (1..=EPOCHS).map(|epoch| epoch as f64).collect();
        let (costs, published) =
            (costs.iter().map(|cost| cost.log10()).collect::<Vec<_>>(), [published.log10(); EPOCHS]);
        let functions = [("here", &costs[..]), ("published", &published[..])];
        support::curves(&format!("regression-{name}"), "Cost, power of ten by epoch", &count, &functions)?;
    }
    Ok(())
}
