//! With how many threads a kernel is launched.

/// Blocks, threads and shared memory of a launch, and what it has to do.
///
/// ```
/// use rectify::kernels::Launch;
/// let launch = Launch::over(1000, 256);
/// assert_eq!((launch.grid, launch.block), ([4, 1, 1], [256, 1, 1]));
/// let tiled = Launch::new([8, 8, 1], [16, 16, 1]).shared_bytes(2048).flops(2 * 128 * 128 * 128);
/// assert_eq!((tiled.shared_bytes, tiled.bytes, tiled.flops), (2048, None, 4_194_304));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Shared memory of a block beside what the kernel declares itself, in bytes: `extern __shared__`.
    pub shared_bytes: u32,
    /// Bytes that have to be read and written; none for those of all tensors it is given, each once.
    pub bytes: Option<u64>,
    /// Floating point operations.
    pub flops: u64,
}

/// What a block may have on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    /// Threads.
    pub threads: u32,
    /// Bytes of shared memory that the kernel declares itself.
    pub declared_bytes: u32,
    /// Bytes of shared memory in all.
    pub shared_bytes: u32,
}

/// The same on every device this crate works with: CUDA Programming Guide, "Technical Specifications per Compute Capability".
const MOST_THREADS: u32 = 1024;
const MOST_ALONG: [u32; 3] = [1024, 1024, 64];
const MOST_BLOCKS: [u32; 3] = [i32::MAX as u32, 65_535, 65_535];
/// What a block has of shared memory without asking.
pub const USUAL_SHARED_BYTES: u32 = 48 << 10;

impl Launch {
    /// So many blocks of so many threads along x, y and z.
    pub const fn new(grid: [u32; 3], block: [u32; 3]) -> Self {
        Self { grid, block, shared_bytes: 0, bytes: None, flops: 0 }
    }

    /// As few blocks of `block` threads as have a thread for each of `count`; nothing is launched for a count of 0.
    pub const fn over(count: usize, block: u32) -> Self {
        let blocks = count.div_ceil(if block == 0 { 1 } else { block as usize });
        // Too many are refused when they are launched.
        let blocks = if blocks > u32::MAX as usize { u32::MAX } else { blocks as u32 };
        Self::new([blocks, 1, 1], [block, 1, 1])
    }

    /// With so much shared memory for a block, beside what the kernel declares itself.
    pub const fn shared_bytes(self, bytes: u32) -> Self {
        Self { shared_bytes: bytes, ..self }
    }

    /// With so many bytes to be read and written, for whoever measures it.
    pub const fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    /// With so many floating point operations, for whoever measures it.
    pub const fn flops(self, flops: u64) -> Self {
        Self { flops, ..self }
    }

    /// Threads of a block.
    pub fn threads(&self) -> u64 {
        self.block.iter().map(|&along| u64::from(along)).product()
    }

    /// The rule that it breaks, if it does.
    pub fn fault(&self, limits: BlockLimits) -> Option<String> {
        let Self { grid, block, shared_bytes, .. } = *self;
        let most = limits.threads.min(MOST_THREADS);
        let shared = u64::from(limits.declared_bytes) + u64::from(shared_bytes);
        if self.threads() == 0 {
            return Some(format!("a block of {}: no threads", sizes(block)));
        }
        if self.threads() > u64::from(most) {
            let threads = self.threads();
            return Some(format!("a block of {}: {threads} threads, and at most {most} are possible", sizes(block)));
        }
        let beyond = |sizes: [u32; 3], most: [u32; 3]| (0..3).any(|axis| sizes[axis] > most[axis]);
        if beyond(block, MOST_ALONG) {
            return Some(format!("a block of {}: at most {} are possible", sizes(block), sizes(MOST_ALONG)));
        }
        if beyond(grid, MOST_BLOCKS) {
            return Some(format!("{} blocks: at most {} are possible", sizes(grid), sizes(MOST_BLOCKS)));
        }
        (shared > u64::from(limits.shared_bytes)).then(|| {
            format!(
                "{shared} bytes of shared memory for a block ({} declared, {shared_bytes} asked for at the launch), and \
                 there are {}",
                limits.declared_bytes, limits.shared_bytes
            )
        })
    }
}

impl BlockLimits {
    /// The threads of a block, of a kernel that promises to have at most so many.
    pub fn promised(self, threads: Option<u32>) -> Self {
        Self { threads: self.threads.min(threads.unwrap_or(u32::MAX)), ..self }
    }
}

/// `16 x 16 x 1`.
fn sizes([x, y, z]: [u32; 3]) -> String {
    format!("{x} x {y} x {z}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_held_and_named() {
        let limits = BlockLimits { threads: 1024, declared_bytes: 4096, shared_bytes: 48 << 10 };
        let fault = |launch: Launch| launch.fault(limits);
        for fine in [
            Launch::new([i32::MAX as u32, 65_535, 65_535], [4, 4, 64]),
            Launch::over(1 << 20, 1024).shared_bytes((48 << 10) - 4096),
            Launch::over(0, 32),
        ] {
            assert_eq!(fault(fine), None);
        }
        for (launch, said) in [
            (Launch::over(5, 0), "a block of 0 x 1 x 1: no threads"),
            (Launch::over(5, 2048), "a block of 2048 x 1 x 1: 2048 threads, and at most 1024 are possible"),
            (Launch::new([1; 3], [1 << 16, 1 << 16, 1 << 16]), "281474976710656 threads"),
            (Launch::new([1; 3], [1, 1, 128]), "a block of 1 x 1 x 128: at most 1024 x 1024 x 64 are possible"),
            (Launch::new([1, 1 << 16, 1], [1; 3]), "1 x 65536 x 1 blocks: at most 2147483647 x 65535 x 65535"),
            (Launch::over(usize::MAX, 1), "blocks: at most"),
            (
                Launch::over(5, 32).shared_bytes(48 << 10),
                "53248 bytes of shared memory for a block (4096 declared, 49152 asked for at the launch), and there are 49152",
            ),
        ] {
            let rule = fault(launch).unwrap_or_default();
            assert!(rule.contains(said), "'{said}' is not in '{rule}'");
        }
        let promised = limits.promised(Some(128));
        assert!(Launch::over(5, 256).fault(promised).is_some_and(|rule| rule.contains("at most 128")));
        assert_eq!(Launch::over(5, 256).fault(limits.promised(None)), None);
    }
}
