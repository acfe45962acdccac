//! The simulated driver checked against itself: what it is there to catch is planted here, and has to be caught.
#![cfg(target_os = "linux")]

#[path = "simulated_driver/graphs.rs"]
mod graphs;
#[path = "simulated_driver/raw.rs"]
mod raw;
#[path = "simulated_driver/shared.rs"]
mod shared;
mod simulated;

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use raw::Raw;

/// Writes one byte at an offset.
const POKE: &str = "extern \"C\" __global__ void run(unsigned char* at, long long offset) { at[offset] = 1; }";
/// Sums 64 numbers through shared memory.
const SUM: &str = "extern \"C\" __global__ void run(const int* from, int* to) {
    __shared__ int numbers[64];
    numbers[threadIdx.x] = from[threadIdx.x];
    BARRIER;
    if (threadIdx.x == 0) { int sum = 0; for (int i = 0; i < 64; i++) sum += numbers[i]; *to = sum; }
}";
const EXIT_CODE: i32 = 86;
const SEEDS: std::ops::Range<u64> = 0..16;

/// One violation that says this, and no other.
fn expect(raw: &Raw, said: &str) {
    let violations = raw.control.take_violations();
    assert!(violations.len() == 1 && violations[0].contains(said), "'{said}' is not what {violations:?} says");
}

/// Launches a kernel over one buffer of this size, and gives what the driver says when all is done.
fn launch_over(raw: &Raw, text: &str, bytes: usize, threads: u32, more: &[u64]) -> i32 {
    let ((module, function), buffer, stream) = (raw.kernel(text), raw.allocate(bytes), raw.stream());
    assert_eq!(raw.launch(function, threads, stream, &[&[buffer], more].concat()), 0);
    let code = raw.synchronize(stream);
    assert_eq!([raw.free(buffer), raw.destroy_stream(stream), raw.unload(module)], [0; 3]);
    code
}

/// Runs a test in a process of its own, which has to end with the code of a fault; gives whether this is that process.
fn dies(test: &str) -> bool {
    if env::var_os("SIMULATED_CASE").is_some() {
        return true;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SIMULATED_CASE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(EXIT_CODE), "{said}");
    assert!(said.contains("simulated cuda: violation: signal"), "{said}");
    false
}

fn words(numbers: impl Iterator<Item = i32>) -> Vec<u8> {
    numbers.flat_map(i32::to_le_bytes).collect()
}

#[test]
fn a_write_right_behind_or_before_a_buffer_is_seen() {
    let raw = Raw::new();
    assert_eq!(launch_over(&raw, POKE, 100, 1, &[99]), 0);
    assert_eq!(raw.control.take_violations(), [""; 0]);
    launch_over(&raw, POKE, 100, 1, &[100]);
    expect(&raw, "bytes behind an allocation of 100 bytes were written to");
    launch_over(&raw, POKE, 100, 1, &[-1i64 as u64]);
    expect(&raw, "bytes before an allocation of 100 bytes were written to");
    assert_eq!(raw.release(), 0);
}

#[test]
fn a_write_far_behind_a_buffer_ends_the_process() {
    if dies("a_write_far_behind_a_buffer_ends_the_process") {
        launch_over(&Raw::new(), POKE, 100, 1, &[4096]);
    }
}

#[test]
fn a_misaligned_vector_ends_the_process() {
    if dies("a_misaligned_vector_ends_the_process") {
        let text = "struct alignas(16) Four { float x, y, z, w; };
            extern \"C\" __global__ void run(char* at) { *(Four*)(at + 4) = Four{1, 2, 3, 4}; }";
        launch_over(&Raw::new(), text, 100, 1, &[]);
    }
}

#[test]
fn a_reduction_without_its_barrier_is_wrong_in_some_order_of_threads() {
    let raw = Raw::new();
    for (barrier, always_right) in [("", false), ("__syncthreads()", true)] {
        let (module, function) = raw.kernel(&SUM.replace("BARRIER", barrier));
        let (from, to, stream) = (raw.allocate(256), raw.allocate(4), raw.stream());
        let sums = SEEDS.map(|seed| {
            raw.control.seed(seed);
            let mut sum = [0; 4];
            raw.upload(from, &words(0..64), stream);
            raw.launch(function, 64, stream, &[from, to]);
            raw.download(&mut sum, to, stream);
            i32::from_le_bytes(sum)
        });
        let sums: BTreeSet<_> = sums.collect();
        assert!(sums.contains(&2016) && (sums.len() == 1) == always_right, "{barrier}: {sums:?}");
        assert_eq!([raw.free(from), raw.free(to), raw.destroy_stream(stream), raw.unload(module)], [0; 4]);
    }
    assert_eq!((raw.release(), raw.control.take_violations()), (0, vec![]));
}

#[test]
fn a_barrier_that_some_threads_miss_is_seen() {
    let raw = Raw::new();
    let text = "extern \"C\" __global__ void run(int* to) { if (threadIdx.x < 16) __syncthreads(); *to = 1; }";
    launch_over(&raw, text, 4, 32, &[]);
    expect(&raw, "divergent barrier");
    assert_eq!(raw.release(), 0);
}

#[test]
fn lanes_of_one_warp_that_exchange_in_different_masks_are_seen() {
    let raw = Raw::new();
    let text = "extern \"C\" __global__ void run(int* to) {
        to[threadIdx.x] = __shfl_xor_sync(threadIdx.x < 16 ? 0xffffffffu : 0xffff0000u, 1, 1);
    }";
    launch_over(&raw, text, 128, 32, &[]);
    let violations = raw.control.take_violations();
    assert!(violations.iter().any(|said| said.contains("exchanges words in mask")), "{violations:?}");
    assert_eq!(raw.release(), 0);
}

#[test]
fn a_stream_that_does_not_wait_for_another_sees_old_bytes_for_some_seed() {
    let raw = Raw::new();
    let (a, b, event) = (raw.stream(), raw.stream(), raw.event());
    let (from, to, source) = (raw.allocate(16), raw.allocate(16), raw.pinned::<16>());
    for waits in [false, true] {
        let mut right = 0;
        for seed in SEEDS {
            raw.control.seed(seed);
            *source = [seed as u8 + 1; 16];
            raw.upload(from, source, a);
            if waits {
                assert_eq!([raw.record(event, a), raw.wait(b, event)], [0; 2]);
            }
            raw.copy(to, from, 16, b);
            let mut result = [0; 16];
            raw.download(&mut result, to, b);
            right += usize::from(result == *source);
            raw.synchronize_all();
        }
        assert_eq!(right == SEEDS.count(), waits, "{right} right");
    }
    assert_eq!([raw.free(from), raw.free(to), raw.free_pinned(source)], [0; 3]);
    assert_eq!([raw.destroy_stream(a), raw.destroy_stream(b), raw.destroy_event(event), raw.release()], [0; 4]);
    assert_eq!(raw.control.take_violations(), [""; 0]);
}

#[test]
fn pinned_memory_that_is_used_again_too_early_gives_wrong_bytes() {
    let raw = Raw::new();
    let (stream, to, memory) = (raw.stream(), raw.allocate(16), raw.pinned::<16>());
    *memory = [1; 16];
    raw.upload(to, memory, stream);
    *memory = [2; 16];
    let mut result = [0; 16];
    raw.download(&mut result, to, stream);
    assert_eq!(result, [2; 16]);
    raw.download(memory, to, stream);
    assert_eq!(*memory, [0xff; 16], "the copy has not arrived");
    raw.synchronize(stream);
    assert_eq!(*memory, [2; 16]);
    assert_eq!([raw.free(to), raw.free_pinned(memory), raw.destroy_stream(stream), raw.release()], [0; 4]);
}

#[test]
fn memory_used_before_the_stream_it_is_allocated_on_comes_to_it_ends_the_process() {
    if dies("memory_used_before_the_stream_it_is_allocated_on_comes_to_it_ends_the_process") {
        let raw = Raw::new();
        let (a, b, pool, from) = (raw.stream(), raw.stream(), raw.pool(), raw.allocate(16));
        for seed in SEEDS {
            raw.control.seed(seed);
            raw.copy(raw.allocate_on(a, pool, 16), from, 16, b);
            raw.synchronize_all();
        }
    }
}

#[test]
fn memory_freed_while_another_stream_works_on_it_ends_the_process() {
    if dies("memory_freed_while_another_stream_works_on_it_ends_the_process") {
        let raw = Raw::new();
        let (a, b, to) = (raw.stream(), raw.stream(), raw.allocate(16));
        for seed in SEEDS {
            raw.control.seed(seed);
            let from = raw.allocate(16);
            raw.copy(to, from, 16, a);
            raw.free_on(b, from);
            raw.synchronize_all();
        }
    }
}

#[test]
fn what_is_left_when_a_context_goes_is_told() {
    let raw = Raw::new();
    let (buffer, stream, pool) = (raw.allocate(48), raw.stream(), raw.pool());
    let (module, _) = raw.kernel(POKE);
    assert_eq!(raw.release(), 0);
    let told = raw.control.take_violations().join("; ");
    for part in ["48 bytes of device memory", "1 pools", "1 streams and 0 events", "1 modules"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    raw.retain();
    assert_eq!([raw.free(buffer), raw.destroy_stream(stream), raw.destroy_pool(pool), raw.unload(module)], [0; 4]);
    assert_eq!((raw.release(), raw.control.take_violations()), (0, vec![]));
}

#[test]
fn a_context_that_is_gone_takes_no_calls() {
    let raw = Raw::new();
    assert_eq!(raw.release(), 0);
    assert_eq!(raw.try_allocate(8), 201);
    expect(&raw, "a context that was released");
    assert_eq!(raw.release(), 201);
    expect(&raw, "released more often");
}

#[test]
fn handles_and_addresses_that_are_gone_are_refused() {
    let raw = Raw::new();
    let (buffer, stream, event, pool) = (raw.allocate(8), raw.stream(), raw.event(), raw.pool());
    assert_eq!(
        [raw.free(buffer), raw.destroy_stream(stream), raw.destroy_event(event), raw.destroy_pool(pool)],
        [0; 4]
    );
    assert_eq!(raw.free(buffer), 1);
    expect(&raw, "is freed and is no living allocation");
    assert_eq!(raw.synchronize(stream), 400);
    expect(&raw, "is no stream");
    assert_eq!(raw.destroy_event(event), 400);
    expect(&raw, "is no event");
    assert_eq!(raw.destroy_pool(pool), 1);
    expect(&raw, "is no pool");
    assert_eq!(raw.release(), 0);
}

#[test]
fn a_launch_with_an_address_outside_living_memory_is_a_fault_that_stays() {
    let raw = Raw::new();
    let ((module, function), stream, buffer) = (raw.kernel(POKE), raw.stream(), raw.allocate(8));
    assert_eq!(raw.free(buffer), 0);
    assert_eq!(raw.launch(function, 1, stream, &[buffer, 0]), 700);
    expect(&raw, "argument 0 of run");
    assert_eq!([raw.synchronize(stream), raw.try_allocate(8)], [700; 2]);
    assert!(raw.compile(POKE, &["--gpu-architecture=sm_90"]).is_ok(), "a compiler knows no device");
    raw.control.clear();
    assert_eq!([raw.destroy_stream(stream), raw.unload(module), raw.release()], [0; 3]);
}

#[test]
fn a_copy_that_overlaps_itself_or_leaves_its_buffer_is_refused() {
    let raw = Raw::new();
    let (stream, buffer) = (raw.stream(), raw.allocate(64));
    assert_eq!(raw.copy(buffer + 8, buffer, 16, stream), 1);
    expect(&raw, "overlaps");
    assert_eq!(raw.upload(buffer + 60, &[0; 8], stream), 1);
    expect(&raw, "8 bytes at");
    assert_eq!([raw.free(buffer), raw.destroy_stream(stream), raw.release()], [0; 3]);
}

#[test]
fn a_launch_of_too_many_threads_is_refused() {
    let raw = Raw::new();
    let ((module, function), stream, buffer) = (raw.kernel(POKE), raw.stream(), raw.allocate(8));
    for threads in [0, 1025] {
        assert_eq!(raw.launch(function, threads, stream, &[buffer, 0]), 1);
        expect(&raw, "run is launched with");
    }
    assert_eq!([raw.free(buffer), raw.destroy_stream(stream), raw.unload(module), raw.release()], [0; 4]);
}

#[test]
fn the_call_that_is_to_fail_does_and_no_other() {
    let raw = Raw::new();
    raw.control.fail_at("cuMemAlloc_v2", 1, 2, false);
    let first = raw.allocate(8);
    assert_eq!((raw.try_allocate(8), raw.control.failed().as_str()), (2, "cuMemAlloc_v2"));
    let third = raw.allocate(8);
    assert_eq!([raw.free(first), raw.free(third)], [0; 2]);
    raw.control.fail_at("", 0, 719, true);
    assert_eq!([raw.try_allocate(8), raw.synchronize_all(), raw.try_allocate(8)], [719; 3]);
    raw.control.clear();
    assert_eq!([raw.synchronize_all(), raw.release()], [0; 2]);
}

#[test]
fn texts_options_and_images_that_are_wrong_are_refused() {
    let raw = Raw::new();
    let (code, log) = raw.compile("extern \"C\" __global__ void run() { nonsense(); }", &[]).unwrap_err();
    assert!(code == 6 && log.contains("nonsense"), "{code}: {log}");
    assert_eq!(raw.compile(POKE, &["--fast"]).unwrap_err().0, 5);
    assert_eq!(raw.compile(POKE, &["--gpu-architecture=sm_42"]).unwrap_err().0, 5);
    assert!(raw.compile(POKE, &["--gpu-architecture=compute_80"]).unwrap().is_empty(), "PTX holds no machine code");
    let other = raw.compile(POKE, &["--gpu-architecture=sm_80"]).unwrap();
    assert_eq!([raw.load(&other), raw.load(&[7; 64])], [Err(209), Err(200)]);
    assert_eq!((raw.release(), raw.control.take_violations()), (0, vec![]));
}
