//! What a run leaves behind for people: tables of metrics and one page with pictures.

pub mod figures;
pub mod metrics;
pub mod page;
pub mod scores;

mod agreement;
mod axis;
mod confusion;
mod crc32c;
mod curves;
mod document;
mod events;
mod gallery;
mod histogram;
mod html;
mod layers_table;
mod line_chart;
mod memory_chart;
mod memory_trace;
mod operations_page;
mod png;
mod profile_page;
mod protobuf;
mod roofline;
mod sorted_table;
mod step_time;

pub use agreement::Agreement;
pub use confusion::Confusion;
pub use curves::Curves;
pub use events::EventsLog;
pub use gallery::{GrayImage, Mistake};
pub use memory_trace::{MemoryEvent, MemoryTrace};
pub use metrics::MetricsLog;
pub use operations_page::OperationsPage;
pub use page::{Errors, Page};
pub use profile_page::ProfilePage;
pub use scores::{Average, ClassScores};
pub use step_time::StepTime;
