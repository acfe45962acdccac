//! What is written down about the calls of a device, against counts by hand, and what is made of it.

mod devices;

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use devices::{device, fresh, is_cuda, on_devices};
use rectify::device::{Call, Lane, Seed, Work};
use rectify::formula::AnyFormula;
use rectify::formula::catalogue::{arithmetic, update};
use rectify::memory::EventKind;
use rectify::nn::Mlp;
use rectify::optim::{Optimizer, Rule, Sgd};
use rectify::profile::operations::{Options, measure};
use rectify::profile::{Bound, Ceilings, Grouping, Profile, Profiler, Schedule, compare, table, trace};
use rectify::report::ProfilePage;
use rectify::{Activation, DType, Device, Result, Tape, Tensor};

on_devices! {
    work_is_what_a_hand_counts,
    what_is_there_twice_counts_once,
    results_are_the_same_to_the_bit,
    one_recording_at_a_time,
    a_schedule_keeps_the_steps_it_names,
    what_is_done_between_steps_belongs_to_none,
    times_add_up_and_memory_is_the_ledgers,
    operations_are_right_before_they_are_timed,
}

/// What calls a device gets is everybody's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn numbers(sizes: &[usize], dtype: DType) -> Tensor {
    Tensor::uniform(sizes, -1.0, 1.0, dtype, Seed::new(3, 0), &device()).unwrap()
}

fn labels(count: usize, end: usize) -> Tensor {
    let labels: Vec<i64> = (0..count).map(|place| (place * 7 % end) as i64).collect();
    Tensor::from_slice(&labels, &[count], &device()).unwrap()
}

/// The calls of an operation.
fn calls<T>(operation: impl FnOnce() -> Result<T>) -> Result<Vec<Call>> {
    let recording = device().record()?;
    let _kept = operation()?;
    recording.take()
}

/// The one call of an operation: its name, and what there was to do.
fn call<T>(operation: impl FnOnce() -> Result<T>) -> Result<(String, Work)> {
    let calls = calls(operation)?;
    assert_eq!(calls.len(), 1, "{calls:?}");
    Ok((calls[0].name(), calls[0].work))
}

fn work(read: usize, written: usize, flops: usize) -> Work {
    Work { read: read as u64, written: written as u64, flops: flops as u64 }
}

fn work_is_what_a_hand_counts() -> Result<()> {
    let _turn = alone();
    let (a, b, row) = (numbers(&[64, 784], DType::F32), numbers(&[784, 128], DType::F32), numbers(&[784], DType::F32));
    let (narrow, integers) = (numbers(&[64, 10], DType::Bf16), labels(64, 10));
    let (elements, k) = (64 * 784, 784 * 128);
    let sum = numbers(&[64, 128], DType::F32);
    let expected = [
        (call(|| a.add(&row))?, "map add", work(4 * (elements + 784), 4 * elements, elements)),
        (call(|| a.scale_shift(2.0, 1.0))?, "map scale_shift", work(4 * elements, 4 * elements, 2 * elements)),
        (call(|| a.sum(&[1]))?, "sum linear", work(4 * elements, 4 * 64, elements)),
        (call(|| a.max(&[0]))?, "max linear", work(4 * elements, 4 * 784, elements)),
        (call(|| a.matmul(&b))?, "matmul", work(4 * (elements + k), 4 * 64 * 128, 2 * 64 * k)),
        (
            call(|| sum.add_matmul(&a, &b))?,
            "matmul",
            work(4 * (elements + k + 64 * 128), 4 * 64 * 128, 2 * 64 * k + 64 * 128),
        ),
        (call(|| narrow.softmax())?, "softmax", work(2 * 640, 2 * 640, 5 * 640)),
        (
            call(|| a.layer_norm(&row, &row, 1e-5))?,
            "layer_norm",
            work(4 * (elements + 784), 4 * elements, 7 * elements),
        ),
        (call(|| a.rms_norm(&row, 1e-5))?, "rms_norm", work(4 * (elements + 784), 4 * elements, 4 * elements)),
        (
            call(|| narrow.cross_entropy(&integers, Some(1.0)))?,
            "cross_entropy",
            work(2 * 640 + 8 * 64, 2 * (64 + 640), 6 * 640),
        ),
        (call(|| narrow.argmax(1))?, "argmax", work(2 * 640, 8 * 64, 640)),
        (call(|| a.gather(0, &integers))?, "gather", work(8 * 64 + 4 * elements, 4 * elements, 0)),
        (
            call(|| a.scatter_add(0, &integers, &[10, 784]))?,
            "scatter_add",
            work(4 * elements + 8 * 64, 4 * 7840, elements),
        ),
        (call(|| a.transpose(0, 1)?.contiguous())?, "copy", work(4 * elements, 4 * elements, 0)),
        (call(|| a.cast(DType::F64))?, "copy", work(4 * elements, 8 * elements, 0)),
        (call(|| Tensor::from_slice(&[1u8; 100], &[100], &device()))?, "upload", work(0, 100, 0)),
        (call(|| row.to_vec::<f32>())?, "download", work(4 * 784, 0, 0)),
    ];
    for ((name, got), wanted, by_hand) in expected {
        assert_eq!((name.as_str(), got), (wanted, by_hand));
    }
    Ok(())
}

fn what_is_there_twice_counts_once() -> Result<()> {
    let _turn = alone();
    let (x, column) = (numbers(&[100, 10], DType::F32), numbers(&[100, 1], DType::F32));
    assert_eq!(call(|| x.mul(&x))?.1, work(4 * 1000, 4 * 1000, 1000));
    assert_eq!(call(|| column.broadcast_to(&[100, 10])?.copy())?.1, work(4 * 100, 4 * 1000, 0));
    // Windows overlap: 98 of 3 rows lie in 100.
    assert_eq!(call(|| x.windows(0, 3, 1, 1)?.copy())?.1, work(4 * 1000, 4 * 98 * 30, 0));
    // The gradient of a sum is that of what comes out: no summand is read.
    let of_sum = AnyFormula::gradient(&arithmetic::add, 0).unwrap();
    let gradient = || Tensor::apply(&*of_sum, &[&x, &x, &x.contiguous()?], Seed::default());
    assert_eq!(call(gradient)?.1, work(4 * 1000, 4 * 1000, 0));
    let (weights, gradient) = (numbers(&[500], DType::F32), numbers(&[500], DType::F32));
    let rule = update::sgd { rate: 0.1, decay: 0.0 };
    let in_place = || Tensor::update(&rule, &[&weights, &gradient], &[&weights], Seed::default());
    let (name, done) = call(in_place)?;
    assert_eq!((name.as_str(), done.read, done.written), ("map sgd", 4000, 2000));
    Ok(())
}

struct Training {
    model: Mlp,
    sgd: Optimizer,
    images: Tensor,
    labels: Tensor,
}

impl Training {
    fn new(device: &Device) -> Result<Self> {
        let model = Mlp::new(&[64, 32, 10], Activation::Relu).seed(7).build(device)?;
        let sgd = Sgd::new(0.05).momentum(0.9).for_model(&model)?;
        let images = Tensor::uniform(&[16, 64], -1.0, 1.0, DType::F32, Seed::new(5, 0), device)?;
        let labels: Vec<i64> = (0..16).map(|row| row * 7 % 10).collect();
        Ok(Self { model, sgd, images, labels: Tensor::from_slice(&labels, &[16], device)? })
    }

    fn step(&mut self) -> Result<()> {
        let loss = self.model.forward(&Tape::new(), &self.images)?.cross_entropy(&self.labels)?;
        self.sgd.step(&self.model, &loss.backward()?)
    }

    fn weights(&self) -> Result<Vec<f32>> {
        self.model.parameters().flat().to_vec()
    }
}

fn results_are_the_same_to_the_bit() -> Result<()> {
    let _turn = alone();
    let device = device();
    let (mut plain, mut watched) = (Training::new(&device)?, Training::new(&device)?);
    (0..5).try_for_each(|_| plain.step())?;
    let recording = device.record()?;
    (0..5).try_for_each(|_| watched.step())?;
    assert!(!recording.take()?.is_empty());
    drop(recording);
    let bits = |weights: Vec<f32>| weights.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(plain.weights()?), bits(watched.weights()?));
    Ok(())
}

fn one_recording_at_a_time() -> Result<()> {
    let _turn = alone();
    let (device, x) = (device(), numbers(&[10], DType::F32));
    let recording = device.record()?;
    let second = device.record().unwrap_err().to_string();
    assert!(second.contains("recorded already"), "{second}");
    x.exp()?;
    assert_eq!((recording.take()?.len(), recording.take()?.len(), recording.dropped()), (1, 0, 0));
    drop(recording);
    x.exp()?;
    let recording = device.record()?;
    assert_eq!(recording.take()?.len(), 0, "nothing is written down between recordings");
    // What fails is no call.
    assert!(x.cross_entropy(&labels(3, 3), None).is_err());
    assert_eq!(recording.take()?.iter().filter(|call| call.operation == "cross_entropy").count(), 0);
    Ok(())
}

fn profile(device: &Device, schedule: Schedule) -> Result<(Profile, Training)> {
    let mut training = Training::new(device)?;
    // Kernels are compiled before.
    training.step()?;
    let mut profiler = Profiler::new(device, schedule)?;
    while !profiler.is_over() {
        training.step()?;
        profiler.step()?;
    }
    // Steps beyond the schedule are nobody's.
    training.step()?;
    Ok((profiler.finish()?, training))
}

fn a_schedule_keeps_the_steps_it_names() -> Result<()> {
    let _turn = alone();
    let device = device();
    for (wait, warm_up, active) in [(0, 0, 1), (0, 2, 3), (2, 0, 2), (1, 1, 4)] {
        let (profile, _) = profile(&device, Schedule { wait, warm_up, active })?;
        assert_eq!((profile.steps, profile.spans.len(), profile.events.len()), (active, active, active));
        let updates = profile.calls.iter().filter(|call| call.name() == "map sgd_momentum");
        assert_eq!(updates.count(), active);
        assert_eq!(profile.calls.len() % active, 0, "each step makes the same calls");
    }
    let mut early = Profiler::new(&device, Schedule { wait: 1, warm_up: 1, active: 5 })?;
    early.step()?;
    let profile = early.finish()?;
    assert_eq!((profile.steps, profile.calls.len()), (0, 0), "stopped before anything was kept");
    Ok(())
}

fn what_is_done_between_steps_belongs_to_none() -> Result<()> {
    let _turn = alone();
    let device = device();
    let mut training = Training::new(&device)?;
    let mut profiler = Profiler::new(&device, Schedule { wait: 0, warm_up: 0, active: 3 })?;
    while !profiler.is_over() {
        // A test of the model, and what it makes of the samples.
        training.model.forward(&Tape::new(), &training.images)?.tensor().argmax(1)?.to_vec::<i64>()?;
        profiler.restart_step()?;
        training.step()?;
        profiler.step()?;
    }
    let profile = profiler.finish()?;
    let count = |name: &str| profile.calls.iter().filter(|call| call.operation == name).count();
    assert_eq!((count("argmax"), count("cross_entropy"), count("matmul")), (0, 3, 3 * 5));
    let events: Vec<_> = profile.events.iter().map(Vec::len).collect();
    assert!(events[0] > 0 && events.iter().all(|&count| count == events[0]), "{events:?}");
    Ok(())
}

fn times_add_up_and_memory_is_the_ledgers() -> Result<()> {
    let _turn = alone();
    let device = fresh();
    let mut training = Training::new(&device)?;
    training.step()?;
    device.synchronize()?;
    device.ledger().reset_peak();
    let ledger = device.ledger().record();
    let mut profiler = Profiler::new(&device, Schedule { wait: 0, warm_up: 0, active: 4 })?;
    for _ in 0..4 {
        training.step()?;
        profiler.step()?;
    }
    let profile = profiler.finish()?;
    assert_eq!(profile.peak_bytes, device.ledger().peak_bytes() as u64);
    let released = |events: &[rectify::memory::Event]| -> Vec<u64> {
        events.iter().filter(|event| event.kind == EventKind::Release).map(|event| event.buffer.id).collect()
    };
    let order: Vec<u64> = ledger.release_order().iter().map(|buffer| buffer.id).collect();
    assert_eq!(released(&profile.events.concat()), order);
    let busy = profile.busy_seconds();
    assert!(busy > 0.0 && busy <= profile.step_seconds(), "{busy} of {}", profile.step_seconds());
    if is_cuda() && devices::simulated::prepare() == devices::simulated::Cuda::Simulated {
        // There, time passes while something runs and at no other time: all that ran is in some call.
        let missing = (profile.step_seconds() - busy) / profile.step_seconds();
        assert!(missing.abs() < 0.02, "{missing} of a step's time is nobody's");
    }
    let sorted = profile.calls.windows(2).all(|pair| pair[0].device.end() <= pair[1].device.start + 1e-9);
    assert!(sorted && profile.calls.iter().all(|call| call.lane == Lane::Compute));
    let scopes: Vec<String> = profile.calls.iter().map(|call| call.label.path()).collect();
    for scope in ["hidden1", "hidden1/gradient", "output", "output/gradient", "loss", "optimizer"] {
        assert!(scopes.iter().any(|path| path == scope), "{scope} is not in {scopes:?}");
    }
    Ok(())
}

/// Ceilings that make sums easy: 1 GB/s, 1 GFLOP/s, 1 µs.
fn ceilings() -> Ceilings {
    Ceilings {
        hardware: "paper".into(),
        version: String::new(),
        copies: vec![(1 << 10, 1e10), (1 << 20, 1e9)],
        products: [("f32".to_owned(), 1e9), ("f64".to_owned(), 5e8)].into(),
        transfers: 1e8,
        call: 1e-6,
    }
}

#[test]
fn floors_are_set_by_what_takes_longest() -> Result<()> {
    let _turn = alone();
    let ceilings = ceilings();
    let x = Tensor::zeros(&[1000, 1000], DType::F32, &Device::cpu())?;
    let floor = |operation: &dyn Fn() -> Result<Tensor>| -> Result<(Bound, f64)> {
        let recording = Device::cpu().record()?;
        operation()?;
        Ok(ceilings.floor(&recording.take()?[0]))
    };
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    let (bound, seconds) = floor(&|| x.exp())?;
    assert!(bound == Bound::Memory && near(seconds, 8e6 / 1e9), "{bound:?} {seconds}");
    let (bound, seconds) = floor(&|| x.matmul(&x))?;
    assert!(bound == Bound::Compute && near(seconds, 2e9 / 1e9), "{bound:?} {seconds}");
    let (bound, seconds) = floor(&|| x.slice(0, 0..1)?.slice(1, 0..10)?.copy())?;
    assert!(bound == Bound::Launch && near(seconds, 1e-6), "{bound:?} {seconds}");
    let (_, seconds) = floor(&|| Tensor::from_slice(&[0u8; 1000], &[1000], &Device::cpu()))?;
    assert!(near(seconds, 1e-5), "{seconds}");
    assert_eq!(
        [100, 1 << 10, 1 << 19, 1 << 20, 1 << 30].map(|bytes| ceilings.copying(bytes)),
        [1e10, 1e10, 1e10, 1e9, 1e9]
    );
    assert_eq!([DType::F32, DType::F64, DType::I64].map(|dtype| ceilings.computing(dtype)), [1e9, 5e8, 1e9]);
    Ok(())
}

#[test]
fn ceilings_are_rates_of_the_device() -> Result<()> {
    let _turn = alone();
    let measured = Ceilings::measure(&Device::cpu(), 1 << 20, 64)?;
    let sizes: Vec<u64> = measured.copies.iter().map(|(bytes, _)| *bytes).collect();
    assert_eq!(sizes, [1 << 14, 1 << 16, 1 << 18, 1 << 20]);
    let rates = measured.copies.iter().map(|(_, rate)| *rate).chain(measured.products.values().copied());
    assert!(rates.chain([measured.transfers]).all(|rate| rate > 1e6 && rate < 1e15), "{measured:?}");
    assert!(measured.call > 0.0 && measured.call < 1e-2 && measured.hardware == Device::cpu().hardware());
    Ok(())
}

#[test]
fn rows_bring_calls_together() -> Result<()> {
    let _turn = alone();
    let (profile, _training) = profile(&Device::cpu(), Schedule { wait: 0, warm_up: 1, active: 3 })?;
    let ceilings = ceilings();
    for grouping in [Grouping::Call, Grouping::Scope, Grouping::Operation] {
        let rows = profile.rows(&ceilings, grouping);
        assert_eq!(rows.iter().map(|row| row.calls).sum::<u64>(), profile.calls.len() as u64);
        let seconds: f64 = rows.iter().map(|row| row.seconds).sum();
        let all: f64 = profile.calls.iter().map(|call| call.device.seconds).sum();
        assert!((seconds / all - 1.0).abs() < 1e-9);
        assert!(rows.is_sorted_by(|a, b| a.above_floor() >= b.above_floor()));
        let bytes = |work: Work| work.bytes();
        assert_eq!(
            rows.iter().map(|row| bytes(row.work)).sum::<u64>(),
            profile.calls.iter().map(|call| bytes(call.work)).sum::<u64>()
        );
    }
    let rows = profile.rows(&ceilings, Grouping::Call);
    let hidden: Vec<_> = rows.iter().filter(|row| row.label == "hidden1").collect();
    assert_eq!((hidden.len(), hidden[0].calls, hidden[0].sizes.as_str()), (1, 3, "1x16x64x32"));
    let text = table::Table { rows: &rows, steps: 3, most: 2 }.to_string();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.lines().last().unwrap().contains(&format!("and {} more", rows.len() - 2)), "{text}");
    let mut csv = Vec::new();
    table::write_csv(&rows, &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), rows.len() + 1);
    assert!(csv.lines().any(|line| line.starts_with("hidden1,matmul relu,f32,1x16x64x32,3,")), "{csv}");
    Ok(())
}

#[test]
fn runs_are_compared_row_by_row() -> Result<()> {
    let _turn = alone();
    let (profile, _training) = profile(&Device::cpu(), Schedule { wait: 0, warm_up: 0, active: 2 })?;
    let before = profile.rows(&ceilings(), Grouping::Operation);
    let mut after = before.clone();
    after[0].seconds *= 2.0;
    let gone = after.pop().unwrap();
    let changes = compare(&before, &after);
    assert_eq!(changes.len(), before.len());
    assert!((changes[0].ratio().unwrap() - 2.0).abs() < 1e-12 && changes[1].ratio() == Some(1.0));
    let last = changes.last().unwrap();
    assert!(last.after.is_none() && last.ratio().is_none() && last.name.contains(&gone.operation), "{last:?}");
    Ok(())
}

/// The rules of the trace event format that viewers rely on.
#[test]
fn a_trace_is_one_that_viewers_open() -> Result<()> {
    let _turn = alone();
    let (profile, _training) = profile(&Device::cpu(), Schedule { wait: 0, warm_up: 1, active: 3 })?;
    let mut bytes = Vec::new();
    trace::write(&profile, &mut bytes).unwrap();
    let trace: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).collect::<Vec<_>>();
    assert_eq!((of("M").len(), of("C").len()), (5, profile.calls.len()));
    let slices = of("X");
    assert_eq!(slices.len(), 3 + 2 * profile.calls.len());
    for slice in &slices {
        let [start, length] = ["ts", "dur"].map(|key| slice[key].as_f64().unwrap());
        assert!(start >= 0.0 && length >= 0.0 && slice["pid"] == 1 && slice["name"].is_string(), "{slice}");
    }
    for line in 1..=4 {
        let mut spans: Vec<_> = slices.iter().filter(|slice| slice["tid"] == line).collect();
        spans.sort_by(|a, b| a["ts"].as_f64().partial_cmp(&b["ts"].as_f64()).unwrap());
        let end = |slice: &serde_json::Value| slice["ts"].as_f64().unwrap() + slice["dur"].as_f64().unwrap();
        let apart = spans.windows(2).all(|pair| end(pair[0]) <= pair[1]["ts"].as_f64().unwrap() + 2e-3);
        assert!(apart, "slices of line {line} overlap without nesting");
    }
    Ok(())
}

#[test]
fn a_page_shows_every_row_and_loads_nothing() -> Result<()> {
    let _turn = alone();
    let (profile, _training) = profile(&Device::cpu(), Schedule { wait: 0, warm_up: 1, active: 2 })?;
    let ceilings = ceilings();
    let page = ProfilePage { title: "a <b> & c", profile: &profile, ceilings: &ceilings }.to_string();
    assert!(page.contains("a &lt;b&gt; &amp; c") && !page.contains("<b>"));
    assert!(!page.contains("://") && !page.contains("src=") && !page.contains("NaN"));
    for row in profile.rows(&ceilings, Grouping::Call) {
        assert!(page.contains(&row.operation), "{} is not on the page", row.operation);
    }
    assert_eq!(page.matches("<circle class=\"point").count(), {
        let rows = profile.rows(&ceilings, Grouping::Operation);
        rows.iter().filter(|row| row.work.flops > 0).count()
    });
    Ok(())
}

fn operations_are_right_before_they_are_timed() -> Result<()> {
    let _turn = alone();
    // Of CUDA's a few: each is compiled for the simulated device.
    let names = if is_cuda() {
        vec!["sum of", "softmax", "layer_norm", "rms_norm", "matmul nt", "gather", "map gelu", "copy transposed"]
    } else {
        vec![""]
    };
    for name in names {
        let options = Options { sizes: vec![4096], only: Some(name.to_owned()), seconds: 0.0, ..Options::default() };
        let options = if is_cuda() { Options { dtypes: vec![DType::F32], ..options } } else { options };
        let mut seen = 0;
        measure(&device(), &ceilings(), &options, &mut |measured| {
            assert!(measured.error <= 1.0, "{}: {} of what is allowed", measured.row.operation, measured.error);
            assert!(measured.row.work.bytes() > 0 && measured.row.seconds > 0.0 && measured.runs >= 5, "{measured:?}");
            seen += 1;
            ControlFlow::Continue(())
        })?;
        assert!(seen > 0, "{name}");
    }
    Ok(())
}

#[test]
fn a_broken_off_list_is_no_error() -> Result<()> {
    let _turn = alone();
    let mut seen = 0;
    let options = Options { sizes: vec![1024], seconds: 0.0, ..Options::default() };
    measure(&Device::cpu(), &ceilings(), &options, &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    })?;
    assert_eq!(seen, 1);
    Ok(())
}

/// What recording costs: `cargo test --release --test profile -- --ignored --nocapture`.
#[test]
#[ignore = "prints times, and asserts none"]
fn the_cost_of_recording() -> Result<()> {
    const STEPS: usize = 200;
    let _turn = alone();
    let device = Device::cpu();
    let model = Mlp::new(&[784, 128, 10], Activation::Relu).seed(7).build(&device)?;
    let mut sgd = Sgd::new(0.05).momentum(0.9).for_model(&model)?;
    let images = Tensor::uniform(&[64, 784], -1.0, 1.0, DType::F32, Seed::new(5, 0), &device)?;
    let labels = labels(64, 10);
    let mut steps = || -> Result<f64> {
        let start = std::time::Instant::now();
        for _ in 0..STEPS {
            let loss = model.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
            sgd.step(&model, &loss.backward()?)?;
        }
        Ok(start.elapsed().as_secs_f64() / STEPS as f64)
    };
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..31 {
        times[0].push(steps()?);
        let recording = device.record()?;
        times[1].push(steps()?);
        drop(recording);
    }
    let [off, on] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("a step takes {:.2} µs, {:.2} µs recorded: {:.3} of it", off * 1e6, on * 1e6, on / off);
    Ok(())
}
