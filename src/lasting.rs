//! A shared value that is counted, or one that lives as long as the process and is not.

use std::ops::Deref;
use std::sync::Arc;

/// As an `Arc`, but for a value that never goes: handles on it are made and dropped without touching memory that all threads share.
#[derive(Debug)]
pub(crate) enum Lasting<T: 'static> {
    /// Lives as long as its handles.
    Counted(Arc<T>),
    /// Lives as long as the process.
    Forever(&'static T),
}

impl<T> Lasting<T> {
    /// A value that lives as long as its handles.
    pub fn new(value: T) -> Self {
        Self::Counted(Arc::new(value))
    }

    /// The same value, from now on for as long as the process.
    pub fn forever(self) -> Self {
        match self {
            Self::Counted(counted) => Self::Forever(Box::leak(Box::new(counted))),
            Self::Forever(_) => self,
        }
    }

    /// Whether both are handles on one value.
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq::<T>(&**self, &**other)
    }
}

impl<T> Clone for Lasting<T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Counted(counted) => Self::Counted(Arc::clone(counted)),
            Self::Forever(value) => Self::Forever(value),
        }
    }
}

impl<T> Deref for Lasting<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Counted(counted) => counted,
            Self::Forever(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_value_goes_with_its_last_handle_and_a_lasting_one_stays() {
        let counted = Arc::new(1);
        let handles = [Lasting::Counted(counted.clone()), Lasting::Counted(counted.clone()).clone()];
        assert!(handles[0].is_same(&handles[1]) && !handles[0].is_same(&Lasting::new(1)));
        drop(handles);
        assert_eq!(Arc::strong_count(&counted), 1);
        let lasting = Lasting::Counted(counted.clone()).forever();
        let other = lasting.clone().forever();
        assert!(lasting.is_same(&other));
        drop((lasting, other));
        assert_eq!(Arc::strong_count(&counted), 2);
    }
}
