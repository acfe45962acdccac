//! Files that survive a crash: atomic replacement of a file, and model weights as safetensors.

mod atomic;
mod header;
mod weights;

pub use atomic::{prepare_folder, write_atomically};
pub use weights::{NamedTensor, Weights};
