//! How the digits are written: the strokes of a pen, as a hand would draw them.

/// One way to write a digit. Points lie in a box of -1 to 1, x to the right and y down; a stroke is a smooth curve through
/// the points it names. Strokes that share a point stay joined however the points are moved.
pub(super) struct Skeleton {
    pub(super) points: &'static [[f32; 2]],
    pub(super) strokes: &'static [&'static [usize]],
}

/// The ways to write each digit, 0 to 9.
pub(super) const SKELETONS: [&[Skeleton]; 10] = [ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE];

/// The most points of any skeleton.
pub(super) const MOST_POINTS: usize = 16;

const fn skeleton(points: &'static [[f32; 2]], strokes: &'static [&'static [usize]]) -> Skeleton {
    Skeleton { points, strokes }
}

const ZERO: &[Skeleton] = &[
    skeleton(
        &[[0.0, -1.0], [0.48, -0.7], [0.62, 0.0], [0.48, 0.7], [0.0, 1.0], [-0.48, 0.7], [-0.62, 0.0], [-0.48, -0.7]],
        &[&[0, 1, 2, 3, 4, 5, 6, 7, 0]],
    ),
    // Narrow, begun at the upper right and not quite closed.
    skeleton(
        &[
            [0.25, -0.9],
            [-0.25, -0.8],
            [-0.48, 0.0],
            [-0.25, 0.85],
            [0.2, 0.85],
            [0.48, 0.05],
            [0.3, -0.7],
            [0.0, -0.95],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6, 7]],
    ),
];

const ONE: &[Skeleton] = &[
    skeleton(&[[0.05, -1.0], [0.0, 0.0], [-0.05, 1.0]], &[&[0, 1, 2]]),
    skeleton(&[[-0.38, -0.55], [0.1, -1.0], [0.05, 0.0], [0.05, 1.0]], &[&[0, 1], &[1, 2, 3]]),
    skeleton(
        &[[-0.35, -0.6], [0.05, -1.0], [0.03, 0.0], [0.02, 0.95], [-0.42, 0.95], [0.45, 0.95]],
        &[&[0, 1], &[1, 2, 3], &[4, 3, 5]],
    ),
];

const TWO: &[Skeleton] = &[
    skeleton(
        &[
            [-0.52, -0.55],
            [-0.25, -0.93],
            [0.2, -0.95],
            [0.48, -0.6],
            [0.35, -0.1],
            [-0.05, 0.4],
            [-0.55, 0.92],
            [0.0, 0.92],
            [0.6, 0.9],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6], &[6, 7, 8]],
    ),
    // With a loop at the lower left.
    skeleton(
        &[
            [-0.5, -0.6],
            [0.0, -1.0],
            [0.45, -0.6],
            [0.2, 0.1],
            [-0.3, 0.8],
            [-0.58, 0.78],
            [-0.4, 0.5],
            [0.05, 0.8],
            [0.6, 0.88],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ),
];

const THREE: &[Skeleton] = &[
    skeleton(
        &[
            [-0.5, -0.75],
            [-0.1, -1.0],
            [0.4, -0.78],
            [0.35, -0.3],
            [-0.1, -0.06],
            [0.42, 0.2],
            [0.5, 0.62],
            [0.05, 1.0],
            [-0.5, 0.78],
        ],
        &[&[0, 1, 2, 3, 4], &[4, 5, 6, 7, 8]],
    ),
    // With a flat top.
    skeleton(
        &[[-0.5, -0.95], [0.48, -0.95], [-0.08, -0.2], [0.42, 0.1], [0.5, 0.55], [0.05, 1.0], [-0.52, 0.8]],
        &[&[0, 1], &[1, 2], &[2, 3, 4, 5, 6]],
    ),
];

const FOUR: &[Skeleton] = &[
    // Open at the top.
    skeleton(
        &[[-0.35, -0.95], [-0.5, -0.4], [-0.52, 0.12], [0.6, 0.08], [0.35, -0.75], [0.3, 0.1], [0.22, 1.0]],
        &[&[0, 1, 2], &[2, 3], &[4, 5, 6]],
    ),
    skeleton(
        &[[0.25, -1.0], [-0.2, -0.3], [-0.62, 0.32], [0.62, 0.3], [0.27, 0.31], [0.25, 1.0]],
        &[&[0, 1, 2], &[2, 4, 3], &[0, 4, 5]],
    ),
];

const FIVE: &[Skeleton] = &[
    skeleton(
        &[
            [0.5, -0.95],
            [-0.35, -0.95],
            [-0.44, -0.15],
            [0.0, -0.33],
            [0.48, -0.02],
            [0.48, 0.6],
            [0.05, 1.0],
            [-0.52, 0.8],
        ],
        &[&[0, 1], &[1, 2], &[2, 3, 4, 5, 6, 7]],
    ),
    // Rounded, in one go.
    skeleton(
        &[
            [0.5, -0.88],
            [-0.2, -0.9],
            [-0.42, -0.45],
            [-0.1, -0.2],
            [0.4, 0.1],
            [0.42, 0.65],
            [-0.05, 0.98],
            [-0.5, 0.85],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6, 7]],
    ),
];

const SIX: &[Skeleton] = &[
    skeleton(
        &[
            [0.35, -0.95],
            [-0.12, -0.65],
            [-0.46, 0.0],
            [-0.48, 0.55],
            [-0.05, 0.98],
            [0.42, 0.68],
            [0.4, 0.22],
            [0.0, 0.02],
            [-0.46, 0.4],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ),
    // Upright, with a small loop.
    skeleton(
        &[
            [0.0, -1.0],
            [-0.35, -0.4],
            [-0.45, 0.35],
            [-0.2, 0.95],
            [0.28, 0.9],
            [0.38, 0.5],
            [0.05, 0.25],
            [-0.4, 0.55],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6, 7]],
    ),
];

const SEVEN: &[Skeleton] = &[
    skeleton(&[[-0.55, -0.9], [0.0, -0.92], [0.55, -0.92], [0.18, 0.0], [-0.12, 1.0]], &[&[0, 1, 2], &[2, 3, 4]]),
    // With a bar.
    skeleton(
        &[[-0.55, -0.9], [0.55, -0.92], [0.15, 0.02], [-0.15, 1.0], [-0.28, 0.04], [0.52, 0.0]],
        &[&[0, 1], &[1, 2, 3], &[4, 2, 5]],
    ),
    // With a serif.
    skeleton(
        &[[-0.52, -0.55], [-0.5, -0.92], [0.55, -0.9], [0.22, -0.1], [0.08, 1.0]],
        &[&[0, 1], &[1, 2], &[2, 3, 4]],
    ),
];

const EIGHT: &[Skeleton] = &[
    // One stroke that crosses itself.
    skeleton(
        &[
            [0.3, -0.88],
            [-0.15, -0.98],
            [-0.42, -0.62],
            [0.0, -0.05],
            [0.45, 0.5],
            [0.1, 0.98],
            [-0.4, 0.75],
            [-0.32, 0.3],
            [0.25, -0.3],
            [0.42, -0.7],
        ],
        &[&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]],
    ),
    // Two rings.
    skeleton(
        &[[0.0, -0.98], [0.38, -0.55], [0.0, -0.1], [-0.38, -0.55], [0.46, 0.42], [0.0, 0.98], [-0.46, 0.42]],
        &[&[0, 1, 2, 3, 0], &[2, 4, 5, 6, 2]],
    ),
];

const NINE: &[Skeleton] = &[
    skeleton(
        &[
            [0.42, -0.6],
            [0.1, -0.98],
            [-0.38, -0.75],
            [-0.42, -0.25],
            [0.0, -0.05],
            [0.4, -0.35],
            [0.38, 0.2],
            [0.28, 1.0],
        ],
        &[&[0, 1, 2, 3, 4, 5, 0], &[0, 6, 7]],
    ),
    // With a curved tail.
    skeleton(
        &[
            [0.45, -0.6],
            [0.08, -0.98],
            [-0.4, -0.75],
            [-0.42, -0.3],
            [0.0, -0.1],
            [0.38, -0.3],
            [0.48, 0.3],
            [0.2, 0.9],
            [-0.38, 0.88],
        ],
        &[&[0, 1, 2, 3, 4, 5, 0], &[0, 6, 7, 8]],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_name_points_that_exist_inside_the_box() {
        for Skeleton { points, strokes } in SKELETONS.into_iter().flatten() {
            assert!(points.len() <= MOST_POINTS && points.as_flattened().iter().all(|x| x.abs() <= 1.0));
            for stroke in *strokes {
                assert!((2..=MOST_POINTS).contains(&stroke.len()) && stroke.iter().all(|&i| i < points.len()));
            }
            let used = |point| strokes.iter().any(|stroke| stroke.contains(&point));
            assert!((0..points.len()).all(used), "a point that no stroke visits");
        }
    }
}
