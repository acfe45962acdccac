//! Where the time of a program goes: every operation of a device with what it moved and computed, held against what that
//! device can do at best.
//!
//! ```
//! use rectify::profile::{Profiler, Schedule};
//! use rectify::{DType, Device, Tensor};
//!
//! let device = Device::cpu();
//! let x = Tensor::full(&[256, 256], 0.5, DType::F32, &device)?;
//! let mut profiler = Profiler::new(&device, Schedule { wait: 1, warm_up: 1, active: 2 })?;
//! while !profiler.is_over() {
//!     let _layer = rectify::scope::enter("hidden1");
//!     x.matmul(&x)?.exp()?;
//!     profiler.step()?;
//! }
//! let profile = profiler.finish()?;
//! assert_eq!((profile.steps, profile.calls.len()), (2, 4));
//! # Ok::<(), rectify::Error>(())
//! ```
//!
//! [`Profile::rows`] brings the calls together, and [`Ceilings`] say how far each row is from the hardware's limit. A profile
//! prints as a [table](table::Table), and writes itself as JSON, CSV, a [page](crate::report::ProfilePage) or
//! a [trace](trace::write).

mod ceilings;
mod compare;
pub mod operations;
mod profiler;
mod rows;
pub mod table;
pub mod trace;

pub use ceilings::Ceilings;
pub use compare::{Change, compare};
pub use profiler::{Profile, Profiler, Schedule};
pub use rows::{Bound, Grouping, Row};
