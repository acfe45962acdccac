//! Reverse-mode gradients: a tape of operations, unwound once.
//!
//! A [`Var`] is a tensor and its place on a [`Tape`]; every operation of [`Tensor`](crate::Tensor) that has a gradient is
//! a method of it. The tape keeps for each operation only what its gradient needs, and [`Var::backward`] takes the tape
//! apart from its end, so that what was kept last is released first and right after its use. Work that depends on no
//! variable is not recorded at all.
//!
//! ```
//! use rectify::{Device, Tape, Tensor};
//! let device = Device::cpu();
//! let tape = Tape::new();
//! let x = tape.variable(&Tensor::from_slice(&[1.0, 2.0, 3.0], &[3], &device)?)?;
//! let loss = x.square()?.sum(&[])?;
//! let gradients = loss.backward()?;
//! assert_eq!(gradients.of(&x).unwrap().to_vec::<f64>()?, [2.0, 4.0, 6.0]);
//! assert!(loss.backward().is_err(), "a tape is used up by one backward pass");
//! # Ok::<(), rectify::Error>(())
//! ```

mod backward;
mod check;
mod clip;
mod cross_entropy;
mod custom;
mod elementwise;
mod gradients;
mod index;
mod linear;
mod loss;
mod matmul;
mod needs;
mod normalize;
mod reduce;
mod rows;
mod tape;
mod unscale;
mod var;
mod views;
mod windows;

pub use check::{CheckOptions, Kinks, Probe, check_gradient};
pub use cross_entropy::CrossEntropy;
pub use gradients::Gradients;
pub(crate) use linear::Keeps;
pub use loss::Aggregate;
pub use tape::Tape;
pub use var::Var;
