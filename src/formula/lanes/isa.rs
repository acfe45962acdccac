//! Instruction sets: which ones this machine has, and running a program on one of them.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use super::{LaneElement, Lanes, plain};
use crate::error::Error;

/// A piece of work, generic over the lanes it runs on.
pub trait Program<E: LaneElement> {
    /// What it returns.
    type Output;

    /// Does the work on lanes of type `L`.
    ///
    /// Mark the implementation `#[inline(always)]`, and everything it calls per element: only what is inlined here is
    /// compiled for the instruction set.
    fn run<L: Lanes<Element = E>>(self) -> Self::Output;
}

/// Runs `program` on the widest lanes of this machine: see [`Isa::current`].
#[inline]
pub fn dispatch<E: LaneElement, P: Program<E>>(program: P) -> P::Output {
    // SAFETY: the current instruction set is one that the machine has.
    unsafe { run_on(Isa::current(), program) }
}

/// Runs `program` on the lanes of `isa`, or of the widest one this machine has below it.
#[inline]
pub fn dispatch_on<E: LaneElement, P: Program<E>>(isa: Isa, program: P) -> P::Output {
    // SAFETY: `narrowed` returns only what the machine has.
    unsafe { run_on(isa.narrowed(), program) }
}

/// # Safety
/// The machine has the instruction set.
#[inline]
unsafe fn run_on<E: LaneElement, P: Program<E>>(isa: Isa, program: P) -> P::Output {
    match isa {
        // SAFETY: as promised by the caller.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { run_avx512(program) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { run_avx2(program) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => program.run::<E::Neon>(),
        _ => program.run::<E::Plain>(),
    }
}

/// An instruction set, ordered from narrow to wide registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Portable Rust, no intrinsics.
    Plain,
    /// AArch64 NEON: 128-bit registers.
    Neon,
    /// AVX2 with FMA and F16C: 256-bit registers.
    Avx2,
    /// AVX-512 F, DQ, BW, VL and CD: 512-bit registers.
    Avx512,
}

impl Isa {
    /// Every instruction set, from narrow to wide.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Neon, Self::Avx2, Self::Avx512];

    /// The instruction sets of this machine, from narrow to wide; the first is always `Plain`.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// The widest instruction set of this machine, or the one that the environment variable `RECTIFY_ISA` (`plain`,
    /// `neon`, `avx2`, `avx512`) narrows it to. Read once; an unknown name is ignored.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let wanted = std::env::var("RECTIFY_ISA").ok().and_then(|name| name.parse().ok());
            wanted.unwrap_or(Self::Avx512).narrowed()
        })
    }

    /// The name that `RECTIFY_ISA` takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Plain => true,
            Self::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
                    && is_x86_feature_detected!("bmi2")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512cd")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The widest instruction set of this machine that is not wider than this one.
    pub(super) fn narrowed(self) -> Self {
        Self::available().rfind(|&isa| isa <= self).unwrap_or(Self::Plain)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Isa {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Error::argument("isa", format!("'{name}' is not an instruction set; known: {known}"))
        })
    }
}

/// The register types of an element: out of reach of other crates, which get lanes only from [`dispatch`].
pub trait Registers: Sized {
    /// Portable lanes.
    type Plain: Lanes<Element = Self>;
    /// NEON lanes.
    #[cfg(target_arch = "aarch64")]
    type Neon: Lanes<Element = Self>;
    /// AVX2 lanes.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<Element = Self>;
    /// AVX-512 lanes.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Lanes<Element = Self>;
}

impl Registers for f32 {
    type Plain = plain::F32x8;
    #[cfg(target_arch = "aarch64")]
    type Neon = super::neon::F32x4;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::avx2::F32x8;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = super::avx512::F32x16;
}

impl Registers for f64 {
    type Plain = plain::F64x4;
    #[cfg(target_arch = "aarch64")]
    type Neon = super::neon::F64x2;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::avx2::F64x4;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = super::avx512::F64x8;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512cd,avx2,fma,f16c,bmi2")]
fn run_avx512<E: LaneElement, P: Program<E>>(program: P) -> P::Output {
    program.run::<E::Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi2")]
fn run_avx2<E: LaneElement, P: Program<E>>(program: P) -> P::Output {
    program.run::<E::Avx2>()
}
