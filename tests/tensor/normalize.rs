//! Normalisation of rows and its gradients.

use rectify::{DType, Result, Tape, Tensor};

use super::{FLOATS, Sample, assert_near, device, numbers, on_devices, scattered, tensor, tolerance};

on_devices! {
    rows_of_every_length_are_normalised,
    columns_that_lie_apart_are_rows_too,
    rows_that_are_constant_have_no_difference_to_scale,
    a_large_mean_costs_no_more_than_its_own_rounding,
    gradients_of_many_rows_are_summed,
    only_what_is_wanted_is_computed,
    nothing_is_normalised_to_nothing,
}

const EPSILON: f64 = 1e-5;
const COLUMNS: [usize; 9] = [1, 2, 7, 16, 33, 255, 256, 1000, 1025];

/// What a normalisation and its gradients must be, each with the magnitudes that went into it.
#[derive(Default)]
struct Expected {
    output: Column,
    input: Column,
    gain: Column,
    shift: Column,
}

/// Numbers, and the magnitude of each.
#[derive(Default)]
struct Column(Vec<f64>, Vec<f64>);

impl Column {
    fn push(&mut self, number: f64, magnitude: f64) {
        self.0.push(number);
        self.1.push(magnitude);
    }

    fn add(&mut self, place: usize, number: f64, magnitude: f64) {
        self.0[place] += number;
        self.1[place] += magnitude;
    }

    fn check(&self, got: &Tensor, what: &str) -> Result<()> {
        assert_near(got, &self.0, &self.1, what)
    }
}

/// By loops. `blur` is how much coarser the type computed in is than that of the results, at most 1.
fn expected(x: &[f64], gain: &[f64], shift: Option<&[f64]>, dy: &[f64], blur: f64) -> Expected {
    let columns = gain.len();
    let n = columns as f64;
    let sums = || Column(vec![0.0; columns], vec![0.0; columns]);
    let mut expected = Expected { gain: sums(), shift: sums(), ..Expected::default() };
    for (x, dy) in x.chunks(columns).zip(dy.chunks(columns)) {
        let mean = if shift.is_some() { x.iter().sum::<f64>() / n } else { 0.0 };
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + EPSILON).sqrt();
        let normal: Vec<f64> = x.iter().map(|x| (x - mean) * scale).collect();
        // What a rounding of the mean, and of the squares, comes to in what is normalised.
        let off = blur * scale * x.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let slopes: Vec<f64> = dy.iter().zip(gain).map(|(dy, gain)| dy * gain).collect();
        let slope = if shift.is_some() { slopes.iter().sum::<f64>() / n } else { 0.0 };
        let product = slopes.iter().zip(&normal).map(|(slope, normal)| slope * normal).sum::<f64>() / n;
        let size = slopes.iter().map(|slope| slope.abs()).sum::<f64>() / n;
        for i in 0..columns {
            let shift = shift.map_or(0.0, |shift| shift[i]);
            let weighed = normal[i].abs() + off;
            expected.output.push(normal[i] * gain[i] + shift, 4.0 * (weighed * gain[i].abs() + shift.abs()));
            let magnitude = slopes[i].abs() + size * (1.0 + (weighed + 1.0) * (weighed + 1.0));
            expected.input.push((slopes[i] - slope - normal[i] * product) * scale, 4.0 * magnitude * scale);
            expected.gain.add(i, dy[i] * normal[i], 2.0 * dy[i].abs() * weighed);
            expected.shift.add(i, dy[i], 2.0 * dy[i].abs());
        }
    }
    expected
}

/// Layer normalisation and root mean square normalisation of a matrix, and all gradients.
fn check(x: &Tensor) -> Result<()> {
    let (columns, dtype) = (x.shape()[1], x.dtype());
    let blur = tolerance(dtype.compute()) / tolerance(dtype);
    let from = |start: usize, count: usize| scattered(start + count)[start..].to_vec();
    let (gain, shift) =
        (tensor(&from(17, columns), &[columns], dtype)?, tensor(&from(80, columns), &[columns], dtype)?);
    let dy = tensor(&from(1234, x.count()), x.shape(), dtype)?;
    let [x_of, gain_of, shift_of, dy_of] = [numbers(x)?, numbers(&gain)?, numbers(&shift)?, numbers(&dy)?];
    for centered in [true, false] {
        let what = format!("{x:?}, centered {centered}");
        let expected = expected(&x_of, &gain_of, centered.then_some(&shift_of), &dy_of, blur);
        let alone = if centered { x.layer_norm(&gain, &shift, EPSILON)? } else { x.rms_norm(&gain, EPSILON)? };
        assert_eq!((alone.shape(), alone.dtype()), (x.shape(), dtype), "{what}");
        expected.output.check(&alone, &what)?;
        let tape = Tape::new();
        let [x, gain, shift] = [tape.variable(x)?, tape.variable(&gain)?, tape.variable(&shift)?];
        let y = if centered { x.layer_norm(&gain, &shift, EPSILON)? } else { x.rms_norm(&gain, EPSILON)? };
        assert_eq!(numbers(y.tensor())?, numbers(&alone)?, "{what} with its statistics");
        let gradients = y.backward_with(&dy)?;
        let of = |var| gradients.of(var).expect("a gradient");
        expected.input.check(of(&x), &format!("{what}, input"))?;
        expected.gain.check(of(&gain), &format!("{what}, gain"))?;
        if centered {
            expected.shift.check(of(&shift), &format!("{what}, shift"))?;
        }
    }
    Ok(())
}

fn rows_of_every_length_are_normalised() -> Result<()> {
    let mut sample = Sample::default();
    for dtype in FLOATS {
        for columns in COLUMNS {
            if sample.takes() {
                let rows = 3 + 3000 / columns % 40;
                check(&tensor(&scattered(rows * columns), &[rows, columns], dtype)?)?;
            }
        }
    }
    Ok(())
}

fn columns_that_lie_apart_are_rows_too() -> Result<()> {
    let dtype = DType::F32;
    let x = tensor(&scattered(5 * 33), &[33, 5], dtype)?.transpose(0, 1)?;
    check(&x)?;
    check(&tensor(&scattered(4 * 40), &[4, 40], dtype)?.slice(1, 3..36)?)?;
    check(&x.slice(0, 1..2)?.broadcast_to(&[3, 33])?)?;
    let (gain, shift) = (tensor(&scattered(66), &[33, 2], dtype)?, tensor(&scattered(33), &[33], dtype)?);
    let every_second = gain.slice(1, 1..2)?.squeeze(1)?;
    let normal = x.layer_norm(&every_second, &shift, EPSILON)?;
    let cube = x.contiguous()?.reshape(&[1, 5, 33])?.layer_norm(&every_second.contiguous()?, &shift, EPSILON)?;
    assert_eq!((cube.shape().sizes(), numbers(&cube)?), (&[1, 5, 33][..], numbers(&normal)?));
    let row = x.slice(0, 0..1)?.squeeze(0)?.layer_norm(&every_second, &shift, EPSILON)?;
    assert_eq!((row.shape().sizes(), numbers(&row)?), (&[33][..], numbers(&normal)?[..33].to_vec()));
    Ok(())
}

fn rows_that_are_constant_have_no_difference_to_scale() -> Result<()> {
    for dtype in FLOATS {
        let rows = [-2.0, 0.0, 0.75, 0.1].map(|value| [value; 33]).concat();
        check(&tensor(&rows, &[4, 33], dtype)?)?;
    }
    Ok(())
}

/// The mean itself is rounded to a two-thousandth; squares of elements less the square of the mean would leave nothing.
fn a_large_mean_costs_no_more_than_its_own_rounding() -> Result<()> {
    for (dtype, near) in [(DType::F32, 2e-3), (DType::F64, 1e-11)] {
        for columns in [33, 1000] {
            let offset: Vec<f64> = scattered(3 * columns).iter().map(|x| 1e4 + x).collect();
            let x = tensor(&offset, &[3, columns], dtype)?;
            let (gain, shift) =
                (tensor(&vec![1.0; columns], &[columns], dtype)?, tensor(&vec![0.0; columns], &[columns], dtype)?);
            let expected = expected(&numbers(&x)?, &vec![1.0; columns], Some(&vec![0.0; columns]), &offset, 1.0);
            let got = numbers(&x.layer_norm(&gain, &shift, EPSILON)?)?;
            let apart = got.iter().zip(&expected.output.0).map(|(got, want)| (got - want).abs()).fold(0.0, f64::max);
            assert!(apart < near, "{dtype}, {columns} columns: off by {apart}");
        }
    }
    Ok(())
}

/// More rows than one block, and than all of them at their smallest, with a last one that is not full.
fn gradients_of_many_rows_are_summed() -> Result<()> {
    for (rows, columns) in [(1037, 7), (3001, 33), (700, 256)] {
        check(&tensor(&scattered(rows * columns), &[rows, columns], DType::F32)?)?;
    }
    check(&tensor(&scattered(1037 * 20), &[1037, 20], DType::Bf16)?)
}

fn only_what_is_wanted_is_computed() -> Result<()> {
    let make = |sizes: &[usize], value| Tensor::full(sizes, value, DType::F64, &device());
    let (x, gain, shift) = (tensor(&scattered(12), &[3, 4], DType::F64)?, make(&[4], 2.0)?, make(&[4], 1.0)?);
    let dy = tensor(&scattered(24)[12..], &[3, 4], DType::F64)?;
    let all = expected(&numbers(&x)?, &[2.0; 4], Some(&[1.0; 4]), &numbers(&dy)?, 1.0);
    for wanted in 0..8 {
        let tape = Tape::new();
        let var = |place: usize, tensor: &Tensor| match wanted >> place & 1 {
            0 => Ok(tape.constant(tensor)),
            _ => tape.variable(tensor),
        };
        let vars = [var(0, &x)?, var(1, &gain)?, var(2, &shift)?];
        let y = vars[0].layer_norm(&vars[1], &vars[2], EPSILON)?;
        assert_eq!(y.needs_gradient(), wanted > 0);
        if wanted == 0 {
            continue;
        }
        let gradients = y.backward_with(&dy)?;
        for (place, (var, expected)) in vars.iter().zip([&all.input, &all.gain, &all.shift]).enumerate() {
            match gradients.of(var) {
                Some(gradient) => expected.check(gradient, &format!("{place} of {wanted:b}"))?,
                None => assert_eq!(wanted >> place & 1, 0),
            }
        }
    }
    // Parameters that are parts of one buffer have gradients that are parts of one too; one variable may be all three.
    let flat = make(&[9], 2.0)?;
    let tape = Tape::new();
    let parts = [tape.parameter(&flat.slice(0, 1..5)?)?, tape.parameter(&flat.slice(0, 5..9)?)?];
    let gradients = Tape::constant(&tape, &x).layer_norm(&parts[0], &parts[1], EPSILON)?.backward_with(&dy)?;
    let whole = gradients.flat(&flat).expect("one tensor for all");
    all.gain.check(&whole.slice(0, 1..5)?, "a part")?;
    all.shift.check(&whole.slice(0, 5..9)?, "another part")?;
    let tape = Tape::new();
    let row = tape.parameter(&tensor(&scattered(4), &[4], DType::F64)?)?;
    let gradients = row.layer_norm(&row, &row, EPSILON)?.backward_with(&dy.slice(0, 0..1)?.squeeze(0)?)?;
    let (values, slopes) = (numbers(row.tensor())?, &numbers(&dy)?[..4]);
    let each = expected(&values, &values, Some(&values), slopes, 1.0);
    let sum: Vec<f64> = (0..4).map(|i| each.input.0[i] + each.gain.0[i] + each.shift.0[i]).collect();
    let size: Vec<f64> = (0..4).map(|i| each.input.1[i] + each.gain.1[i] + each.shift.1[i]).collect();
    assert_near(gradients.of(&row).expect("a gradient"), &sum, &size, "all three")
}

fn nothing_is_normalised_to_nothing() -> Result<()> {
    for sizes in [[0, 3], [3, 0], [0, 0]] {
        let (x, parameter) = (tensor(&[], &sizes, DType::F32)?, Tensor::full(&sizes[1..], 1.0, DType::F32, &device())?);
        let tape = Tape::new();
        let vars = [tape.variable(&x)?, tape.variable(&parameter)?, tape.variable(&parameter)?];
        let y = vars[0].layer_norm(&vars[1], &vars[2], EPSILON)?;
        let gradients = y.backward_with(&x)?;
        assert_eq!(gradients.of(&vars[0]).expect("a gradient").shape(), x.shape());
        assert_eq!(numbers(gradients.of(&vars[1]).expect("a gradient"))?, vec![0.0; sizes[1]]);
        assert_eq!(numbers(gradients.of(&vars[2]).expect("a gradient"))?, vec![0.0; sizes[1]]);
    }
    Ok(())
}
