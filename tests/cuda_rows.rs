//! The kernels on rows and indices, on a CUDA device against the CPU: odd sizes, every element type, values that are no
//! numbers, operands that begin anywhere.

mod simulated;

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rectify::device::{Kernel, Normalize, NormalizeBackward, Seed, View};
use rectify::{DType, Device, Result, Tensor};

const FLOATS: [DType; 4] = [DType::F64, DType::F32, DType::F16, DType::Bf16];
const INTEGERS: [DType; 4] = [DType::U8, DType::U32, DType::I32, DType::I64];
const NAN: f64 = f64::NAN;
const INFINITY: f64 = f64::INFINITY;

/// Rows and columns: every kind of piece, filled and not, and more than one.
const SIZES: [(usize, usize); 20] = [
    (70, 1),
    (33, 2),
    (64, 10),
    (5, 31),
    (69, 32),
    (2, 33),
    (3, 64),
    (7, 100),
    (9, 136),
    (2, 257),
    (3, 512),
    (2, 1000),
    (5, 1023),
    (1, 1024),
    (2, 1025),
    (2, 2048),
    (3, 5000),
    (1, 8192),
    (2, 16_392),
    (1, 40_000),
];

/// The device, for one test at a time: what a kernel reports is told to whoever waits next.
struct Turn {
    device: Device,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Turn {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

fn cuda() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Turn { device: simulated::device(), _turn: turn }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_device(&Device::cpu())?.cast(DType::F64)?.to_vec()
}

fn random(sizes: &[usize], dtype: DType, deviation: f64) -> Result<Tensor> {
    let count = sizes.iter().product::<usize>() as u32;
    Tensor::normal(sizes, 0.0, deviation, dtype, Seed::new(3, count), &Device::cpu())
}

fn integers(numbers: &[i64], dtype: DType) -> Result<Tensor> {
    Tensor::from_slice(numbers, &[numbers.len()], &Device::cpu())?.cast(dtype)
}

/// The same elements on the device, `shift` elements behind a place where vectors may begin.
fn shifted(tensor: &Tensor, shift: usize, device: &Device) -> Result<Tensor> {
    let (sizes, count) = (tensor.shape().sizes(), tensor.count());
    let front = Tensor::zeros(&[shift], tensor.dtype(), &Device::cpu())?;
    let flat = Tensor::concatenate(&[&front, &tensor.reshape(&[count])?], 0)?.to_device(device)?;
    flat.slice(0, shift..shift + count)?.reshape(sizes)
}

fn view(tensor: &Tensor) -> View<'_> {
    View::new(tensor.buffer(), tensor.layout(), tensor.dtype()).unwrap()
}

/// How far a result may be from another one: a few roundings of it, or of the magnitude that went into it.
fn assert_near(found: &Tensor, expected: &Tensor, magnitude: f64, what: &str) -> Result<()> {
    assert_each_near(found, expected, &vec![magnitude; expected.count()], what)
}

/// As [`assert_near`], with a magnitude for each element.
fn assert_each_near(found: &Tensor, expected: &Tensor, magnitudes: &[f64], what: &str) -> Result<()> {
    assert_eq!((found.shape(), found.dtype()), (expected.shape(), expected.dtype()), "{what}");
    let step = match expected.dtype() {
        DType::F64 => 4e-15,
        DType::F32 => 2e-6,
        DType::F16 => 1e-3,
        DType::Bf16 => 8e-3,
        _ => 0.0,
    };
    for (place, (found, expected)) in numbers(found)?.into_iter().zip(numbers(expected)?).enumerate() {
        let near = (found - expected).abs() <= step * (expected.abs() + magnitudes[place]);
        let same = found == expected || found.is_nan() && expected.is_nan();
        assert!(near || same, "{what}: {found} at {place}, expected {expected}");
    }
    Ok(())
}

fn bits(tensor: &Tensor) -> Result<Vec<u64>> {
    Ok(numbers(tensor)?.into_iter().map(f64::to_bits).collect())
}

/// Softmax or its logarithm, and the gradient of it, of operands at `shift`.
fn softmax(log: bool, input: &Tensor, gradient: &Tensor, shift: usize, device: &Device) -> Result<[Tensor; 2]> {
    let place = |tensor| shifted(tensor, shift, device);
    let (input, gradient) = (place(input)?, place(gradient)?);
    let [output, input_gradient] =
        [place(&input.to_device(&Device::cpu())?)?, place(&input.to_device(&Device::cpu())?)?];
    device.backend().launch(Kernel::Softmax { log, input: view(&input), output: view(&output) })?;
    device.backend().launch(Kernel::SoftmaxBackward {
        log,
        output: view(&output),
        gradient: view(&gradient),
        input_gradient: view(&input_gradient),
    })?;
    device.synchronize()?;
    Ok([output, input_gradient])
}

/// What goes into each element of the gradient of softmax or of its logarithm, by magnitude: a rounding of an output is one of
/// its weight, and of the logarithm as many times that as it is large.
fn gradient_magnitudes(log: bool, output: &Tensor, gradient: &Tensor) -> Result<Vec<f64>> {
    let columns = output.shape()[1];
    let (outputs, gradients) = (numbers(output)?, numbers(gradient)?);
    let mut magnitudes = Vec::with_capacity(outputs.len());
    for (y, dy) in outputs.chunks(columns).zip(gradients.chunks(columns)) {
        let weight = |y: f64| if log { 1.0 } else { y };
        let sum: f64 = y.iter().zip(dy).map(|(&y, &dy)| weight(y) * dy.abs()).sum();
        magnitudes.extend(y.iter().zip(dy).map(|(&y, &dy)| match log {
            true => dy.abs() + y.exp() * (1.0 + y.abs()) * sum,
            false => y * (dy.abs() + sum),
        }));
    }
    Ok(magnitudes)
}

#[test]
fn softmax_of_rows_of_every_length() -> Result<()> {
    let device = cuda();
    for dtype in FLOATS {
        for (rows, columns) in SIZES {
            let (input, gradient) = (random(&[rows, columns], dtype, 3.0)?, random(&[rows, columns], dtype, 1.0)?);
            for log in [false, true] {
                let what = format!("{dtype} [{rows}, {columns}] log {log}");
                let expected = softmax(log, &input, &gradient, 0, &Device::cpu())?;
                let found = softmax(log, &input, &gradient, 0, &device)?;
                // What is subtracted in the logarithm, and in the gradient, is as large as the sum.
                let size = if log { 8.0 } else { 1e-6 };
                assert_near(&found[0], &expected[0], size, &what)?;
                let sizes = gradient_magnitudes(log, &expected[0], &gradient)?;
                assert_each_near(&found[1], &expected[1], &sizes, &format!("{what}, gradient"))?;
                let moved = softmax(log, &input, &gradient, 1, &device)?;
                assert_eq!(bits(&moved[0])?, bits(&found[0])?, "{what}, moved");
                assert_eq!(bits(&moved[1])?, bits(&found[1])?, "{what}, gradient moved");
            }
        }
    }
    Ok(())
}

/// Rows with numbers that are none, in a short row and in one that is read twice.
#[test]
fn softmax_and_cross_entropy_of_what_is_no_number() -> Result<()> {
    let device = cuda();
    for dtype in FLOATS {
        for columns in [5, 40, 20_000] {
            let specials: [&[f64]; 6] =
                [&[NAN], &[INFINITY], &[-INFINITY], &[INFINITY, -INFINITY], &[NAN, INFINITY], &[-INFINITY; 4]];
            let mut rows = Vec::new();
            for special in specials {
                let mut row = vec![0.5; columns];
                row[..special.len()].copy_from_slice(special);
                rows.extend(row.iter().rev().chain(&row).copied().collect::<Vec<_>>());
            }
            rows.extend(vec![-INFINITY; columns]);
            rows.extend(vec![NAN; columns]);
            let count = rows.len() / columns;
            let input = Tensor::from_slice(&rows, &[count, columns], &Device::cpu())?.cast(dtype)?;
            let labels = integers(&vec![1; count], DType::U8)?;
            let on_device = input.to_device(&device)?;
            let what = format!("{dtype} {columns}");
            assert_near(&on_device.softmax()?, &input.softmax()?, 1e-6, &what)?;
            assert_near(&on_device.log_softmax()?, &input.log_softmax()?, 8.0, &what)?;
            let (losses, gradient) = on_device.cross_entropy(&labels.to_device(&device)?, Some(0.5))?;
            let (expected_losses, expected_gradient) = input.cross_entropy(&labels, Some(0.5))?;
            assert_near(&losses, &expected_losses, 8.0, &what)?;
            assert_near(&gradient.unwrap(), &expected_gradient.unwrap(), 1e-6, &what)?;
        }
    }
    Ok(())
}

/// What a normalisation of operands at `shift` gives, and its gradients in input, gain and shift.
fn normalize(centered: bool, operands: [&Tensor; 4], at: usize, device: &Device) -> Result<[Tensor; 4]> {
    let place = |tensor: &Tensor| shifted(tensor, at, device);
    let [x, gain, shift, dy] = operands;
    let zeros = |like: &Tensor| Tensor::zeros(like.shape(), like.dtype(), &Device::cpu());
    let statistics = Tensor::zeros(&[x.shape()[0], 2], x.dtype().compute(), device)?;
    let [y, dx, dgain, dshift] = [place(&zeros(x)?)?, place(&zeros(x)?)?, place(&zeros(gain)?)?, place(&zeros(gain)?)?];
    let [x, gain, shift, dy] = [place(x)?, place(gain)?, place(shift)?, place(dy)?];
    device.backend().launch(Kernel::Normalize(Normalize {
        centered,
        epsilon: 1e-5,
        input: view(&x),
        gain: view(&gain),
        shift: centered.then(|| view(&shift)),
        output: view(&y),
        statistics: Some(view(&statistics)),
    }))?;
    device.backend().launch(Kernel::NormalizeBackward(NormalizeBackward {
        centered,
        input: view(&x),
        gain: view(&gain),
        statistics: view(&statistics),
        gradient: view(&dy),
        input_gradient: Some(view(&dx)),
        gain_gradient: Some(view(&dgain)),
        shift_gradient: Some(view(&dshift)),
    }))?;
    device.synchronize()?;
    Ok([y, dx, dgain, dshift])
}

#[test]
fn normalisation_of_rows_of_every_length() -> Result<()> {
    let device = cuda();
    for (turn, dtype) in FLOATS.into_iter().enumerate() {
        for (index, (rows, columns)) in SIZES.into_iter().enumerate() {
            // Each is a kernel of its own to compile: every second is tried of each type, and all of them of two.
            let centered = (turn + index) % 2 == 0;
            let of_rows = [random(&[rows, columns], dtype, 3.0)?, random(&[rows, columns], dtype, 1.0)?];
            let of_columns = [random(&[columns], dtype, 1.0)?, random(&[columns], dtype, 2.0)?];
            let operands = [&of_rows[0], &of_columns[0], &of_columns[1], &of_rows[1]];
            let expected = normalize(centered, operands, 0, &Device::cpu())?;
            let found = normalize(centered, operands, 0, &device)?;
            let moved = normalize(centered, operands, 1, &device)?;
            let sizes = [4.0, if columns < 3 { 3e3 } else { 8.0 }, 8.0 * rows as f64, 8.0 * rows as f64];
            for (which, size) in sizes.into_iter().enumerate() {
                let what = format!("{which} of {dtype} [{rows}, {columns}], centered {centered}");
                assert_near(&found[which], &expected[which], size, &what)?;
                assert_eq!(bits(&moved[which])?, bits(&found[which])?, "{what}, moved");
            }
        }
    }
    Ok(())
}

#[test]
fn cross_entropy_of_rows_of_every_length() -> Result<()> {
    let device = cuda();
    for (turn, dtype) in FLOATS.into_iter().enumerate() {
        for (index, (rows, columns)) in SIZES.into_iter().enumerate() {
            let label_type = INTEGERS[(turn + index) % 4];
            let input = random(&[rows, columns], dtype, 3.0)?;
            let labels: Vec<_> = (0..rows).map(|row| (row * 7919 % columns.min(256)) as i64).collect();
            let labels = integers(&labels, label_type)?;
            let what = format!("{dtype} [{rows}, {columns}] labels {label_type}");
            let (expected_losses, expected_gradient) = input.cross_entropy(&labels, Some(0.25))?;
            let on_device = labels.to_device(&device)?;
            let (losses, gradient) = input.to_device(&device)?.cross_entropy(&on_device, Some(0.25))?;
            assert_near(&losses, &expected_losses, 8.0, &what)?;
            // A probability is off by a few roundings, and so is what is left of one near 1.
            assert_near(&gradient.unwrap(), &expected_gradient.unwrap(), 1e-2, &what)?;
            let (alone, none) = shifted(&input, 1, &device)?.cross_entropy(&on_device, None)?;
            assert!(none.is_none());
            assert_eq!(bits(&alone)?, bits(&losses)?, "{what}, moved");
        }
    }
    Ok(())
}

#[test]
fn a_label_that_is_no_class_is_reported() -> Result<()> {
    let device = cuda();
    for (dtype, bad) in [(DType::I64, -1), (DType::I32, 5), (DType::U8, 255), (DType::U32, 5), (DType::I64, 1 << 40)] {
        for columns in [5, 20_000] {
            let bad = if bad == 5 { columns as i64 } else { bad };
            if dtype == DType::U8 && columns > 255 {
                continue;
            }
            let input = random(&[4, columns], DType::F32, 1.0)?;
            let labels = integers(&[0, 3, bad, 1], dtype)?;
            let expected = input.cross_entropy(&labels, Some(1.0)).unwrap_err().to_string();
            let (losses, gradient) = input.to_device(&device)?.cross_entropy(&labels.to_device(&device)?, Some(1.0))?;
            assert_eq!(device.synchronize().unwrap_err().to_string(), expected);
            device.synchronize()?;
            let losses = numbers(&losses)?;
            assert!(losses[2].is_nan() && [0, 1, 3].iter().all(|&row| losses[row].is_finite()), "{losses:?}");
            let gradient = numbers(&gradient.unwrap())?;
            assert!(gradient[2 * columns..3 * columns].iter().all(|&x| x == 0.0));
            assert!(gradient[3 * columns..].iter().all(|&x| x != 0.0));
        }
    }
    Ok(())
}

fn argmax_is_the_same(input: &Tensor, device: &Device) -> Result<()> {
    let axis = input.shape().rank() - 1;
    let expected = input.argmax(axis)?.to_vec::<i64>()?;
    for shift in [0, 1] {
        let found = shifted(input, shift, device)?.argmax(axis)?.to_vec::<i64>()?;
        assert_eq!(found, expected, "{input:?} at {shift}");
    }
    Ok(())
}

#[test]
fn the_first_largest_element_is_found() -> Result<()> {
    let device = cuda();
    for dtype in DType::ALL {
        for (rows, columns) in SIZES {
            // Few different numbers, so that there are equals.
            argmax_is_the_same(
                &random(&[rows, columns], DType::F64, 2.0)?.scale_shift(1.0, 4.0)?.cast(dtype)?,
                &device,
            )?;
        }
        let least = Tensor::full(&[3, 700], f64::NEG_INFINITY, DType::F64, &Device::cpu())?.cast(dtype)?;
        argmax_is_the_same(&least, &device)?;
    }
    let large = [i64::MAX - 1, i64::MAX, i64::MIN, i64::MAX];
    argmax_is_the_same(&Tensor::from_slice(&large, &[1, 4], &Device::cpu())?, &device)?;
    for dtype in FLOATS {
        let mut rows = vec![1.0; 3 * 1000];
        [rows[700], rows[300], rows[1999], rows[2000]] = [NAN, INFINITY, -0.0, NAN];
        rows[1000..1999].fill(-0.0);
        rows[1500] = 0.0;
        argmax_is_the_same(&Tensor::from_slice(&rows, &[3, 1000], &Device::cpu())?.cast(dtype)?, &device)?;
    }
    Ok(())
}

/// Numbers below `n`, most of them several times.
fn places(count: usize, n: usize) -> Vec<i64> {
    (0..count).map(|k| (k * k * 31 + k * 7) as i64 % n as i64).collect()
}

#[test]
fn slices_are_taken_and_their_gradients_summed() -> Result<()> {
    let device = cuda();
    let sizes = [
        ([1, 50, 1], 300),
        ([1, 300, 1], 3000),
        ([40, 10, 1], 3),
        ([2, 7, 2], 5),
        ([3, 9, 3], 20),
        ([1, 33, 4], 70),
        ([1, 5, 8], 2100),
        ([2, 12, 17], 40),
        ([1, 20, 64], 100),
        ([1, 3, 300], 9),
        ([2, 2, 1100], 5),
        ([1, 2, 5001], 3),
    ];
    for dtype in DType::ALL {
        for (index, ([outer, n, inner], k)) in sizes.into_iter().enumerate() {
            let indices = integers(&places(k, n), INTEGERS[index % 4])?;
            let indices = if n > 255 { integers(&places(k, n), DType::I32)? } else { indices };
            let input = random(&[outer, n, inner], DType::F64, 3.0)?.cast(dtype)?;
            let gradient = random(&[outer, k, inner], DType::F64, 3.0)?.cast(dtype)?;
            let on_device = indices.to_device(&device)?;
            let what = format!("{dtype} [{outer}, {n}, {inner}] by {k} of {}", indices.dtype());
            let (expected, sum) = (input.gather(1, &indices)?, gradient.scatter_add(1, &indices, &[outer, n, inner])?);
            for shift in [0, 1] {
                let found = shifted(&input, shift, &device)?.gather(1, &on_device)?;
                assert_eq!(bits(&found)?, bits(&expected)?, "{what} at {shift}");
                let found = shifted(&gradient, shift, &device)?.scatter_add(1, &on_device, &[outer, n, inner])?;
                assert_eq!(bits(&found)?, bits(&sum)?, "sums of {what} at {shift}");
            }
        }
        let none = Tensor::zeros(&[0], DType::I64, &device)?;
        let nothing = Tensor::zeros(&[2, 0, 3], dtype, &device)?.scatter_add(1, &none, &[2, 4, 3])?;
        assert_eq!(numbers(&nothing)?, [0.0; 24]);
    }
    Ok(())
}

#[test]
fn an_index_out_of_range_is_reported() -> Result<()> {
    let device = cuda();
    for (dtype, bad) in [(DType::I64, -1), (DType::I32, 4), (DType::U8, 255), (DType::U32, 4), (DType::I64, i64::MIN)] {
        let indices = integers(&[0, 3, bad, 1, 1], dtype)?;
        let on_device = indices.to_device(&device)?;
        let input = random(&[2, 4, 40], DType::F32, 1.0)?;
        let expected = input.gather(1, &indices).unwrap_err().to_string();
        let taken = input.to_device(&device)?.gather(1, &on_device)?;
        assert_eq!(device.synchronize().unwrap_err().to_string(), expected);
        let taken = numbers(&taken)?;
        assert!(taken.chunks(40).skip(2).step_by(5).flatten().all(|&x| x == 0.0));
        assert_eq!(taken[40..80], numbers(&input)?[120..160]);

        let gradient = random(&[2, 5, 40], DType::F32, 1.0)?;
        let expected = gradient.scatter_add(1, &indices, &[2, 4, 40]).unwrap_err().to_string();
        let sums = gradient.to_device(&device)?.scatter_add(1, &on_device, &[2, 4, 40])?;
        assert_eq!(device.synchronize().unwrap_err().to_string(), expected);
        let without = Tensor::concatenate(&[&gradient.slice(1, 0..2)?, &gradient.slice(1, 3..5)?], 1)?;
        let without = without.scatter_add(1, &integers(&[0, 3, 1, 1], dtype)?, &[2, 4, 40])?;
        assert_eq!(bits(&sums)?, bits(&without)?);
    }
    Ok(())
}
