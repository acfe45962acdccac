//! Numbers as arguments.

use std::str::FromStr;

/// A whole number from 0 on.
pub fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "not a whole number in range".into())
}

/// A number, whole or not.
pub fn real(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "not a number".into())
}
