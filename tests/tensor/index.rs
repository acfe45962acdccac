//! Gather and its gradient, one-hot, concatenation.

use rectify::{DType, Error, Result, Tensor};

use super::host::{Host, with};
use super::{INTEGERS, device, host, numbers, on_devices, scattered, settled, tensor};

on_devices! {
    slices_are_taken_along_every_axis_in_every_type,
    long_slices_are_taken_whole,
    nothing_can_be_taken_and_nothing_can_be_taken_from,
    an_index_out_of_range_is_named_with_its_position,
    slices_of_one_place_are_added_up,
    one_hot_has_a_1_where_the_label_says,
    tensors_are_joined_along_every_axis_in_every_type,
    one_tensor_joined_to_none_is_a_copy_of_itself,
    tensors_that_do_not_fit_are_not_joined,
}

fn slices_are_taken_along_every_axis_in_every_type() -> Result<()> {
    let sizes = [4, 6, 5];
    let places = [3, 0, 3, 1];
    let indices: Vec<f64> = places.iter().map(|&place| place as f64).collect();
    for dtype in DType::ALL {
        let whole = tensor(&(0..120).map(f64::from).collect::<Vec<_>>(), &sizes, dtype)?;
        for view in [whole.clone(), whole.transpose(0, 2)?, whole.slice(1, 1..5)?] {
            let array = host(&view)?;
            for axis in 0..3 {
                let taken = with(&array.sizes, axis, places.len());
                let want = Host::from_fn(&taken, |index| array.at(&with(index, axis, places[index[axis]])));
                for index_type in INTEGERS {
                    let got = view.gather(axis, &tensor(&indices, &[4], index_type)?)?;
                    assert_eq!((host(&got)?, got.dtype()), (want.clone(), dtype), "{view:?} {axis} {index_type}");
                }
                // Indices that lie apart.
                let apart: Vec<f64> = indices.iter().flat_map(|&i| [i, 77.0]).collect();
                let apart = tensor(&apart, &[4, 2], DType::U8)?.slice(1, 0..1)?.squeeze(1)?;
                assert_eq!(host(&view.gather(axis, &apart)?)?, want);
            }
        }
    }
    Ok(())
}

fn long_slices_are_taken_whole() -> Result<()> {
    let table = tensor(&scattered(50 * 1200), &[50, 1200], DType::F32)?;
    let array = host(&table)?;
    let places: Vec<usize> = (0..90).map(|i| i * 31 % 50).collect();
    let indices = tensor(&places.iter().map(|&place| place as f64).collect::<Vec<_>>(), &[90], DType::U32)?;
    let want = Host::from_fn(&[90, 1200], |index| array.at(&[places[index[0]], index[1]]));
    assert_eq!(host(&table.gather(0, &indices)?)?, want);
    Ok(())
}

fn nothing_can_be_taken_and_nothing_can_be_taken_from() -> Result<()> {
    let none = tensor(&[], &[0], DType::I64)?;
    let zeros = |sizes: &[usize]| Tensor::zeros(sizes, DType::F32, &device());
    assert_eq!(zeros(&[3, 4])?.gather(1, &none)?.shape().sizes(), [3, 0]);
    assert_eq!(zeros(&[0, 4])?.gather(0, &none)?.shape().sizes(), [0, 4]);
    let two = tensor(&[1.0, 0.0], &[2], DType::I64)?;
    assert_eq!(zeros(&[3, 0])?.gather(0, &two)?.shape().sizes(), [2, 0]);
    assert_eq!(zeros(&[0, 3])?.gather(1, &two)?.shape().sizes(), [0, 2]);
    assert!(matches!(settled(zeros(&[0, 4])?.gather(0, &two)), Err(Error::Argument { .. })));
    assert_eq!(numbers(&zeros(&[0, 4])?.scatter_add(0, &none, &[3, 4])?)?, [0.0; 12]);
    assert_eq!(zeros(&[2, 0])?.scatter_add(0, &two, &[3, 0])?.shape().sizes(), [3, 0]);
    Ok(())
}

fn an_index_out_of_range_is_named_with_its_position() -> Result<()> {
    let table = Tensor::zeros(&[3, 4], DType::F32, &device())?;
    for (indices, index, position) in [(vec![0, 1, 4], 4, 2), (vec![-1], -1, 0), (vec![0, i64::MAX, -7], i64::MAX, 1)] {
        let indices = Tensor::from_slice(&indices, &[indices.len()], &device())?;
        let taken = settled(table.gather(1, &indices));
        let Err(Error::Argument { rule, .. }) = taken else { panic!("{index} was taken") };
        assert_eq!(rule, format!("index {index} at position {position} is out of range: there are 4 slices"));
    }
    Ok(())
}

fn slices_of_one_place_are_added_up() -> Result<()> {
    for dtype in DType::ALL {
        for axis in 0..3 {
            let places = [2, 0, 2, 2];
            let sizes = with(&[3, 3, 3], axis, 4);
            let given = tensor(&(0..36).map(|i| f64::from(i % 7)).collect::<Vec<_>>(), &sizes, dtype)?;
            let array = host(&given)?;
            let want = Host::from_fn(&[3, 3, 3], |index| {
                let taken = places.iter().enumerate().filter(|(_, place)| **place == index[axis]);
                taken.map(|(k, _)| array.at(&with(index, axis, k))).sum()
            });
            let indices = tensor(&[2.0, 0.0, 2.0, 2.0], &[4], DType::U8)?;
            assert_eq!(host(&given.scatter_add(axis, &indices, &[3, 3, 3])?)?, want, "{dtype} {axis}");
        }
    }
    // 4096 times 1 in one place: 16-bit sums accumulate in f32.
    let indices = Tensor::zeros(&[4096], DType::U32, &device())?;
    for dtype in [DType::F16, DType::Bf16] {
        let sum = Tensor::full(&[4096, 1], 1.0, dtype, &device())?.scatter_add(0, &indices, &[2, 1])?;
        assert_eq!(numbers(&sum)?, [4096.0, 0.0], "{dtype}");
    }
    Ok(())
}

fn one_hot_has_a_1_where_the_label_says() -> Result<()> {
    for label_type in INTEGERS {
        let labels = tensor(&[2.0, 0.0, 3.0, 9.0, 1.0, 2.0], &[3, 2], label_type)?;
        for dtype in DType::ALL {
            for (labels, array) in
                [(labels.clone(), host(&labels)?), (labels.transpose(0, 1)?, host(&labels)?.transpose(0, 1))]
            {
                let got = labels.one_hot(4, dtype)?;
                let sizes = [array.sizes.as_slice(), &[4]].concat();
                let want = Host::from_fn(&sizes, |index| f64::from(u8::from(array.at(&index[..2]) == index[2] as f64)));
                assert_eq!((host(&got)?, got.dtype()), (want, dtype), "{label_type}: 9 is no class and gives zeros");
            }
        }
    }
    let negative = tensor(&[-1.0], &[1], DType::I64)?;
    assert_eq!(numbers(&negative.one_hot(3, DType::F32)?)?, [0.0; 3]);
    assert_eq!(negative.one_hot(0, DType::F32)?.shape().sizes(), [1, 0]);
    assert!(matches!(Tensor::zeros(&[2], DType::F32, &device())?.one_hot(3, DType::F32), Err(Error::DType { .. })));
    assert!(Tensor::zeros(&[1; 8], DType::U8, &device())?.one_hot(3, DType::F32).is_err(), "nine axes");
    Ok(())
}

fn tensors_are_joined_along_every_axis_in_every_type() -> Result<()> {
    for dtype in DType::ALL {
        for axis in 0..3 {
            let part = |size: usize, start: i32| {
                let sizes = with(&[3, 4, 5], axis, size);
                let count = sizes.iter().product::<usize>() as i32;
                tensor(&(start..start + count).map(|i| f64::from(i % 200)).collect::<Vec<_>>(), &sizes, dtype)
            };
            let (a, b, none, c) = (part(2, 0)?, part(3, 7)?, part(0, 0)?, part(1, 90)?);
            let turned = b.transpose(0, 2)?.contiguous()?.transpose(0, 2)?;
            let joined = Tensor::concatenate(&[&a, &turned, &none, &c], axis)?;
            let parts = [host(&a)?, host(&b)?, host(&c)?];
            let want = Host::from_fn(&with(&[3, 4, 5], axis, 6), |index| match index[axis] {
                i @ 0..2 => parts[0].at(&with(index, axis, i)),
                i @ 2..5 => parts[1].at(&with(index, axis, i - 2)),
                i => parts[2].at(&with(index, axis, i - 5)),
            });
            assert_eq!((host(&joined)?, joined.dtype()), (want, dtype));
            assert!(!joined.shares_buffer(&a));
        }
    }
    Ok(())
}

fn one_tensor_joined_to_none_is_a_copy_of_itself() -> Result<()> {
    let one = tensor(&scattered(6), &[2, 3], DType::F32)?;
    let joined = Tensor::concatenate(&[&one], 1)?;
    assert_eq!(host(&joined)?, host(&one)?);
    assert!(!joined.shares_buffer(&one));
    Ok(())
}

fn tensors_that_do_not_fit_are_not_joined() -> Result<()> {
    let zeros = |sizes: &[usize], dtype| Tensor::zeros(sizes, dtype, &device());
    let one = zeros(&[2, 3], DType::F32)?;
    assert!(matches!(Tensor::concatenate(&[], 0), Err(Error::Argument { .. })));
    assert!(matches!(Tensor::concatenate(&[&one], 2), Err(Error::Shape { .. })));
    assert!(matches!(Tensor::concatenate(&[&zeros(&[], DType::F32)?], 0), Err(Error::Shape { .. })));
    assert!(matches!(Tensor::concatenate(&[&one, &zeros(&[2, 4], DType::F32)?], 0), Err(Error::Shape { .. })));
    assert!(matches!(Tensor::concatenate(&[&one, &zeros(&[2, 3, 1], DType::F32)?], 0), Err(Error::Shape { .. })));
    assert!(matches!(Tensor::concatenate(&[&one, &zeros(&[2, 3], DType::F64)?], 0), Err(Error::DType { .. })));
    Ok(())
}
