//! Windows over an axis, and steps along one.

use super::{Layout, MAX_RANK};
use crate::error::{Error, Result};

impl Layout {
    /// Every window of `size` elements along axis `axis`, each `stride` elements after the one before, and with `dilation`
    /// from element to element within: axis `axis` counts the windows, and a new axis behind it the elements of one. Windows
    /// may share elements: such a layout can be read, not written.
    ///
    /// # Errors
    /// No such axis, a size, stride or dilation of 0, no room for a window, or too many axes.
    pub fn windows(&self, axis: usize, size: usize, stride: usize, dilation: usize) -> Result<Self> {
        self.shape.check_axis("windows", axis)?;
        let refuse = |rule: String| Err(Error::shape("windows", &[&self.shape], rule));
        if size == 0 || stride == 0 || dilation == 0 {
            return refuse(format!("cannot have windows of size {size}, stride {stride} and dilation {dilation}"));
        }
        let span = (size - 1).saturating_mul(dilation).saturating_add(1);
        let Some(room) = self.shape[axis].checked_sub(span) else {
            return refuse(format!("has {} elements along axis {axis}, a window spans {span}", self.shape[axis]));
        };
        let mut windows = self.unsqueeze(axis + 1)?;
        windows.shape.sizes[axis] = room / stride + 1;
        windows.shape.sizes[axis + 1] = size;
        windows.strides[axis] = self.strides[axis] * stride;
        windows.strides[axis + 1] = self.strides[axis] * dilation;
        Ok(windows)
    }

    /// `count` elements along axis `axis`, the first at `start` and each `step` after the one before.
    ///
    /// # Errors
    /// No such axis, a step of 0, or elements outside the axis.
    pub fn stepped(&self, axis: usize, start: usize, step: usize, count: usize) -> Result<Self> {
        self.shape.check_axis("stepped", axis)?;
        let end = count.checked_sub(1).map_or(start, |last| start.saturating_add(last.saturating_mul(step)) + 1);
        if step == 0 || end > self.shape[axis] {
            let rule = format!("has no {count} elements from {start} by steps of {step} along axis {axis}");
            return Err(Error::shape("stepped", &[&self.shape], rule));
        }
        let mut stepped = self.slice(axis, start, end)?;
        stepped.shape.sizes[axis] = count;
        stepped.strides[axis] = self.strides[axis] * step;
        Ok(stepped)
    }

    /// Whether no place is reached twice, neither by a broadcast axis nor by windows that share elements: such a layout can be
    /// written. Says no to some odd layouts that could be, none of which the views of this crate make.
    pub fn is_injective(&self) -> bool {
        if self.is_contiguous() {
            return true;
        }
        let mut axes = [(0, 0); MAX_RANK];
        let mut count = 0;
        for (&size, &stride) in self.shape.iter().zip(self.strides()) {
            match size {
                0 => return true,
                1 => {}
                _ => {
                    axes[count] = (stride, size);
                    count += 1;
                }
            }
        }
        let axes = &mut axes[..count];
        axes.sort_unstable();
        // Each step must lead beyond all that the smaller steps reach.
        let mut reach = 0;
        for &mut (stride, size) in axes {
            if stride <= reach {
                return false;
            }
            reach += (size - 1) * stride;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;
    use std::collections::HashSet;

    fn places(layout: &Layout) -> Vec<usize> {
        let mut all = vec![layout.offset()];
        for (&n, &s) in layout.shape().iter().zip(layout.strides()) {
            all = all.iter().flat_map(|&p| (0..n).map(move |i| p + i * s)).collect();
        }
        all
    }

    #[test]
    fn windows_count_what_fits() {
        let row = Layout::contiguous(Shape::new(&[7]).unwrap());
        let windows = row.windows(0, 3, 2, 1).unwrap();
        assert_eq!(windows.shape().sizes(), [3, 3]);
        assert_eq!(places(&windows), [0, 1, 2, 2, 3, 4, 4, 5, 6]);
        let dilated = row.windows(0, 3, 1, 2).unwrap();
        assert_eq!(places(&dilated), [0, 2, 4, 1, 3, 5, 2, 4, 6]);
        assert_eq!(row.windows(0, 7, 5, 1).unwrap().shape().sizes(), [1, 7]);
        for (size, stride, dilation) in [(8, 1, 1), (0, 1, 1), (3, 0, 1), (3, 1, 0), (3, 1, 4), (usize::MAX, 1, 2)] {
            assert!(row.windows(0, size, stride, dilation).is_err(), "{size} {stride} {dilation}");
        }
        assert!(row.windows(1, 1, 1, 1).is_err());
    }

    #[test]
    fn steps_stay_within_the_axis() {
        let matrix = Layout::contiguous(Shape::new(&[2, 6]).unwrap());
        assert_eq!(places(&matrix.stepped(1, 1, 2, 3).unwrap()), [1, 3, 5, 7, 9, 11]);
        assert_eq!(matrix.stepped(1, 6, 1, 0).unwrap().shape().sizes(), [2, 0]);
        assert!(matrix.stepped(1, 2, 2, 3).is_err() && matrix.stepped(1, 0, 0, 2).is_err());
        assert!(matrix.stepped(1, usize::MAX, usize::MAX, 2).is_err());
    }

    #[test]
    fn what_can_be_written_reaches_no_place_twice() {
        let cube = Layout::contiguous(Shape::new(&[4, 5, 6]).unwrap());
        let layouts = [
            cube.clone(),
            cube.transpose(0, 2).unwrap(),
            cube.slice(1, 1, 4).unwrap().transpose(0, 1).unwrap(),
            cube.stepped(2, 1, 2, 2).unwrap(),
            cube.stepped(0, 0, 3, 2).unwrap().transpose(0, 2).unwrap(),
            cube.windows(1, 2, 2, 1).unwrap(),
            cube.windows(1, 2, 1, 1).unwrap(),
            cube.windows(2, 3, 2, 2).unwrap(),
            cube.slice(2, 0, 1).unwrap().broadcast_to("test", &Shape::new(&[4, 5, 3]).unwrap()).unwrap(),
        ];
        for layout in layouts {
            let all = places(&layout);
            let distinct: HashSet<_> = all.iter().collect();
            assert_eq!(layout.is_injective(), distinct.len() == all.len(), "{layout:?}");
        }
    }
}
