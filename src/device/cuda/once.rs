//! A value that is made when first asked for.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::Result;

/// A value made once. A failure to make it is not remembered: the next call tries again.
#[derive(Debug)]
pub struct Once<T> {
    value: OnceLock<T>,
    turn: Mutex<()>,
}

impl<T> Once<T> {
    /// Nothing made yet.
    pub const fn new() -> Self {
        Self { value: OnceLock::new(), turn: Mutex::new(()) }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, or why it cannot be made now. Whoever asks meanwhile waits.
    #[inline]
    pub fn get_or_try(&self, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        match self.value.get() {
            Some(value) => Ok(value),
            None => self.make(make),
        }
    }

    #[cold]
    fn make(&self, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let made = make()?;
        Ok(self.value.get_or_init(|| made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_failure_is_not_remembered_and_a_value_is() {
        let once = Once::new();
        assert!(once.get_or_try(|| Err(Error::device("cuda:0", "busy"))).is_err() && once.get().is_none());
        assert_eq!(once.get_or_try(|| Ok(1)).unwrap(), &1);
        assert_eq!(once.get_or_try(|| Ok(2)).unwrap(), &1);
    }
}
