//! Symmetric threshold-linear networks, dx/dt = -x + max(0, b + W x): where they come to rest, and which sets of units can be
//! active together there (Hahnloser, Seung and Slotine 2003). A set is permitted where I - W, restricted to it, is positive
//! definite, and forbidden otherwise; then subsets of permitted sets are permitted, and supersets of forbidden ones forbidden.

mod support;

use rectify::device::Seed;
use rectify::{DType, Device, Result, Tensor, formula};
use support::cholesky::Cholesky;

formula! {
    /// One step of Euler's method, of length `dt`, from an activity with this input.
    fn relax(activity, input; dt) = activity + dt * (input.relu() - activity)
}

const STEP: f64 = 0.05;
const STEPS: usize = 4000;

/// Symmetric connections between a few units.
pub struct Network {
    /// Shape [units, units].
    connections: Tensor,
    entries: Vec<f64>,
    units: usize,
}

/// Where a network came to rest.
pub struct SteadyState {
    /// The activities.
    pub activity: Vec<f64>,
    /// The units that are active, a bit each.
    pub active: usize,
    /// The greatest |dx/dt| there.
    pub speed: f64,
    /// The greatest difference to the solution of (I - W) x = b on the active units; none where that has no Cholesky factor.
    pub error: Option<f64>,
}

impl Network {
    /// Random connections, from strong inhibition to weak excitation: too weak, together, for activity to grow without bound.
    pub fn random(units: usize, key: u64, device: &Device) -> Result<Self> {
        let greatest = 0.9 / units as f64;
        let drawn = Tensor::uniform(&[units, units], -1.6, greatest, DType::F64, Seed::new(key, 0), device)?;
        let mut entries: Vec<f64> = drawn.to_vec()?;
        for row in 0..units {
            entries[row * units + row] = 0.0;
            for column in 0..row {
                entries[row * units + column] = entries[column * units + row];
            }
        }
        Ok(Self { connections: Tensor::from_slice(&entries, &[units, units], device)?, entries, units })
    }

    /// Two units with this connection.
    pub fn pair(connection: f64, device: &Device) -> Result<Self> {
        let entries = vec![0.0, connection, connection, 0.0];
        Ok(Self { connections: Tensor::from_slice(&entries, &[2, 2], device)?, entries, units: 2 })
    }

    /// The factor of I - W restricted to a set of units; none where the set is forbidden.
    fn factor(&self, members: &[usize]) -> Option<Cholesky> {
        let entry = |i: usize, j: usize| f64::from(u8::from(i == j)) - self.entries[i * self.units + j];
        let restricted: Vec<_> = members.iter().flat_map(|&i| members.iter().map(move |&j| entry(i, j))).collect();
        Cholesky::of(&restricted, members.len())
    }

    /// Whether each set of units, a bit for each unit, is permitted.
    pub fn permitted(&self) -> Vec<bool> {
        (0..1 << self.units).map(|set| self.factor(&members(set)).is_some()).collect()
    }

    /// One step from these activities under these inputs, both of shape [runs, units].
    fn advance(&self, activity: &Tensor, b: &Tensor) -> Result<Tensor> {
        let input = b.add(&activity.matmul(&self.connections)?)?;
        Tensor::zip(relax { dt: STEP }, [activity, &input])
    }

    /// The activities of one unit over time, from this start.
    pub fn path(&self, unit: usize, mut activity: Tensor, b: &Tensor, steps: usize) -> Result<Vec<f64>> {
        let mut path = Vec::with_capacity(steps);
        for _ in 0..steps {
            path.push(activity.slice(1, unit..unit + 1)?.item()?);
            activity = self.advance(&activity, b)?;
        }
        Ok(path)
    }

    /// Where it comes to rest from these activities under these inputs, both of shape [runs, units].
    pub fn settle(&self, mut activity: Tensor, b: &Tensor) -> Result<Vec<SteadyState>> {
        for _ in 0..STEPS {
            activity = self.advance(&activity, b)?;
        }
        let change = self.advance(&activity, b)?.sub(&activity)?.abs()?.max(&[1])?;
        let (activity, b, change): (Vec<f64>, Vec<f64>, Vec<f64>) = (activity.to_vec()?, b.to_vec()?, change.to_vec()?);
        let runs = activity.chunks(self.units).zip(b.chunks(self.units)).zip(change);
        Ok(runs.map(|((activity, b), change)| self.steady_state(activity, b, change / STEP)).collect())
    }

    fn steady_state(&self, activity: &[f64], b: &[f64], speed: f64) -> SteadyState {
        // What falls off towards 0 halves every 14 steps and is far below this at the end.
        let active = (0..self.units).filter(|&unit| activity[unit] > 1e-9).fold(0, |set, unit| set | 1 << unit);
        let members = members(active);
        let inputs: Vec<_> = members.iter().map(|&unit| b[unit]).collect();
        let error = self.factor(&members).map(|factor| {
            let solution = factor.solve(&inputs);
            let errors = members.iter().zip(solution).map(|(&unit, x)| (activity[unit] - x).abs());
            errors.fold(0.0, f64::max)
        });
        SteadyState { activity: activity.to_vec(), active, speed, error }
    }
}

/// The units of a set.
fn members(set: usize) -> Vec<usize> {
    (0..usize::BITS as usize).filter(|unit| set >> unit & 1 == 1).collect()
}

/// The pairs of a set and a subset of it that break the rule: a permitted set with a forbidden subset.
pub fn violations(permitted: &[bool]) -> usize {
    let subsets = |set: usize| (0..=set).filter(move |subset| subset & set == *subset);
    (0..permitted.len()).map(|set| subsets(set).filter(|&sub| permitted[set] && !permitted[sub]).count()).sum()
}

/// Steady states from random activities under random inputs above 0, each of `inputs` from `starts` places.
pub fn settled(
    network: &Network,
    (inputs, starts): (usize, usize),
    key: u64,
    device: &Device,
) -> Result<Vec<SteadyState>> {
    let draw =
        |rows, stream| Tensor::uniform(&[rows, network.units], 0.2, 1.0, DType::F64, Seed::new(key, stream), device);
    let all = [inputs, starts, network.units];
    let b = draw(inputs, 1)?.unsqueeze(1)?.broadcast_to(&all)?.reshape(&[inputs * starts, network.units])?;
    network.settle(draw(inputs * starts, 2)?, &b)
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let network = Network::random(6, 6, &device)?;
    let permitted = network.permitted();
    let count = permitted.iter().filter(|&&permitted| permitted).count();
    println!("{count} of {} sets of 6 units are permitted; {} break the rule", permitted.len(), violations(&permitted));
    let starts = 16;
    let states = settled(&network, (20, starts), 6, &device)?;
    for (nth, states) in states.chunks(starts).enumerate().take(5) {
        let mut sets: Vec<_> = states.iter().map(|state| state.active).collect();
        sets.sort_unstable();
        sets.dedup();
        let sets: Vec<_> = sets.into_iter().map(|set| format!("{:?}", members(set))).collect();
        println!("under input {nth} these units stay active, by start: {}", sets.join(" or "));
    }
    let forbidden = states.iter().filter(|state| !permitted[state.active]).count();
    println!("{} runs came to rest, {forbidden} of them in a forbidden set", states.len());

    // The pair that inhibits itself most: each may win.
    let (pair, b) = (Network::pair(-1.4, &device)?, Tensor::full(&[1, 2], 1.0, DType::F64, &device)?);
    let from = |x: f64, y: f64| pair.path(0, Tensor::from_slice(&[x, y], &[1, 2], &device)?, &b, 300);
    let (wins, loses) = (from(0.35, 0.34)?, from(0.34, 0.35)?);
    let time: Vec<f64> = (0..wins.len()).map(|step| step as f64 * STEP).collect();
    let title = "A unit of two that inhibit each other, from two starts, by time";
    support::curves("threshold-linear", title, &time, &[("ahead at first", &wins), ("behind at first", &loses)])
}
