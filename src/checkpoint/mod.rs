//! Files that survive a crash: atomic replacement of a file, model weights as safetensors, and training to go on with.

mod atomic;
mod header;
mod model;
mod training;
mod weights;

pub use atomic::{prepare_folder, write_atomically};
pub use training::{load_training, save_training};
pub(crate) use training::{load_training_of, save_training_with, take_kept};
pub use weights::{NamedTensor, Weights};
