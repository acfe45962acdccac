// What kernels share that are given labels or indices: reading them, and saying which one is out of range.
// Bytes moved: none by itself.

/// The first index out of range that a kernel came across; the host reads it when it next waits for the device.
struct Report {
    /// 0 for none, 1 while it is written, 2 when it is whole.
    u32 state;
    u32 site;
    u64 position;
    i64 value;
    u64 bound;
};

/// Says that the index at `position` is not below `bound`. The first one that is said stays.
__device__ inline void report(Report* report, u32 site, u64 position, i64 value, u64 bound) {
    if (atomicCAS(&report->state, 0u, 1u) == 0) {
        report->site = site;
        report->position = position;
        report->value = value;
        report->bound = bound;
        __threadfence_system();
        *(volatile u32*)&report->state = 2;
    }
}

/// Labels or indices of a type that is known at run time only: one is read for many elements.
struct Indices {
    const void* elements;
    /// The bytes of an element, and 1 more if it has a sign.
    u32 type;

    __device__ i64 operator[](u64 position) const {
        switch (type) {
        case 1: return ((const u8*)elements)[position];
        case 4: return ((const u32*)elements)[position];
        case 5: return ((const i32*)elements)[position];
        default: return ((const i64*)elements)[position];
        }
    }
};
