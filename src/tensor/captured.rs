//! Work on tensors that is captured once, and then run again as a whole.

use std::fmt;

use smallvec::SmallVec;

use super::Tensor;
use crate::device::{Device, Graph, GraphStream};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Layout;

/// The most graphs kept; the one that was made first goes for the next.
const MOST: usize = 8;

/// A piece of work that is done many times, such as a step of training: where the device can, it is captured and runs as one
/// launch from then on.
///
/// The first run is as if this were not there, so that what is made once is made. Later runs capture the work once for each
/// shape and place of the inputs, and launch it: nothing is allocated then, and the host does nothing but that. Numbers that
/// optimisers, averages and networks keep on the host (the learning rate, the number of the step, the keys of draws) go on as ever.
/// On a device that cannot, each run does the work: results are the same, to the bit.
///
/// Everything else that the work takes from the host is what it was when it was captured. So the work must be the same each
/// time, but for the elements of tensors: it must not copy from the host, read a result, or choose by one; what does fails
/// with an error. The results are overwritten by the next run.
///
/// ```
/// use rectify::nn::Network;
/// use rectify::nn::layer::Dense;
/// use rectify::optim::{Rule, Sgd};
/// use rectify::tensor::Captured;
/// use rectify::{DType, Device, Tape, Tensor};
///
/// let device = Device::auto()?;
/// let network = Network::new(&[3]).add(Dense::new(1)).build(&device)?;
/// let mut sgd = Sgd::new(0.1).for_model(&network)?;
/// let x = Tensor::full(&[8, 3], 0.5, DType::F32, &device)?;
/// let mut step = Captured::new(&device);
/// for _ in 0..5 {
///     let loss = step.run(&[&x], || {
///         let loss = network.forward(&Tape::new(), &x)?.square()?.mean(&[])?;
///         sgd.step(&network, &loss.backward()?)?;
///         Ok(loss.tensor().clone())
///     })?;
///     println!("{}", loss.item()?);
/// }
/// # Ok::<(), rectify::Error>(())
/// ```
pub struct Captured<T> {
    device: Device,
    has_run: bool,
    /// Dropped before the stream of what they hold.
    runs: Vec<Run<T>>,
    stream: Option<GraphStream>,
}

struct Run<T> {
    key: Key,
    graph: Graph,
    result: T,
}

/// What a graph is made for.
#[derive(PartialEq)]
struct Key {
    inputs: SmallVec<[(u64, usize, DType, Layout); 4]>,
    is_recorded: bool,
}

impl<T: Clone> Captured<T> {
    /// Work on this device, captured when it runs for the second time.
    pub fn new(device: &Device) -> Self {
        Self { device: device.clone(), has_run: false, runs: Vec::new(), stream: None }
    }

    /// Does the work on these inputs, which are all tensors it uses that are others, or lie elsewhere, from run to run.
    ///
    /// # Errors
    /// Those of the work; and, when it is captured, that it waits for the device, or copies from the host.
    pub fn run(&mut self, inputs: &[&Tensor], mut work: impl FnMut() -> Result<T>) -> Result<T> {
        if !std::mem::replace(&mut self.has_run, true) {
            return work();
        }
        let key = Key::of(inputs, self.device.is_recording());
        let known = self.runs.iter_mut().find(|run| run.key == key);
        if let Some(run) = known {
            run.graph.launch()?;
            return Ok(run.result.clone());
        }
        if !self.device.can_capture() {
            return work();
        }
        // A driver may refuse to load kernels within a capture; when it is tried again they are there.
        let (mut graph, result) = match self.capture(inputs, &mut work) {
            Err(Error::Device { .. }) => self.capture(inputs, &mut work)?,
            captured => captured?,
        };
        graph.launch()?;
        if self.runs.len() == MOST {
            self.runs.remove(0);
        }
        self.runs.push(Run { key, graph, result: result.clone() });
        Ok(result)
    }

    fn capture(&mut self, inputs: &[&Tensor], work: &mut impl FnMut() -> Result<T>) -> Result<(Graph, T)> {
        let stream = self.stream.get_or_insert_with(|| GraphStream::new(&self.device));
        let buffers: SmallVec<[_; 4]> = inputs.iter().map(|input| input.buffer()).collect();
        let capture = stream.capture(&buffers)?;
        let result = work()?;
        Ok((capture.end()?, result))
    }

    /// Lets the graphs go: the next run captures the work as it is then.
    pub fn forget(&mut self) {
        self.runs.clear();
        self.stream = None;
    }

    /// How many graphs there are: none on a device that cannot capture.
    pub fn graphs(&self) -> usize {
        self.runs.len()
    }
}

impl Key {
    fn of(inputs: &[&Tensor], is_recorded: bool) -> Self {
        let place =
            |input: &&Tensor| (input.buffer().address(), input.buffer().bytes(), input.dtype(), input.layout().clone());
        Self { inputs: inputs.iter().map(place).collect(), is_recorded }
    }
}

impl<T> fmt::Debug for Captured<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Captured({}, {} graphs)", self.device.name(), self.runs.len())
    }
}
