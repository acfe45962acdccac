//! New tensors, and the way to the host and back.

use half::{bf16, f16};
use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, ShapeBuilder, s};
use rectify::device::Seed;
use rectify::{DType, Element, Error, Generator, Result, Shape, Tensor};

use super::{FLOATS, device, fresh, numbers, on_devices, scattered, tensor};

on_devices! {
    zeros_full_and_arange_in_every_type,
    full_converts_its_value_to_the_type,
    uniform_numbers_stay_within_their_bounds_and_fill_them,
    random_tensors_follow_their_seed_alone,
    slices_come_back_bit_for_bit,
    one_element_is_an_item,
    arrays_of_any_layout_come_back,
    views_become_arrays_of_their_own_order,
    ranks_from_none_to_eight,
    absurd_sizes_are_refused_before_anything_is_allocated,
    more_than_the_machine_has_is_out_of_memory_and_nothing_breaks,
}

const SEED: Seed = Seed::new(7, 3);

fn zeros_full_and_arange_in_every_type() -> Result<()> {
    for dtype in DType::ALL {
        let zeros = Tensor::zeros(&[3, 700], dtype, &device())?;
        assert_eq!((zeros.dtype(), zeros.shape().sizes(), zeros.count()), (dtype, &[3, 700][..], 2100));
        assert_eq!(numbers(&zeros)?, [0.0; 2100]);
        assert_eq!(numbers(&Tensor::full(&[700], 3.0, dtype, &device())?)?, [3.0; 700]);
        let counted = Tensor::arange(250, dtype, &device())?;
        assert_eq!(counted.shape().sizes(), [250]);
        assert_eq!(numbers(&counted)?, (0..250).map(f64::from).collect::<Vec<_>>());
        assert_eq!(Tensor::arange(0, dtype, &device())?.count(), 0);
    }
    Ok(())
}

fn full_converts_its_value_to_the_type() -> Result<()> {
    let full = |value, dtype| numbers(&Tensor::full(&[2], value, dtype, &device())?);
    assert_eq!(full(-7.9, DType::I32)?, [-7.0; 2]);
    assert_eq!(full(-7.9, DType::U8)?, [0.0; 2]);
    assert_eq!(full(1e300, DType::F32)?, [f64::INFINITY; 2]);
    assert_eq!(full(1.0 + 0.75 / 1024.0, DType::F16)?, [1.0 + 1.0 / 1024.0; 2]);
    assert!(full(f64::NAN, DType::Bf16)?[0].is_nan());
    Ok(())
}

fn uniform_numbers_stay_within_their_bounds_and_fill_them() -> Result<()> {
    for dtype in FLOATS {
        let drawn = numbers(&Tensor::uniform(&[200, 1000], -3.0, 5.0, dtype, SEED, &device())?)?;
        // The upper bound itself can only be the rounding of a number below it.
        let below = |x: f64| x < 5.0 || (x == 5.0 && matches!(dtype, DType::F16 | DType::Bf16));
        assert!(drawn.iter().all(|&x| -3.0 <= x && below(x)), "{dtype}");
        for tenth in 0..10 {
            let low = -3.0 + 0.8 * f64::from(tenth);
            let share = drawn.iter().filter(|&&x| low <= x && x < low + 0.8).count() as f64 / drawn.len() as f64;
            // Five standard deviations of a share of 0.1, and what bf16 moves over an edge.
            let slack = if dtype == DType::Bf16 { 5e-3 } else { 3.4e-3 };
            assert!((share - 0.1).abs() < slack, "{dtype}: {share} from {low} on");
        }
    }
    Ok(())
}

fn random_tensors_follow_their_seed_alone() -> Result<()> {
    let normal = |count: usize, seed| Tensor::normal(&[count], 0.0, 1.0, DType::F32, seed, &device())?.to_vec::<f32>();
    let generator = Generator::new(7);
    let (first, second) = (generator.next(), generator.next());
    let all = normal(5000, first)?;
    assert_eq!(all[..1303], normal(1303, first)?, "a number depends on its place, not on the size");
    assert_eq!(all, normal(5000, Generator::new(7).next())?);
    assert_ne!(all, normal(5000, second)?);
    assert_ne!(all, normal(5000, Generator::new(8).next())?);
    let mean = all.iter().sum::<f32>() / 5000.0;
    let variance = all.iter().map(|x| x * x).sum::<f32>() / 5000.0;
    assert!(mean.abs() < 0.06 && (variance - 1.0).abs() < 0.08, "{mean} {variance}");
    Ok(())
}

fn slices_come_back_bit_for_bit() -> Result<()> {
    fn check<E: Element>(elements: &[E]) -> Result<()> {
        let there = Tensor::from_slice(elements, &[elements.len()], &device())?;
        assert_eq!(there.dtype(), E::DTYPE);
        assert_eq!(E::as_bytes(&there.to_vec::<E>()?), E::as_bytes(elements));
        Ok(())
    }
    check(&[0.1, -0.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE / 2.0])?;
    check(&[0.1f32, -0.0, f32::NAN, f32::INFINITY, 1e-45])?;
    check(&(0..=u16::MAX).map(f16::from_bits).collect::<Vec<_>>())?;
    check(&(0..=u16::MAX).map(bf16::from_bits).collect::<Vec<_>>())?;
    check(&(0..=u8::MAX).collect::<Vec<_>>())?;
    check(&[0, 1, u32::MAX])?;
    check(&[0, i32::MIN, i32::MAX])?;
    check(&[0, i64::MIN, i64::MAX, (1 << 53) + 1])
}

fn one_element_is_an_item() -> Result<()> {
    for dtype in DType::ALL {
        assert_eq!(tensor(&[3.0], &[1, 1], dtype)?.item()?, 3.0);
        assert_eq!(tensor(&[3.0], &[], dtype)?.item()?, 3.0);
    }
    Ok(())
}

fn arrays_of_any_layout_come_back() -> Result<()> {
    let dense = Array3::from_shape_fn((4, 5, 6), |(i, j, k)| (100 * i + 10 * j + k) as f32);
    let columns = Array3::from_shape_fn((4, 5, 6).f(), |(i, j, k)| dense[[i, j, k]]);
    let mut reversed = dense.clone();
    reversed.invert_axis(Axis(1));
    let views = [
        dense.view().into_dyn(),
        columns.view().into_dyn(),
        dense.t().into_dyn(),
        dense.slice(s![1..3, ..;2, 1..]).into_dyn(),
        dense.slice(s![.., ..;-1, 3]).into_dyn(),
        reversed.view().into_dyn(),
        dense.slice(s![2..2, .., ..]).into_dyn(),
    ];
    for view in views {
        let there = Tensor::from_ndarray(view.clone(), &device())?;
        assert_eq!(there.shape().sizes(), view.shape());
        assert_eq!(there.to_vec::<f32>()?, view.iter().copied().collect::<Vec<_>>());
        assert_eq!(there.to_ndarray::<f32>()?, view);
    }
    let half = Array2::from_elem((2, 3), f16::from_f32(0.5));
    assert_eq!(Tensor::from_ndarray(half.view().into_dyn(), &device())?.to_ndarray::<f16>()?, half.into_dyn());
    Ok(())
}

fn views_become_arrays_of_their_own_order() -> Result<()> {
    let there = Tensor::arange(24, DType::I32, &device())?.reshape(&[4, 6])?.transpose(0, 1)?.slice(0, 1..4)?;
    let array = there.to_ndarray::<i32>()?;
    assert_eq!(array, Array2::from_shape_fn((3, 4), |(i, j)| (6 * j + i + 1) as i32).into_dyn());
    Ok(())
}

fn ranks_from_none_to_eight() -> Result<()> {
    for rank in 0..=8 {
        let sizes = vec![2; rank];
        let there = tensor(&scattered(1 << rank), &sizes, DType::F32)?;
        assert_eq!((there.shape().rank(), there.count()), (rank, 1 << rank));
        assert_eq!(there.add(&there)?.sum(&[])?.shape().rank(), 0);
        let array = there.to_ndarray::<f32>()?;
        assert_eq!(Tensor::from_ndarray(array.view(), &device())?.to_vec::<f32>()?, there.to_vec::<f32>()?);
    }
    let nine = ArrayD::<f32>::zeros(IxDyn(&[1; 9]));
    assert!(matches!(Tensor::from_ndarray(nine.view(), &device()), Err(Error::Argument { .. })));
    let full = tensor(&[1.0], &[1; 8], DType::F32)?;
    assert!(full.unsqueeze(0).is_err() && full.broadcast_to(&[1; 9]).is_err() && full.reshape(&[1; 9]).is_err());
    Ok(())
}

/// Shapes whose number of elements or of bytes no `usize` or no allocation can hold.
const ABSURD: [&[usize]; 6] =
    [&[usize::MAX], &[usize::MAX, 2], &[1 << 32, 1 << 32], &[isize::MAX as usize], &[0, usize::MAX, 2], &[1; 9]];

fn absurd_sizes_are_refused_before_anything_is_allocated() {
    let device = fresh();
    let one = Tensor::from_slice(&[1i64], &[1], &device).unwrap();
    device.ledger().reset_peak();
    let before = device.ledger().totals();
    for sizes in ABSURD {
        let attempts = [
            ("zeros", Tensor::zeros(sizes, DType::F16, &device)),
            ("full", Tensor::full(sizes, 1.0, DType::F32, &device)),
            ("uniform", Tensor::uniform(sizes, 0.0, 1.0, DType::F64, SEED, &device)),
            ("normal", Tensor::normal(sizes, 0.0, 1.0, DType::Bf16, SEED, &device)),
            ("from_slice", Tensor::from_slice::<f32>(&[], sizes, &device)),
            ("scatter_add", one.scatter_add(0, &one, sizes)),
            ("copy", one.broadcast_to(sizes).and_then(|view| view.copy())),
        ];
        for (name, attempt) in attempts {
            let refused = matches!(attempt, Err(Error::Argument { .. } | Error::Shape { .. }));
            assert!(refused, "{name} {sizes:?}: {attempt:?}");
        }
        assert!(Shape::new(sizes).and_then(|shape| shape.bytes(DType::F16)).is_err());
    }
    for count in [usize::MAX, isize::MAX as usize, 1 << 61] {
        assert!(Tensor::arange(count, DType::F64, &device).is_err(), "{count}");
        assert!(one.one_hot(count, DType::F64).is_err(), "{count}");
    }
    let wide = one.broadcast_to(&[1 << 60]).unwrap();
    assert!(Tensor::concatenate(&[&wide; 16], 0).is_err());
    assert_eq!(device.ledger().totals(), before);
}

fn more_than_the_machine_has_is_out_of_memory_and_nothing_breaks() -> Result<()> {
    let device = fresh();
    let huge = 1 << 55;
    let attempts = [
        Tensor::zeros(&[huge], DType::F32, &device),
        Tensor::arange(huge, DType::F32, &device),
        Tensor::full(&[], 1.0, DType::F32, &device)?.broadcast_to(&[huge])?.copy(),
    ];
    for attempt in attempts {
        let Err(Error::OutOfMemory(about)) = attempt else { panic!("{attempt:?}") };
        assert!(about.requested >= huge, "{about}");
    }
    assert_eq!(device.ledger().live_bytes(), 0);
    assert_eq!(Tensor::arange(3, DType::F32, &device)?.to_vec::<f32>()?, [0.0, 1.0, 2.0]);
    Ok(())
}
