//! The factor of a symmetric positive definite matrix, in f64: it solves normal equations, and says what is positive definite.

/// The lower triangle L with L Lᵀ the matrix, row by row.
pub struct Cholesky {
    lower: Vec<f64>,
    size: usize,
}

impl Cholesky {
    /// The factor of a symmetric matrix of `size` rows, of which the lower triangle is read; none where the matrix is not
    /// positive definite.
    pub fn of(matrix: &[f64], size: usize) -> Option<Self> {
        let mut lower = matrix.to_vec();
        for row in 0..size {
            for column in 0..=row {
                let known: f64 = (0..column).map(|k| lower[row * size + k] * lower[column * size + k]).sum();
                let rest = lower[row * size + column] - known;
                lower[row * size + column] = match row == column {
                    true if rest > 0.0 => rest.sqrt(),
                    true => return None,
                    false => rest / lower[column * size + column],
                };
            }
        }
        Some(Self { lower, size })
    }

    /// The x for which the matrix times x is `right`.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let Self { lower, size } = self;
        let mut x = right.to_vec();
        for row in 0..*size {
            let known: f64 = (0..row).map(|k| lower[row * size + k] * x[k]).sum();
            x[row] = (x[row] - known) / lower[row * size + row];
        }
        for row in (0..*size).rev() {
            let known: f64 = (row + 1..*size).map(|k| lower[k * size + row] * x[k]).sum();
            x[row] = (x[row] - known) / lower[row * size + row];
        }
        x
    }
}

/// The weights with which the columns of `rows`, each row of `width` numbers, come closest to `targets` in the sum of squares:
/// the solution of the normal equations. The diagonal gets a part in 10^9 more, so that columns may depend on each other.
pub fn least_squares(rows: &[f64], width: usize, targets: &[f64]) -> Option<Vec<f64>> {
    let (mut products, mut right) = (vec![0.0; width * width], vec![0.0; width]);
    for (row, target) in rows.chunks(width).zip(targets) {
        for i in 0..width {
            right[i] += row[i] * target;
            for j in 0..=i {
                products[i * width + j] += row[i] * row[j];
            }
        }
    }
    for i in 0..width {
        products[i * width + i] *= 1.0 + 1e-9;
    }
    Some(Cholesky::of(&products, width)?.solve(&right))
}
