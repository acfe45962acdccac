//! Shared memory: declared by a kernel, and asked for at a launch.

use crate::raw::Raw;
use crate::{dies, expect, launch_over};

/// Writes over one element of the shared memory that it is launched with.
const ASKED: &str = "extern \"C\" __global__ void run(int* to, long long i) {
    extern __shared__ int numbers[];
    numbers[i] = 1;
    to[0] = numbers[0] + numbers[i];
}";

#[test]
fn an_index_outside_shared_memory_ends_the_process() {
    if dies("shared::an_index_outside_shared_memory_ends_the_process") {
        let text = "extern \"C\" __global__ void run(int* to, long long i) {
            __shared__ int numbers[8];
            numbers[i] = 1;
            *to = numbers[0];
        }";
        launch_over(&Raw::new(), text, 100, 1, &[8]);
    }
}

/// Launches [`ASKED`] with 32 bytes.
fn write_at(i: u64) {
    let raw = Raw::new();
    let ((module, function), buffer, stream) = (raw.kernel(ASKED), raw.allocate(4), raw.stream());
    assert_eq!(raw.launch_with(function, 1, 32, stream, &[buffer, i]), 0);
    assert_eq!(raw.synchronize(stream), 0);
    let mut sum = [0; 4];
    assert_eq!([raw.download(&mut sum, buffer, stream), raw.synchronize(stream)], [0; 2]);
    // What was not written to is -1.
    assert_eq!(i32::from_le_bytes(sum), if i == 0 { 2 } else { 0 });
    assert_eq!([raw.free(buffer), raw.destroy_stream(stream), raw.unload(module), raw.release()], [0; 4]);
}

#[test]
fn shared_memory_that_was_asked_for_is_there() {
    [0, 7].into_iter().for_each(write_at);
}

#[test]
fn an_index_outside_shared_memory_that_was_asked_for_ends_the_process() {
    if dies("shared::an_index_outside_shared_memory_that_was_asked_for_ends_the_process") {
        write_at(8);
    }
}

#[test]
fn more_shared_memory_than_usual_has_to_be_allowed() {
    let raw = Raw::new();
    let ((module, function), buffer, stream) = (raw.kernel(ASKED), raw.allocate(4), raw.stream());
    let launch = |bytes| raw.launch_with(function, 1, bytes, stream, &[buffer, 0]);
    assert_eq!((launch(48 << 10), launch((48 << 10) + 1)), (0, 1));
    expect(&raw, "1 x 1 x 1 threads and 49153 bytes");
    assert_eq!((raw.allow_shared(function, 100 << 10), launch(100 << 10), launch(101 << 10)), (0, 0, 1));
    expect(&raw, "and 103424 bytes");
    assert_eq!(raw.allow_shared(function, 228 << 10), 1);
    expect(&raw, "is to have 233472 for attribute 8");
    assert_eq!(raw.synchronize(stream), 0);
    assert_eq!([raw.free(buffer), raw.destroy_stream(stream), raw.unload(module), raw.release()], [0; 4]);
}

#[test]
fn a_kernel_that_declares_too_much_shared_memory_is_not_compiled() {
    let raw = Raw::new();
    let text = |count: usize| {
        format!(
            "extern \"C\" __global__ void run(int* to, int i) {{ __shared__ int s[{count}]; s[i] = 1; *to = s[i / 2]; }}"
        )
    };
    assert!(raw.compile(&text(12 << 10), &[]).is_ok());
    let (code, log) = raw.compile(&text((12 << 10) + 1), &[]).unwrap_err();
    assert!(code == 6 && log.contains("Compiling entry function 'run'") && log.contains("bytes smem"), "{log}");
    assert!(!log.contains("error"), "the real one says nothing either: {log}");
    assert_eq!(raw.release(), 0);
}
