//! How one sample is written: the pen, the hand and the paper, each drawn anew.

use super::canvas::Canvas;
use super::skeletons::{MOST_POINTS, Skeleton};
use super::{PIXELS, SIDE};
use crate::formula::philox::Stream;

/// The manner of one sample. Lengths in pixels.
pub(super) struct Pen {
    /// Half the width of a stroke.
    radius: f32,
    /// Width of the edge over which ink fades.
    softness: f32,
    /// Ink of a full stroke, 0 to 255.
    ink: f32,
    /// Largest departure of a pixel from its ink, 0 to 255.
    noise: f32,
    /// The linear part of the map from the skeleton's box to pixels.
    matrix: [[f32; 2]; 2],
    /// Where the middle of the box goes.
    centre: [f32; 2],
    /// Departure of a point, as a share of half the box.
    wobble: f32,
}

impl Pen {
    /// A pen whose every property is drawn from `stream`.
    pub(super) fn drawn(stream: &mut Stream) -> Self {
        let mut between = |low: f32, high: f32| low + (high - low) * stream.uniform();
        let (turn, slant) = (between(-0.26, 0.26), between(-0.25, 0.35));
        let (width, height) = (between(7.5, 11.5), between(7.5, 10.5));
        let middle = SIDE as f32 / 2.0;
        // From the tangent of the half-angle: an exact rotation without a library call.
        let half = turn / 2.0;
        let (cos, sin) = ((1.0 - half * half) / (1.0 + half * half), 2.0 * half / (1.0 + half * half));
        Self {
            radius: between(0.55, 1.7),
            softness: between(0.9, 1.6),
            ink: between(170.0, 255.0),
            noise: between(0.0, 36.0),
            matrix: [[cos * width, -(cos * slant + sin) * height], [sin * width, (cos - sin * slant) * height]],
            centre: [middle + between(-2.5, 2.5), middle + between(-2.0, 2.0)],
            wobble: between(0.06, 0.24),
        }
    }

    /// Draws the strokes of `skeleton`, each of its points moved a little.
    pub(super) fn write(&self, skeleton: &Skeleton, stream: &mut Stream) -> Canvas {
        let mut points = [[0.0; 2]; MOST_POINTS];
        for (point, &[x, y]) in points.iter_mut().zip(skeleton.points) {
            *point = self.place([x + self.wobble * around_zero(stream), y + self.wobble * around_zero(stream)]);
        }
        let mut canvas = Canvas::new(self.radius + 0.5 * self.softness);
        let mut curve = [[0.0; 2]; MOST_POINTS];
        for stroke in skeleton.strokes {
            for (place, &point) in curve.iter_mut().zip(*stroke) {
                *place = points[point];
            }
            canvas.curve(&curve[..stroke.len()]);
        }
        canvas
    }

    /// Turns distances to ink: full inside the pen's radius, none beyond its soft edge, and noise over all.
    pub(super) fn ink(&self, canvas: &Canvas, stream: &mut Stream, pixels: &mut [u8; PIXELS]) {
        let mut noise = [0u8; PIXELS];
        for four in noise.as_chunks_mut::<16>().0 {
            *four = bytes(stream.next_block());
        }
        let scale = 1.0 / self.softness;
        for ((pixel, distance), noise) in pixels.iter_mut().zip(canvas.distances()).zip(noise) {
            let share = ((self.radius - distance) * scale + 0.5).clamp(0.0, 1.0);
            let departure = (f32::from(noise) - 127.5) * (1.0 / 127.5);
            *pixel = (self.ink * share + self.noise * departure) as u8;
        }
    }

    fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [[xx, xy], [yx, yy]] = self.matrix;
        [self.centre[0] + xx * x + xy * y, self.centre[1] + yx * x + yy * y]
    }
}

/// A number in (-1, 1), likelier near 0.
fn around_zero(stream: &mut Stream) -> f32 {
    stream.uniform() - stream.uniform()
}

fn bytes(words: [u32; 4]) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (four, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *four = word.to_le_bytes();
    }
    bytes
}
