//! Views: other shapes of one buffer, against the same steps on an array of the host.

use proptest::prelude::*;
use rectify::{DType, Result, Tensor};

use super::host::{Host, with};
use super::{device, host, on_devices, tensor};

on_devices! {
    every_view_shares_the_buffer_and_reads_the_right_elements,
    a_reshape_copies_only_where_no_view_can_give_it,
    contiguous_copies_a_view_with_gaps_and_nothing_else,
    a_view_keeps_the_elements_alive,
}

fn counted(sizes: &[usize]) -> Result<(Tensor, Host)> {
    let count: usize = sizes.iter().product();
    let array = Host::new(sizes, (0..count).map(|i| i as f64).collect());
    Ok((Tensor::arange(count, DType::F32, &device())?.reshape(sizes)?, array))
}

fn every_view_shares_the_buffer_and_reads_the_right_elements() -> Result<()> {
    let (t, h) = counted(&[4, 1, 6, 5])?;
    let mut views = vec![
        (t.reshape(&[24, 5])?, h.reshape(&[24, 5])),
        (t.reshape(&[2, 2, 3, 1, 10])?, h.reshape(&[2, 2, 3, 1, 10])),
        (t.broadcast_to(&[4, 3, 6, 5])?, h.broadcast(&[4, 3, 6, 5])),
        (t.broadcast_to(&[2, 4, 7, 6, 5])?, h.broadcast(&[2, 4, 7, 6, 5])),
        (t.squeeze(1)?, h.reshape(&[4, 6, 5])),
        (t.slice(2, 3..3)?, h.slice(2, 3, 3)),
        (t.transpose(0, 2)?.transpose(0, 2)?.reshape(&[120])?, h.reshape(&[120])),
        (t.slice(0, 1..3)?.reshape(&[2, 30])?, h.slice(0, 1, 3).reshape(&[2, 30])),
    ];
    for axis in 0..4 {
        for other in 0..4 {
            views.push((t.transpose(axis, other)?, h.transpose(axis, other)));
        }
        let size = t.shape()[axis];
        views.push((t.slice(axis, size / 2..size)?, h.slice(axis, size / 2, size)));
        views.push((t.unsqueeze(axis)?, h.reshape(t.unsqueeze(axis)?.shape())));
    }
    for (view, want) in views {
        assert!(view.shares_buffer(&t), "{view:?}");
        assert_eq!(host(&view)?, want);
        let copy = view.copy()?;
        assert!(!copy.shares_buffer(&t) && copy.layout().is_contiguous());
        assert_eq!(host(&copy)?, want);
    }
    Ok(())
}

fn a_reshape_copies_only_where_no_view_can_give_it() -> Result<()> {
    let (t, h) = counted(&[4, 6])?;
    let turned = t.transpose(0, 1)?;
    let flat = turned.reshape(&[24])?;
    assert!(!flat.shares_buffer(&t));
    assert_eq!(host(&flat)?, h.transpose(0, 1).reshape(&[24]));
    // An axis can be split whatever the order of the others.
    let split = turned.reshape(&[2, 3, 4])?;
    assert!(split.shares_buffer(&t));
    assert_eq!(host(&split)?, h.transpose(0, 1).reshape(&[2, 3, 4]));
    let columns = t.slice(1, 0..3)?;
    assert!(!columns.reshape(&[12])?.shares_buffer(&t) && columns.reshape(&[2, 2, 3])?.shares_buffer(&t));
    Ok(())
}

fn contiguous_copies_a_view_with_gaps_and_nothing_else() -> Result<()> {
    let (t, h) = counted(&[3, 4])?;
    assert!(t.contiguous()?.shares_buffer(&t) && t.slice(0, 1..3)?.contiguous()?.shares_buffer(&t));
    let gaps = t.slice(1, 1..3)?;
    assert!(!gaps.contiguous()?.shares_buffer(&t));
    assert_eq!(host(&gaps.contiguous()?)?, h.slice(1, 1, 3));
    Ok(())
}

fn a_view_keeps_the_elements_alive() -> Result<()> {
    let view = counted(&[8, 8])?.0.slice(0, 7..8)?;
    let other = Tensor::full(&[8, 8], -1.0, DType::F32, &device())?;
    assert_eq!(view.to_vec::<f32>()?, (56..64).map(|i| i as f32).collect::<Vec<_>>());
    assert!(!other.shares_buffer(&view));
    Ok(())
}

/// One step of a chain of views; what does not apply to the shape at hand is skipped.
#[derive(Debug, Clone, Copy)]
enum Step {
    Transpose,
    Slice,
    Broadcast,
    Lead,
    Squeeze,
    Unsqueeze,
    Merge,
    Split,
    Copy,
}

/// A step with three numbers that pick its axes and sizes.
fn steps() -> impl Strategy<Value = Vec<(Step, [usize; 3])>> {
    use Step::*;
    let kinds = vec![Transpose, Slice, Broadcast, Lead, Squeeze, Unsqueeze, Merge, Split, Copy];
    prop::collection::vec((prop::sample::select(kinds), prop::array::uniform3(0usize..60)), 1..9)
}

fn apply(t: &Tensor, h: &Host, step: Step, [p, q, r]: [usize; 3]) -> Result<Option<(Tensor, Host)>> {
    let sizes = h.sizes.clone();
    let rank = sizes.len();
    let axis = p % rank.max(1);
    let reshaped = |sizes: &[usize]| Ok(Some((t.reshape(sizes)?, h.reshape(sizes))));
    Ok(match step {
        Step::Copy => Some((t.copy()?, h.clone())),
        Step::Unsqueeze if rank < 5 => {
            let axis = p % (rank + 1);
            let sizes = [&sizes[..axis], &[1], &sizes[axis..]].concat();
            Some((t.unsqueeze(axis)?, h.reshape(&sizes)))
        }
        Step::Lead if rank < 5 => {
            let sizes = [&[1 + q % 3], sizes.as_slice()].concat();
            Some((t.broadcast_to(&sizes)?, h.broadcast(&sizes)))
        }
        _ if rank == 0 => None,
        Step::Transpose => Some((t.transpose(axis, q % rank)?, h.transpose(axis, q % rank))),
        Step::Slice => {
            let (a, b) = (q % (sizes[axis] + 1), r % (sizes[axis] + 1));
            let (start, end) = (a.min(b), a.max(b));
            Some((t.slice(axis, start..end)?, h.slice(axis, start, end)))
        }
        Step::Broadcast if sizes[axis] == 1 => {
            let sizes = with(&sizes, axis, 1 + q % 4);
            Some((t.broadcast_to(&sizes)?, h.broadcast(&sizes)))
        }
        Step::Squeeze if sizes[axis] == 1 => {
            let sizes = [&sizes[..axis], &sizes[axis + 1..]].concat();
            Some((t.squeeze(axis)?, h.reshape(&sizes)))
        }
        Step::Merge if axis + 1 < rank => {
            return reshaped(&[&sizes[..axis], &[sizes[axis] * sizes[axis + 1]], &sizes[axis + 2..]].concat());
        }
        Step::Split if rank < 5 && sizes[axis] > 0 => {
            let factors: Vec<_> = (1..=sizes[axis]).filter(|&factor| sizes[axis].is_multiple_of(factor)).collect();
            let factor = factors[q % factors.len()];
            return reshaped(&[&sizes[..axis], &[factor, sizes[axis] / factor], &sizes[axis + 1..]].concat());
        }
        _ => None,
    })
}

fn after(steps: &[(Step, [usize; 3])], sizes: &[usize]) -> Result<(Tensor, Host)> {
    let mut state = counted(sizes)?;
    for &(step, picks) in steps {
        if let Some(next) = apply(&state.0, &state.1, step, picks)? {
            state = next;
        }
    }
    Ok(state)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_chain_of_views_reads_like_the_same_steps_on_an_array(
        sizes in prop::collection::vec(1usize..6, 0..5), steps in steps(),
    ) {
        let (t, h) = after(&steps, &sizes)?;
        prop_assert_eq!(host(&t)?, h.clone());
        prop_assert_eq!(host(&t.contiguous()?)?, h.clone());
        prop_assert_eq!(host(&t.cast(DType::I64)?)?, h.clone());
        let sum = h.numbers.iter().sum::<f64>();
        prop_assert_eq!(t.cast(DType::F64)?.sum(&[])?.item()?, sum);
        // Written through the same layout: a sum with zeros of the view's own shape.
        let zeros = tensor(&vec![0.0; h.numbers.len()], &h.sizes, DType::F32)?;
        prop_assert_eq!(host(&zeros.add(&t)?)?, h);
    }

    #[test]
    fn a_zip_of_views_broadcasts_like_loops(
        full in prop::collection::vec(1usize..5, 0..5), ones in prop::array::uniform2(0u32..32), cut in 0usize..5,
        turn in any::<bool>(),
    ) {
        // Either operand has some of the axes at size 1, and the second may lack leading ones.
        let with_ones = |mask: u32| -> Vec<usize> {
            full.iter().enumerate().map(|(axis, &size)| if mask >> axis & 1 == 1 { 1 } else { size }).collect()
        };
        let (a, b) = (with_ones(ones[0]), with_ones(ones[1]));
        let b = &b[cut.min(b.len())..];
        let ((mut ta, mut ha), (tb, hb)) = (counted(&a)?, counted(b)?);
        if turn && a.len() > 1 && a[0] == a[1] {
            (ta, ha) = (ta.transpose(0, 1)?, ha.transpose(0, 1));
        }
        let function = |x: f64, y: f64| x - 3.0 * y;
        let want = ha.zip(&hb, function);
        prop_assert_eq!(host(&ta.sub(&tb.scale_shift(3.0, 0.0)?)?)?, want.clone());
        rectify::formula! { fn less_thrice(x, y) = x - 3.0 * y }
        prop_assert_eq!(host(&Tensor::zip(less_thrice, [&ta, &tb])?)?, want);
    }
}
