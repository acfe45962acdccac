//! A saddle point: beside it the slope is next to nothing, and plain descent lingers where momentum goes through.

mod support;

use rectify::nn::{Initializer, ParameterSpec, Parameters};
use rectify::optim::Rule;
use rectify::{DType, Device, Result, Sgd, Tape, Tensor, formula};
use support::plane::{Marks, Plane};

formula! {
    /// Falls to the saddle at (0, 0) along x, and from there along y to the valleys at (0, -1) and (0, 1), of height -1/4.
    fn saddle(x, y) = 2.0 * x * x - 0.5 * y * y + 0.25 * y * y * y * y
}

/// Just off the ridge that leads to the saddle.
const START: [f64; 2] = [-1.0, 1e-6];
/// How near to the height of the valley is there.
const NEAR: f64 = 1e-3;

/// A way down.
pub struct Path {
    /// Every place of it.
    pub places: Vec<(f64, f64)>,
    /// How many steps it took to the valley; none if they were not enough.
    pub arrived: Option<usize>,
}

/// Goes at most so many steps from the start.
pub fn descend(rule: impl Rule, steps: usize, device: &Device) -> Result<Path> {
    let place = ParameterSpec::new("place", &[2], Initializer::Constant(0.0));
    let parameters = Parameters::new(&[place], DType::F64, 0, device)?;
    parameters.set("place", &Tensor::from_slice(&START, &[2], device)?)?;
    let mut optimizer = rule.for_model(&parameters)?;
    let mut path = Path { places: vec![(START[0], START[1])], arrived: None };
    while path.arrived.is_none() && optimizer.steps() < steps as u64 {
        let tape = Tape::new();
        let place = tape.parameter(parameters.flat())?;
        let height = rectify::Var::zip(saddle, [&place.slice(0, 0..1)?, &place.slice(0, 1..2)?])?.sum(&[])?;
        if height.item()? < -0.25 + NEAR {
            path.arrived = Some(path.places.len() - 1);
            break;
        }
        optimizer.step(&parameters, &height.backward()?)?;
        let at: Vec<f64> = parameters.flat().to_vec()?;
        path.places.push((at[0], at[1]));
    }
    Ok(path)
}

/// Plain descent, and the same with momentum, at the same rate.
pub fn run(device: &Device) -> Result<[Path; 2]> {
    let sgd = Sgd::new(0.05);
    Ok([descend(sgd, 1000, device)?, descend(sgd.momentum(0.9), 1000, device)?])
}

fn main() -> Result<()> {
    let paths = run(&Device::auto()?)?;
    let [plain, momentum] = &paths;
    for (name, path) in [("plain descent", plain), ("with momentum", momentum)] {
        match path.arrived {
            Some(steps) => println!("{name} is in the valley after {steps} steps"),
            None => println!("{name} is not in the valley after {} steps", path.places.len() - 1),
        }
    }
    let [plain, momentum] = paths.map(|path| path.places);
    let marks = vec![
        Marks { name: "plain descent", places: plain, joined: true },
        Marks { name: "momentum", places: momentum, joined: true },
    ];
    let title = "From a ridge over a saddle at (0, 0) to a valley at (0, 1)";
    support::text("saddle.svg", &Plane { title, x: (-1.2, 1.2), y: (-0.5, 1.5), marks }.to_string())
}
