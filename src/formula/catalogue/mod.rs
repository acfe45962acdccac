//! The crate's own formulas.

pub mod activation;
pub mod arithmetic;
pub mod create;
pub mod update;
