//! What a compiled kernel takes of a multiprocessor, and how much of it stays busy.

/// What the assembler says about a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Resources {
    /// 32-bit registers of a thread.
    pub registers: u32,
    /// Bytes of shared memory of a block.
    pub shared_bytes: u32,
    /// Bytes of a thread that registers did not suffice for: written to and read from memory.
    pub spilled_bytes: u32,
}

/// What keeps a multiprocessor from running more blocks.
struct Limits {
    /// The compute capability, such as 90.
    architecture: u32,
    blocks: u32,
    warps: u32,
    shared_bytes: u32,
    /// What every block takes of the shared memory for the system.
    reserved_bytes: u32,
}

const fn limits(architecture: u32, blocks: u32, warps: u32, shared_kib: u32, reserved_kib: u32) -> Limits {
    Limits { architecture, blocks, warps, shared_bytes: shared_kib << 10, reserved_bytes: reserved_kib << 10 }
}

/// CUDA Programming Guide, "Technical Specifications per Compute Capability":
/// <https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/compute-capabilities.html>.
const LIMITS: [Limits; 8] = [
    limits(75, 16, 32, 64, 0),
    limits(80, 32, 64, 164, 1),
    limits(86, 16, 48, 100, 1),
    limits(87, 16, 48, 164, 1),
    limits(89, 24, 48, 100, 1),
    limits(90, 32, 64, 228, 1),
    limits(100, 32, 64, 228, 1),
    limits(120, 24, 48, 100, 1),
];

// The same for all of these. Registers and shared memory are handed out in units, as `cuda_occupancy.h` of the toolkit has it.
const WARP: u32 = 32;
const REGISTERS: u32 = 1 << 16;
const REGISTER_UNIT: u32 = 256;
const WARP_UNIT: u32 = 4;
const SHARED_UNIT: u32 = 128;

impl Resources {
    /// Reads what `--ptxas-options=-v` puts into the log of the compiler; none if it is not there.
    pub fn from_log(log: &str) -> Option<Self> {
        let number_before = |words: &str| {
            let before = log.split(words).next().filter(|before| before.len() < log.len())?;
            before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        Some(Self {
            registers: number_before(" registers")?,
            shared_bytes: number_before(" bytes smem").unwrap_or(0),
            spilled_bytes: number_before(" bytes spill stores")? + number_before(" bytes spill loads")?,
        })
    }

    /// As [`from_log`](Self::from_log), of the one kernel of this name where there are several.
    pub fn of_kernel(log: &str, kernel: &str) -> Option<Self> {
        let entries = log.split("Compiling entry function '").skip(1);
        let own = entries.filter(|entry| entry.strip_prefix(kernel).is_some_and(|rest| rest.starts_with('\'')));
        own.filter_map(Self::from_log).next()
    }

    /// The most shared memory of a block on this architecture, in bytes: beyond what there is without asking, which is
    /// [`USUAL_SHARED_BYTES`](super::USUAL_SHARED_BYTES). None for an architecture that is not in the table.
    pub fn most_shared_bytes(architecture: u32) -> Option<u32> {
        let limits = LIMITS.iter().find(|limits| limits.architecture == architecture)?;
        Some(limits.shared_bytes - limits.reserved_bytes)
    }

    /// The blocks of this many threads that run on a multiprocessor at once, and which part of the warps it could run that
    /// is. None for an architecture that is not in the table.
    pub fn occupancy(&self, architecture: u32, threads: u32) -> Option<(u32, f64)> {
        let limits = LIMITS.iter().find(|limits| limits.architecture == architecture)?;
        let warps = threads.div_ceil(WARP).max(1);
        let registers_of_warp = (self.registers * WARP).next_multiple_of(REGISTER_UNIT).max(REGISTER_UNIT);
        let by_registers = REGISTERS / registers_of_warp / WARP_UNIT * WARP_UNIT / warps;
        let shared = (self.shared_bytes + limits.reserved_bytes).next_multiple_of(SHARED_UNIT);
        let by_shared = limits.shared_bytes.checked_div(shared).unwrap_or(u32::MAX);
        let blocks = limits.blocks.min(limits.warps / warps).min(by_registers).min(by_shared);
        Some((blocks, f64::from(blocks * warps) / f64::from(limits.warps)))
    }
}

/// The warnings in the log of the compiler.
pub fn warnings(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| line.contains("warning") && !line.starts_with("Remark"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_read() {
        let log = "u.cu(1): warning #177-D: variable \"q\" was declared but never referenced\n\
                   Remark: The warnings can be suppressed with \"-diag-suppress <warning-number>\"\n\
                   ptxas info    : Compiling entry function 'k' for 'sm_75'\n\
                   ptxas         .     16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads\n\
                   ptxas info    : Used 64 registers, used 1 barriers, 4128 bytes smem, 436 bytes cmem[0]\n";
        let expected = Resources { registers: 64, shared_bytes: 4128, spilled_bytes: 20 };
        assert_eq!(Resources::from_log(log), Some(expected));
        assert_eq!(warnings(log).count(), 1);
        let without_shared = log.replace("4128 bytes smem, ", "");
        assert_eq!(Resources::from_log(&without_shared), Some(Resources { shared_bytes: 0, ..expected }));
        assert_eq!(Resources::from_log("nothing"), None);
        let of_two = format!("{log}{}", log.replace("'k'", "'k2'").replace("64 registers", "32 registers"));
        let registers = |kernel| Resources::of_kernel(&of_two, kernel).map(|used| used.registers);
        assert_eq!(["k", "k2", "k3", ""].map(registers), [Some(64), Some(32), None, None]);
    }

    /// "Maximum amount of shared memory per thread block" of the same table.
    #[test]
    fn a_block_may_have_all_shared_memory_but_what_is_reserved() {
        let most = [75, 80, 86, 90, 120, 42].map(Resources::most_shared_bytes);
        assert_eq!(most, [64, 163, 99, 227, 99, 0].map(|kib: u32| Some(kib << 10).filter(|&bytes| bytes > 0)));
    }

    /// Values of NVIDIA's occupancy calculator.
    #[test]
    fn occupancy_is_limited_by_what_runs_out_first() {
        let uses = |registers, shared_bytes| Resources { registers, shared_bytes, spilled_bytes: 0 };
        assert_eq!(uses(32, 0).occupancy(90, 256), Some((8, 1.0)));
        assert_eq!(uses(64, 0).occupancy(90, 256), Some((4, 0.5)));
        assert_eq!(uses(65, 0).occupancy(90, 512), Some((1, 0.25)));
        assert_eq!(uses(64, 0).occupancy(75, 256), Some((4, 1.0)));
        assert_eq!(uses(16, 0).occupancy(86, 32), Some((16, 1.0 / 3.0)));
        assert_eq!(uses(32, 48 << 10).occupancy(90, 128), Some((4, 0.25)));
        assert_eq!(uses(32, 0).occupancy(42, 128), None);
    }
}
