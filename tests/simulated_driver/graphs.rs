//! Captures, and the graphs made of them.

use crate::raw::Raw;
use crate::{POKE, SEEDS, dies, expect};

/// Adds one to a number.
const COUNT: &str = "extern \"C\" __global__ void run(unsigned char* at) { ++*at; }";
/// Adds twice a number to another.
const ADD_TWICE: &str =
    "extern \"C\" __global__ void run(unsigned char* to, const unsigned char* from) { *to += 2 * *from; }";

/// Bytes of the device, all of one value.
fn filled(raw: &Raw, bytes: usize, value: u8, stream: u64) -> u64 {
    let buffer = raw.allocate(bytes);
    assert_eq!(raw.upload(buffer, &vec![value; bytes], stream), 0);
    buffer
}

fn read(raw: &Raw, buffer: u64, stream: u64) -> u8 {
    let mut byte = [0];
    assert_eq!(raw.download(&mut byte, buffer, stream), 0);
    byte[0]
}

#[test]
fn a_replay_does_what_was_captured_on_what_memory_holds_then() {
    let raw = Raw::new();
    let (stream, pinned) = (raw.stream(), raw.pinned::<1>());
    let ((module, add), to, from) = (raw.kernel(ADD_TWICE), raw.allocate(1), raw.allocate(1));
    assert_eq!(raw.begin_capture(stream), 0);
    assert_eq!([raw.upload(from, pinned, stream), raw.launch(add, 1, stream, &[to, from])], [0; 2]);
    let graph = raw.end_capture(stream).unwrap();
    assert_eq!(raw.nodes(graph), 2);
    let executable = raw.instantiate(graph);
    assert_eq!([raw.upload(to, &[1], stream), raw.synchronize(stream)], [0; 2]);
    for (value, sum) in [(3, 7), (10, 27)] {
        *pinned = [value];
        assert_eq!(raw.replay(executable, stream), 0);
        assert_eq!(read(&raw, to, stream), sum, "captured work runs in a replay, and only there");
    }
    assert_eq!([raw.free(to), raw.free(from), raw.free_pinned(pinned), raw.destroy_stream(stream)], [0; 4]);
    assert_eq!([raw.unload(module), raw.destroy_executable(executable), raw.release()], [0; 3]);
    assert_eq!(raw.control.take_violations(), [""; 0]);
}

#[test]
fn branches_of_a_graph_need_their_dependencies_and_must_be_joined() {
    let raw = Raw::new();
    let (main, side) = (raw.stream(), raw.stream());
    let (forked, joined, written) = (raw.event(), raw.event(), raw.event());
    let ((module, add), (other, count)) = (raw.kernel(ADD_TWICE), raw.kernel(COUNT));
    for waits in [false, true] {
        let (a, b) = (filled(&raw, 1, 0, main), filled(&raw, 1, 0, main));
        raw.begin_capture(main);
        assert_eq!([raw.record(forked, main), raw.wait(side, forked)], [0; 2]);
        assert_eq!([raw.launch(count, 1, side, &[a]), raw.record(written, side)], [0; 2]);
        if waits {
            assert_eq!(raw.wait(main, written), 0);
        }
        assert_eq!(raw.launch(add, 1, main, &[b, a]), 0);
        assert_eq!([raw.record(joined, side), raw.wait(main, joined)], [0; 2]);
        let executable = raw.instantiate(raw.end_capture(main).unwrap());
        let right = SEEDS.filter(|&seed| {
            raw.control.seed(seed);
            raw.upload(a, &[1], main);
            raw.upload(b, &[0], main);
            raw.replay(executable, main);
            read(&raw, b, main) == 4
        });
        assert_eq!(right.count() == SEEDS.count(), waits);
        assert_eq!([raw.destroy_executable(executable), raw.free(a), raw.free(b)], [0; 3]);
    }
    let buffer = raw.allocate(1);
    raw.begin_capture(main);
    raw.record(forked, main);
    raw.wait(side, forked);
    raw.launch(count, 1, side, &[buffer]);
    assert_eq!(raw.end_capture(main), Err(904), "the side stream is not joined");
    for event in [forked, joined, written] {
        assert_eq!(raw.destroy_event(event), 0);
    }
    assert_eq!([raw.destroy_stream(main), raw.destroy_stream(side), raw.free(buffer)], [0; 3]);
    assert_eq!([raw.unload(module), raw.unload(other)], [0; 2]);
    assert_eq!((raw.release(), raw.control.take_violations()), (0, vec![]));
}

#[test]
fn what_a_capture_forbids_spoils_it() {
    let raw = Raw::new();
    let (stream, event, buffer) = (raw.stream(), raw.event(), raw.allocate(8));
    let (module, count) = raw.kernel(COUNT);
    let forbidden: [(&str, &dyn Fn() -> i32); 6] = [
        ("cuStreamSynchronize", &|| raw.synchronize(stream)),
        ("cuCtxSynchronize", &|| raw.synchronize_all()),
        ("cuMemAlloc_v2", &|| raw.try_allocate(8)),
        ("memory that is not pinned", &|| raw.upload(buffer, &[1], stream)),
        ("cuStreamSynchronize", &|| raw.download(&mut [0], buffer, stream)),
        ("cuModuleUnload", &|| raw.unload(module)),
    ];
    for (said, call) in forbidden {
        raw.begin_capture(stream);
        assert_eq!([call(), raw.launch(count, 1, stream, &[buffer])], [900, 0], "{said}");
        expect(&raw, said);
        assert_eq!(raw.end_capture(stream), Err(901), "{said}");
        assert_eq!(raw.synchronize(stream), 0, "the stream takes work again");
    }
    raw.begin_capture(stream);
    raw.record(event, stream);
    assert_eq!((raw.query(event), raw.end_capture(stream)), (907, Err(901)));
    expect(&raw, "an event recorded in a capture");
    let outside = raw.stream();
    assert_eq!(raw.record(event, outside), 0);
    raw.begin_capture(stream);
    assert_eq!((raw.wait(stream, event), raw.end_capture(stream)), (905, Err(901)), "it was recorded outside");
    assert_eq!(raw.end_capture(stream), Err(903), "none was begun");
    assert_eq!([raw.destroy_stream(stream), raw.destroy_stream(outside), raw.destroy_event(event)], [0; 3]);
    assert_eq!([raw.free(buffer), raw.unload(module), raw.release()], [0; 3]);
}

#[test]
fn replays_of_one_graph_take_turns_and_outlive_its_handle() {
    let raw = Raw::new();
    let (a, b) = (raw.stream(), raw.stream());
    let ((module, count), buffer) = (raw.kernel(COUNT), filled(&raw, 1, 0, a));
    raw.synchronize_all();
    raw.begin_capture(a);
    (0..3).for_each(|_| assert_eq!(raw.launch(count, 1, a, &[buffer]), 0));
    let executable = raw.instantiate(raw.end_capture(a).unwrap());
    assert_eq!([raw.replay(executable, a), raw.replay(executable, b), raw.destroy_executable(executable)], [0; 3]);
    assert_eq!(raw.replay(executable, a), 1);
    expect(&raw, "no executable graph");
    assert_eq!(raw.synchronize_all(), 0);
    assert_eq!(read(&raw, buffer, a), 6);
    assert_eq!([raw.free(buffer), raw.destroy_stream(a), raw.destroy_stream(b), raw.unload(module)], [0; 4]);
    assert_eq!((raw.release(), raw.control.take_violations()), (0, vec![]));
}

#[test]
fn a_graph_whose_memory_was_freed_ends_the_process() {
    if dies("graphs::a_graph_whose_memory_was_freed_ends_the_process") {
        let raw = Raw::new();
        let ((_, poke), stream, buffer) = (raw.kernel(POKE), raw.stream(), raw.allocate(8));
        raw.begin_capture(stream);
        raw.launch(poke, 1, stream, &[buffer, 0]);
        let executable = raw.instantiate(raw.end_capture(stream).unwrap());
        raw.free(buffer);
        raw.replay(executable, stream);
        raw.synchronize(stream);
    }
}

#[test]
fn graphs_that_are_left_are_told() {
    let raw = Raw::new();
    let stream = raw.stream();
    raw.begin_capture(stream);
    let graph = raw.end_capture(stream).unwrap();
    assert_eq!((raw.destroy_stream(stream), raw.release()), (0, 0));
    expect(&raw, "1 graphs, 0 executable graphs and 0 captures are left");
    raw.retain();
    assert_eq!([raw.destroy_graph(graph), raw.destroy_graph(graph), raw.release()], [0, 1, 0]);
    expect(&raw, "is no graph");
}
