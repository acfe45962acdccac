//! What a run leaves behind for people: tables of metrics and one page with pictures.

pub mod figures;
pub mod metrics;
pub mod page;

mod axis;
mod confusion;
mod curves;
mod gallery;
mod html;
mod line_chart;
mod memory_chart;
mod memory_trace;
mod png;

pub use confusion::Confusion;
pub use curves::Curves;
pub use gallery::{GrayImage, Mistake};
pub use memory_trace::{MemoryEvent, MemoryTrace};
pub use metrics::MetricsLog;
pub use page::Page;
