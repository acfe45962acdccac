//! The memory of training: to the byte, in order, and whole when it runs out.

mod devices;

use devices::{device, fresh, is_cuda, on_cuda, on_devices};
use rectify::memory::{BufferRecord, Event, EventKind, Faulty, Host, Ledger, Memory, Options, Place};
use rectify::nn::{Activation, Mlp};
use rectify::optim::{Adam, Optimizer, Rule, Sgd};
use rectify::scope::Label;
use rectify::{DType, Device, Error, Result, Tape, Tensor};

on_devices! {
    the_peak_of_a_step_is_the_predicted_one,
    a_step_releases_in_reverse_and_by_label,
    micro_batches_give_the_step_of_the_whole,
}

/// Whether a buffer is the backend's own: room for partial results, what cuBLAS works in, or the mask of a ReLU, one bit an
/// element. No prediction counts them.
fn is_aside(buffer: &BufferRecord) -> bool {
    let path = buffer.label.path();
    matches!(path.rsplit('/').next(), Some("scratch" | "workspace" | "mask"))
}

/// Bytes alive that are not the backend's own.
fn live_bytes(ledger: &Ledger) -> usize {
    ledger.live_buffers().iter().filter(|buffer| !is_aside(buffer)).map(|buffer| buffer.bytes).sum()
}

/// The most bytes alive at once during these events, of buffers that are `counted`, on top of `bytes`.
fn peak_of(mut bytes: usize, events: &[Event], counted: impl Fn(&BufferRecord) -> bool) -> usize {
    let mut peak = bytes;
    for Event { kind, buffer, .. } in events.iter().filter(|event| counted(&event.buffer)) {
        match kind {
            EventKind::Allocate => bytes += buffer.bytes,
            EventKind::Release => bytes -= buffer.bytes,
        }
        peak = peak.max(bytes);
    }
    peak
}

struct Batch {
    images: Tensor,
    labels: Tensor,
}

impl Batch {
    fn new(rows: usize, inputs: usize, classes: usize, dtype: DType, device: &Device) -> Result<Self> {
        let seed = rectify::device::Seed::new(11, 0);
        let images = Tensor::uniform(&[rows, inputs], -1.0, 1.0, dtype, seed, device)?;
        let labels: Vec<i64> = (0..rows).map(|row| (row * 7 % classes) as i64).collect();
        Ok(Self { images, labels: Tensor::from_slice(&labels, &[rows], device)? })
    }

    fn step(&self, model: &Mlp, optimizer: &mut Optimizer) -> Result<f64> {
        let tape = Tape::new();
        let loss = model.forward(&tape, &self.images)?.cross_entropy(&self.labels)?;
        let gradients = loss.backward()?;
        optimizer.step(model, &gradients)?;
        loss.item()
    }
}

fn optimizers(model: &Mlp) -> Vec<Optimizer> {
    vec![
        Sgd::new(0.1).for_model(model).unwrap(),
        Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(1e-4).for_model(model).unwrap(),
        Adam::new(0.01).for_model(model).unwrap(),
    ]
}

fn the_peak_of_a_step_is_the_predicted_one() -> Result<()> {
    let shapes: [(&[usize], usize); 6] = [
        (&[784, 128, 10], 64),
        (&[4, 32, 16, 3], 100),
        (&[3, 2], 1),
        (&[2, 9, 50, 9, 4], 33),
        (&[5, 64, 2, 64, 3], 7),
        (&[900, 3, 2], 2),
    ];
    for (sizes, rows) in shapes {
        // Every activation is a kernel of its own to compile: three of them stand for all on CUDA.
        let few = [Activation::Relu, Activation::Gelu, Activation::GeluTanh];
        for hidden in if is_cuda() { &few[..] } else { Activation::ALL }.iter().copied() {
            for (output, dtype) in
                [(Activation::Linear, DType::F32), (Activation::Tanh, DType::F64), (Activation::Gelu, DType::F32)]
            {
                check_peak(&Mlp::new(sizes, hidden).output(output).dtype(dtype), sizes, rows, dtype)?;
            }
        }
    }
    Ok(())
}

fn check_peak(builder: &rectify::nn::MlpBuilder, sizes: &[usize], rows: usize, dtype: DType) -> Result<()> {
    for which in 0..3 {
        let device = fresh();
        let ledger = device.ledger();
        let model = builder.build(&device)?;
        let mut optimizer = optimizers(&model).swap_remove(which);
        let resting = live_bytes(&ledger);
        let states = optimizer.state().len();
        assert_eq!(model.resting_bytes(states), resting);
        let batch = Batch::new(rows, sizes[0], sizes[sizes.len() - 1], dtype, &device)?;
        let before = live_bytes(&ledger);
        for step in 0..2 {
            ledger.reset_peak();
            let (all, recording) = (ledger.live_bytes(), ledger.record());
            let tape = Tape::new();
            let loss = model.forward(&tape, &batch.images)?.cross_entropy(&batch.labels)?;
            let gradients = loss.backward()?;
            optimizer.step(&model, &gradients)?;
            drop((loss, gradients));
            let events = recording.events();
            let peak = peak_of(before, &events, |buffer| !is_aside(buffer)) - (before - resting);
            let predicted = model.predicted_peak_bytes(rows, states)?;
            assert_eq!(peak, predicted, "{model}, {rows} rows, {optimizer:?}, step {step}: {}", ledger.report());
            assert_eq!(live_bytes(&ledger), before);
            // The ledger saw the same, and beside it no more than what the backend held at most.
            let whole = ledger.peak_bytes() - (before - resting);
            let aside = peak_of(all - before, &events, is_aside);
            assert!((predicted..=predicted + aside).contains(&whole), "{whole} is not {predicted} and up to {aside}");
            assert!(is_cuda() || aside == 0, "the CPU has no memory of its own");
        }
    }
    Ok(())
}

/// The events of some steps of training on a new device: what happened, where, and for whom.
fn events_of_steps() -> Result<Vec<(EventKind, Option<Place>, Label)>> {
    let device = fresh();
    let recording = device.ledger().record();
    let model = Mlp::new(&[784, 128, 10], Activation::Relu).seed(7).build(&device)?;
    let batch = Batch::new(64, 784, 10, DType::F32, &device)?;
    let mut sgd = Sgd::new(0.1).momentum(0.9).for_model(&model)?;
    let first = batch.step(&model, &mut sgd)?;
    let driver = device.ledger().driver_allocations();
    let mut last = first;
    for _ in 0..5 {
        last = batch.step(&model, &mut sgd)?;
    }
    assert_eq!(device.ledger().driver_allocations(), driver, "the steady state takes nothing from the driver");
    assert!(last < first, "{last} {first}");
    Ok(recording.events().iter().map(|event| (event.kind, event.buffer.place, event.buffer.label)).collect())
}

#[test]
fn two_runs_of_training_have_the_same_events_at_the_same_places() -> Result<()> {
    let (once, twice) = (events_of_steps()?, events_of_steps()?);
    assert!(once.len() > 50);
    assert_eq!(once, twice);
    let (once, twice) = (on_cuda(events_of_steps)?, on_cuda(events_of_steps)?);
    assert_eq!(once, twice);
    Ok(())
}

fn a_step_releases_in_reverse_and_by_label() -> Result<()> {
    let device = fresh();
    let model = Mlp::new(&[6, 5, 4, 3], Activation::Gelu).build(&device)?;
    let batch = Batch::new(2, 6, 3, DType::F32, &device)?;
    let recording = device.ledger().record();
    let tape = Tape::new();
    let loss = model.forward(&tape, &batch.images)?.cross_entropy(&batch.labels)?;
    let mark = device.ledger().sequence();
    let gradients = loss.backward()?;
    let mut released = recording.release_order_since(mark);
    released.retain(|buffer| !is_aside(buffer));
    let labels: Vec<_> = released.iter().map(|buffer| buffer.label.path()).collect();
    // What each layer kept and the gradients on their way, layer by layer from the end. The first is the loss's own
    // gradient, which became that of the logits.
    let expected = ["hidden2", "loss", "hidden2", "hidden1", "output/gradient", "hidden1", "hidden2/gradient"];
    assert_eq!(labels, expected);
    let births: Vec<_> =
        released.iter().filter(|b| b.label.path().starts_with("hidden") && !b.label.path().contains('/')).collect();
    assert!(births.windows(2).all(|pair| pair[0].birth > pair[1].birth), "{births:?}");
    let live = device.ledger().live_buffers();
    let live: Vec<_> = live.iter().filter(|buffer| !is_aside(buffer)).map(|buffer| buffer.label.path()).collect();
    assert_eq!(live, ["parameters", "", "", "loss", "gradients"]);
    drop((gradients, loss));
    assert_eq!(device.ledger().live_buffers().iter().filter(|buffer| !is_aside(buffer)).count(), 3);
    Ok(())
}

fn micro_batches_give_the_step_of_the_whole() -> Result<()> {
    let device = device();
    let batch = Batch::new(12, 6, 3, DType::F64, &device)?;
    let build = || Mlp::new(&[6, 8, 3], Activation::Tanh).dtype(DType::F64).seed(3).build(&device);
    let (whole, parts) = (build()?, build()?);
    batch.step(&whole, &mut Sgd::new(0.5).for_model(&whole)?)?;
    let gradients = |rows: std::ops::Range<usize>| {
        let images = batch.images.slice(0, rows.clone())?;
        parts.forward(&Tape::new(), &images)?.cross_entropy(&batch.labels.slice(0, rows)?)?.backward()
    };
    let mut sum = gradients(0..4)?;
    sum.accumulate(gradients(4..8)?)?;
    sum.accumulate(gradients(8..12)?)?;
    sum.scale(1.0 / 3.0)?;
    Sgd::new(0.5).for_model(&parts)?.step(&parts, &sum)?;
    let (a, b) = (whole.parameters().flat().to_vec::<f64>()?, parts.parameters().flat().to_vec::<f64>()?);
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-14));
    Ok(())
}

/// Everything a failing step must leave as it was.
fn snapshot(model: &Mlp, optimizer: &Optimizer) -> Vec<Vec<u32>> {
    let state = optimizer.state().map(|(_, tensor)| tensor.clone());
    let tensors = std::iter::once(model.parameters().flat().clone()).chain(state);
    tensors.map(|t| t.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()).collect()
}

#[test]
fn running_out_of_memory_anywhere_in_a_step_leaves_everything_whole() -> Result<()> {
    for once in [true, false] {
        for activation in [Activation::Relu, Activation::Gelu] {
            let faulty = Faulty::new(Host);
            let options = Options { pooled: false, ..Options::default() };
            let device = Device::cpu_with_memory(Memory::with(faulty.clone(), options));
            let model = Mlp::new(&[6, 5, 4, 3], activation).seed(1).build(&device)?;
            let mut optimizer = Adam::new(0.01).for_model(&model)?;
            let batch = Batch::new(4, 6, 3, DType::F32, &device)?;
            batch.step(&model, &mut optimizer)?;
            faulty.refuse(0..0);
            batch.step(&model, &mut optimizer)?;
            let allocations = faulty.acquisitions();
            assert!(allocations > 8, "{allocations}");
            let live = device.ledger().live_bytes();
            for n in 0..allocations {
                let before = snapshot(&model, &optimizer);
                // A refused acquisition is tried again once the pool has given back what it holds.
                if once {
                    faulty.refuse(n..n + 2)
                } else {
                    faulty.refuse(n..)
                }
                let steps = optimizer.steps();
                let result = batch.step(&model, &mut optimizer);
                faulty.refuse(0..0);
                // The last allocation of all reads the loss, after the step.
                if optimizer.steps() == steps {
                    assert_eq!(snapshot(&model, &optimizer), before, "allocation {n}");
                }
                assert!(matches!(result, Err(Error::OutOfMemory(_))), "allocation {n}: {result:?}");
                assert_eq!(device.ledger().live_bytes(), live, "allocation {n} leaked: {}", device.ledger().report());
                batch.step(&model, &mut optimizer)?;
            }
        }
    }
    Ok(())
}
