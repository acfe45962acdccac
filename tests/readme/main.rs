//! What the README says of the code is what the code says.

mod own;
mod tables;

const README: &str = include_str!("../../README.md");
