//! candle and burn as sides of the comparison with rectify, which knows what is timed by name: `group/what/size`.

#[path = "../../../protocol/mod.rs"]
pub mod protocol;

/// A name, taken apart.
pub struct Name<'a> {
    pub group: &'a str,
    pub what: &'a str,
    pub size: Vec<usize>,
}

impl<'a> Name<'a> {
    /// From text such as `matmul/NN/64x784x128`.
    pub fn new(text: &'a str) -> protocol::Result<Self> {
        let parts: Vec<_> = text.split('/').collect();
        let &[group, what, size] = &parts[..] else { return Err(format!("'{text}' is not group/what/size").into()) };
        Ok(Self { group, what, size: numbers(size, 'x')? })
    }
}

/// Numbers with a mark between: the sizes of `784-128-10`.
pub fn numbers(text: &str, mark: char) -> protocol::Result<Vec<usize>> {
    Ok(text.split(mark).map(str::parse).collect::<Result<_, _>>()?)
}

/// The answer to a workload that a peer has no call for.
pub fn absent<T>(reason: &str) -> protocol::Result<T> {
    Err(reason.into())
}
