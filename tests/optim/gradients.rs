//! What is done to gradients between the backward pass and the step.

use rectify::optim::add_l1;
use rectify::{DType, Error, Gradients, Result, Tape, Tensor, Var};

use super::{device, difference, gradients, on_devices, parameters, recorded, rows};

on_devices! {
    clipping_is_that_of_pytorch,
    clipping_reaches_buffers_and_leaves_alike,
    norms_of_16_bit_gradients_do_not_overflow,
    gradients_that_others_hold_stay_as_they_are,
    parts_of_a_batch_add_up,
    l1_decay_is_the_gradient_of_the_sum_of_magnitudes,
}

/// Gradients that are two variables' own.
fn of_leaves(parts: &[Vec<f64>]) -> Result<(Gradients, Vec<Var>)> {
    let tape = Tape::new();
    let zeros = Tensor::zeros(&[parts[0].len()], DType::F64, &device())?;
    let leaves = parts.iter().map(|_| tape.variable(&zeros)).collect::<Result<Vec<_>>>()?;
    let slopes = parts.iter().map(|part| Ok(tape.constant(&Tensor::from_slice(part, &[part.len()], &device())?)));
    let slopes = slopes.collect::<Result<Vec<_>>>()?;
    let loss = leaves[0].mul(&slopes[0])?.add(&leaves[1].mul(&slopes[1])?)?.sum(&[])?;
    Ok((loss.backward()?, leaves))
}

fn clipping_is_that_of_pytorch() -> Result<()> {
    let parts = rows(&recorded("gradients"))[..2].to_vec();
    type Clip = fn(&mut Gradients) -> Result<Option<Tensor>>;
    let cases: [(&str, Clip); 3] = [
        ("clip_norm", |gradients| gradients.clip_norm(1.5).map(Some)),
        ("clip_norm_unreached", |gradients| gradients.clip_norm(100.0).map(Some)),
        ("clip_value", |gradients| gradients.clip_value(0.5).map(|()| None)),
    ];
    for (name, clip) in cases {
        let expected = recorded(name);
        let clipped = rows(&expected["clipped"]);
        let (mut own, leaves) = of_leaves(&parts)?;
        let norm = clip(&mut own)?;
        for (leaf, want) in leaves.iter().zip(&clipped) {
            assert!(difference(&own.of(leaf).unwrap().to_vec::<f64>()?, want) < 1e-12, "{name}");
        }
        if let Some(norm) = norm {
            assert!(difference(&[norm.item()?], &[expected["norm"].as_f64().unwrap()]) < 1e-12, "{name}");
        }
        // The same as parts of one buffer.
        let model = parameters(&[("a", &[5], &[0.0; 5]), ("b", &[5], &[0.0; 5])])?;
        let mut whole = gradients(&model, &parts.concat())?;
        clip(&mut whole)?;
        assert!(difference(&whole.flat(model.flat()).unwrap().to_vec::<f64>()?, &clipped.concat()) < 1e-12, "{name}");
    }
    Ok(())
}

fn clipping_reaches_buffers_and_leaves_alike() -> Result<()> {
    let model = parameters(&[("a", &[1], &[0.0]), ("b", &[1], &[0.0])])?;
    let tape = Tape::new();
    let (a, b) = (tape.parameter(model.get("a").unwrap())?, tape.parameter(model.get("b").unwrap())?);
    let leaf = tape.variable(&Tensor::from_slice(&[0.0f32], &[1], &device())?)?;
    let sum = a.scale_shift(2.0, 0.0)?.add(&b.scale_shift(4.0, 0.0)?)?;
    let loss = sum.add(&leaf.scale_shift(4.0, 0.0)?.cast(DType::F64)?)?.sum(&[])?;
    let mut gradients = loss.backward()?;
    assert_eq!(gradients.clip_norm(3.0)?.item()?, 6.0);
    let norm = gradients.norm()?;
    assert_eq!((norm.dtype(), norm.shape().rank()), (DType::F64, 0));
    assert!((norm.item()? - 3.0).abs() < 1e-5);
    assert!((gradients.of(&leaf).unwrap().to_vec::<f32>()?[0] - 2.0).abs() < 1e-5);
    assert!((gradients.of(&b).unwrap().to_vec::<f64>()?[0] - 2.0).abs() < 1e-5);
    for (limit, error) in [(0.0, gradients.clip_norm(0.0).err()), (-1.0, gradients.clip_value(-1.0).err())] {
        let error = error.unwrap();
        assert!(matches!(error, Error::Argument { .. }));
        assert!(error.to_string().ends_with(&format!("limit {limit} is not a number above 0")), "{error}");
    }
    Ok(())
}

fn norms_of_16_bit_gradients_do_not_overflow() -> Result<()> {
    for dtype in [DType::F16, DType::Bf16] {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::zeros(&[4], dtype, &device())?)?;
        let mut gradients = x.scale_shift(1024.0, 0.0)?.sum(&[])?.backward()?;
        let norm = gradients.clip_norm(4.0)?;
        assert_eq!((norm.dtype(), norm.item()?), (DType::F32, 2048.0));
        assert_eq!(gradients.of(&x).unwrap().cast(DType::F32)?.to_vec::<f32>()?, [2.0; 4]);
    }
    Ok(())
}

fn gradients_that_others_hold_stay_as_they_are() -> Result<()> {
    let (mut gradients, leaves) = of_leaves(&[vec![3.0, -3.0], vec![0.5, 4.0]])?;
    let held = gradients.of(&leaves[0]).unwrap().clone();
    gradients.clip_value(1.0)?;
    assert_eq!(held.to_vec::<f64>()?, [3.0, -3.0]);
    assert_eq!(gradients.of(&leaves[0]).unwrap().to_vec::<f64>()?, [1.0, -1.0]);
    assert_eq!(gradients.of(&leaves[1]).unwrap().to_vec::<f64>()?, [0.5, 1.0]);
    // A gradient that is one number repeated.
    let tape = Tape::new();
    let x = tape.variable(&Tensor::zeros(&[3], DType::F64, &device())?)?;
    let mut gradients = x.sum(&[])?.scale_shift(5.0, 0.0)?.backward()?;
    gradients.clip_value(2.0)?;
    gradients.scale(0.5)?;
    assert_eq!(gradients.of(&x).unwrap().to_vec::<f64>()?, [1.0; 3]);
    Ok(())
}

fn parts_of_a_batch_add_up() -> Result<()> {
    let model = parameters(&[("a", &[2], &[0.0; 2]), ("b", &[1], &[0.0])])?;
    let mut sum = gradients(&model, &[1.0, 2.0, 3.0])?;
    sum.accumulate(gradients(&model, &[0.5, -2.0, 1.0])?)?;
    sum.accumulate(gradients(&model, &[1.5, 6.0, -1.0])?)?;
    assert_eq!(sum.flat(model.flat()).unwrap().to_vec::<f64>()?, [3.0, 6.0, 3.0]);
    sum.scale(1.0 / 3.0)?;
    assert_eq!(sum.flat(model.flat()).unwrap().to_vec::<f64>()?, [1.0, 2.0, 1.0]);
    let other = parameters(&[("a", &[2], &[0.0; 2])])?;
    let error = sum.accumulate(gradients(&other, &[1.0, 1.0])?).unwrap_err();
    assert_eq!(error.to_string(), "accumulate: the gradients are of other leaves");
    Ok(())
}

fn l1_decay_is_the_gradient_of_the_sum_of_magnitudes() -> Result<()> {
    let model = parameters(&[("weight", &[2, 2], &[1.5, -2.0, 0.0, -0.25]), ("bias", &[2], &[3.0, -3.0])])?;
    let mut given = gradients(&model, &[1.0, 1.0, 1.0, 1.0, 2.0, 2.0])?;
    add_l1(&model, &mut given, 0.5)?;
    assert_eq!(given.flat(model.flat()).unwrap().to_vec::<f64>()?, [1.5, 0.5, 1.0, 0.5, 2.0, 2.0]);
    let other = parameters(&[("weight", &[2, 2], &[0.0; 4])])?;
    let error = add_l1(&other, &mut given, 0.5).unwrap_err();
    assert!(matches!(error, Error::Gradient { .. }), "{error:?}");
    let error = add_l1(&model, &mut given, -0.5).unwrap_err();
    assert_eq!(error.to_string(), "add_l1: factor -0.5 is not a number from 0");
    Ok(())
}
