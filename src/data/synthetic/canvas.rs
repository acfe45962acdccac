//! Strokes to pixels: each pixel knows how far it is from the nearest stroke.

use super::SIDE;

/// The squared distance, in pixels, of each pixel's centre to the nearest stroke drawn so far.
pub(super) struct Canvas {
    distances: [[f32; SIDE]; SIDE],
    /// Farther than this no stroke leaves ink.
    reach: f32,
}

/// Straight pieces of a curve between two of its points.
const PIECES: usize = 4;

impl Canvas {
    pub(super) fn new(reach: f32) -> Self {
        Self { distances: [[reach * reach; SIDE]; SIDE], reach }
    }

    /// Draws a smooth curve through all of `points`: a Catmull-Rom spline, closed where it ends as it began.
    pub(super) fn curve(&mut self, points: &[[f32; 2]]) {
        let last = points.len().saturating_sub(1);
        let closed = last > 2 && points[0] == points[last];
        for (i, pair) in points.windows(2).enumerate() {
            let before = if i > 0 {
                points[i - 1]
            } else if closed {
                points[last - 1]
            } else {
                pair[0]
            };
            let after = if i + 1 < last {
                points[i + 2]
            } else if closed {
                points[1]
            } else {
                pair[1]
            };
            let mut from = pair[0];
            for piece in 1..=PIECES {
                let to = spline([before, pair[0], pair[1], after], piece as f32 / PIECES as f32);
                self.segment(from, to);
                from = to;
            }
        }
    }

    fn segment(&mut self, from: [f32; 2], to: [f32; 2]) {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        // A piece of no length is a point; the smallest positive number keeps the division below finite.
        let scale = 1.0 / (dx * dx + dy * dy).max(f32::MIN_POSITIVE);
        let top = (from[1].min(to[1]) - self.reach).floor().max(0.0) as usize;
        let bottom = (from[1].max(to[1]) + self.reach).ceil().max(0.0) as usize;
        for (row, distances) in self.distances.iter_mut().enumerate().take(bottom).skip(top) {
            let y = row as f32 + 0.5 - from[1];
            for (column, distance) in distances.iter_mut().enumerate() {
                let x = column as f32 + 0.5 - from[0];
                let along = ((x * dx + y * dy) * scale).clamp(0.0, 1.0);
                let [ex, ey] = [x - along * dx, y - along * dy];
                *distance = distance.min(ex * ex + ey * ey);
            }
        }
    }

    /// The distance of each pixel, row by row, to the nearest stroke; `reach` for all that is farther.
    pub(super) fn distances(&self) -> impl Iterator<Item = f32> {
        self.distances.as_flattened().iter().map(|distance| distance.sqrt())
    }
}

/// The point at `t` of 0 to 1 between the second and the third of four points.
fn spline([p0, p1, p2, p3]: [[f32; 2]; 4], t: f32) -> [f32; 2] {
    std::array::from_fn(|axis| {
        let [a, b, c, d] = [p0[axis], p1[axis], p2[axis], p3[axis]];
        let [linear, square, cube] = [c - a, 2.0 * a - 5.0 * b + 4.0 * c - d, 3.0 * (b - c) + d - a];
        b + 0.5 * t * (linear + t * (square + t * cube))
    })
}
