use super::*;
use proptest::prelude::*;

fn shape(sizes: &[usize]) -> Shape {
    Shape::new(sizes).unwrap()
}

/// The buffer places of all elements, in row-major order of the layout.
fn places(layout: &Layout) -> Vec<usize> {
    let mut all = vec![layout.offset()];
    for (&n, &s) in layout.shape().iter().zip(layout.strides()) {
        all = all.iter().flat_map(|&p| (0..n).map(move |i| p + i * s)).collect();
    }
    all
}

#[test]
fn overflow_and_rank_are_errors() {
    assert!(Shape::new(&[1; 9]).is_err());
    assert!(Shape::new(&[usize::MAX, 2]).is_err());
    assert!(Shape::new(&[0, usize::MAX, 2]).is_err(), "a zero must not hide the overflow");
    assert!(shape(&[usize::MAX / 4]).bytes(DType::F64).is_err());
    assert_eq!(Shape::scalar().count(), 1);
}

#[test]
fn broadcasting_matches_from_the_last_axis() {
    assert_eq!(shape(&[4, 1, 3]).broadcast("add", &shape(&[2, 1])).unwrap().sizes(), [4, 2, 3]);
    let error = shape(&[4, 3]).broadcast("add", &shape(&[4])).unwrap_err().to_string();
    assert_eq!(error, "add: shapes [4, 3] and [4] cannot be broadcast together: sizes 3 and 4 differ and neither is 1");
}

#[test]
fn views_keep_track_of_places() {
    let base = Layout::contiguous(shape(&[2, 3, 4]));
    let view = base.transpose(0, 2).unwrap().slice(0, 1, 3).unwrap();
    assert_eq!(view.shape().sizes(), [2, 3, 2]);
    assert_eq!(places(&view), [1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22]);
    assert_eq!(view.extent(), 23);
    assert!(!view.is_contiguous());
    let row = Layout::contiguous(shape(&[3])).broadcast_to("map", &shape(&[2, 3])).unwrap();
    assert_eq!(places(&row), [0, 1, 2, 0, 1, 2]);
    let lifted = view.unsqueeze(1).unwrap();
    assert_eq!(lifted.squeeze(1).unwrap(), view);
}

proptest! {
    #[test]
    fn a_reshape_without_copy_keeps_the_order(
        sizes in prop::collection::vec(1usize..5, 1..5), swap in (0usize..4, 0usize..4), cut in 0usize..4, fold in 0usize..4,
    ) {
        let base = Layout::contiguous(shape(&sizes));
        let rank = sizes.len();
        let mut view = base.transpose(swap.0 % rank, swap.1 % rank).unwrap();
        let axis = cut % rank;
        view = view.slice(axis, 0, view.shape()[axis].div_ceil(2)).unwrap();
        let mut target = view.shape().to_vec();
        if rank > 1 {
            let at = fold % (rank - 1);
            let merged = target.remove(at + 1);
            target[at] *= merged;
        }
        if let Some(reshaped) = view.reshape(&shape(&target)).unwrap() {
            prop_assert_eq!(places(&reshaped), places(&view));
        } else {
            prop_assert!(!view.is_contiguous());
        }
    }
}
