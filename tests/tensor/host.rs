//! Arrays of the host: what a tensor must agree with, written as loops over indices.

/// Numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    pub sizes: Vec<usize>,
    pub numbers: Vec<f64>,
}

impl Host {
    pub fn new(sizes: &[usize], numbers: Vec<f64>) -> Self {
        assert_eq!(numbers.len(), sizes.iter().product::<usize>());
        Self { sizes: sizes.to_vec(), numbers }
    }

    /// The array whose element at every index is that of `number`.
    pub fn from_fn(sizes: &[usize], number: impl Fn(&[usize]) -> f64) -> Self {
        let count = sizes.iter().product();
        Self::new(sizes, (0..count).map(|place| number(&index_of(sizes, place))).collect())
    }

    pub fn at(&self, index: &[usize]) -> f64 {
        self.numbers[place_of(&self.sizes, index)]
    }

    pub fn transpose(&self, a: usize, b: usize) -> Self {
        let swapped = |index: &[usize]| {
            let mut index = index.to_vec();
            index.swap(a, b);
            index
        };
        Self::from_fn(&swapped(&self.sizes), |index| self.at(&swapped(index)))
    }

    pub fn slice(&self, axis: usize, start: usize, end: usize) -> Self {
        let sizes = with(&self.sizes, axis, end - start);
        Self::from_fn(&sizes, |index| self.at(&with(index, axis, start + index[axis])))
    }

    pub fn broadcast(&self, sizes: &[usize]) -> Self {
        let added = sizes.len() - self.sizes.len();
        Self::from_fn(sizes, |index| {
            let own = index[added..].iter().zip(&self.sizes);
            self.at(&own.map(|(&i, &size)| if size == 1 { 0 } else { i }).collect::<Vec<_>>())
        })
    }

    pub fn reshape(&self, sizes: &[usize]) -> Self {
        Self::new(sizes, self.numbers.clone())
    }

    /// Both, broadcast together, element by element.
    pub fn zip(&self, other: &Self, function: impl Fn(f64, f64) -> f64) -> Self {
        let rank = self.sizes.len().max(other.sizes.len());
        let size = |host: &Self, axis: usize| (axis + host.sizes.len()).checked_sub(rank).map_or(1, |a| host.sizes[a]);
        let sizes: Vec<_> = (0..rank)
            .map(|axis| match (size(self, axis), size(other, axis)) {
                (1, size) => size,
                (size, _) => size,
            })
            .collect();
        let (a, b) = (self.broadcast(&sizes), other.broadcast(&sizes));
        Self::from_fn(&sizes, |index| function(a.at(index), b.at(index)))
    }

    /// The elements along `axes`, all of them for none, folded in their order; the axes are removed.
    pub fn fold(&self, axes: &[usize], start: f64, function: impl Fn(f64, f64) -> f64) -> Self {
        let kept: Vec<usize> = (0..self.sizes.len()).filter(|axis| !axes.is_empty() && !axes.contains(axis)).collect();
        let sizes: Vec<usize> = kept.iter().map(|&axis| self.sizes[axis]).collect();
        let mut folded = Self::from_fn(&sizes, |_| start);
        for (place, &number) in self.numbers.iter().enumerate() {
            let index = index_of(&self.sizes, place);
            let group = place_of(&sizes, &kept.iter().map(|&axis| index[axis]).collect::<Vec<_>>());
            folded.numbers[group] = function(folded.numbers[group], number);
        }
        folded
    }
}

/// `list` with one place changed.
pub fn with(list: &[usize], place: usize, value: usize) -> Vec<usize> {
    let mut list = list.to_vec();
    list[place] = value;
    list
}

/// The index of the element at this place of a row-major array.
pub fn index_of(sizes: &[usize], mut place: usize) -> Vec<usize> {
    let mut index = vec![0; sizes.len()];
    for axis in (0..sizes.len()).rev() {
        index[axis] = place % sizes[axis];
        place /= sizes[axis];
    }
    index
}

/// The place of the element at this index of a row-major array.
pub fn place_of(sizes: &[usize], index: &[usize]) -> usize {
    index.iter().zip(sizes).fold(0, |place, (&i, &size)| place * size + i)
}
