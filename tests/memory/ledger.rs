//! What the ledger says: live, peak, labels, release order, leaks, reports.

use std::sync::Arc;

use rectify::memory::{BufferRecord, Bytes, Event, EventKind, Host, Memory, Stream};
use rectify::scope;
use serde_json::Value;

use super::device::{pooled, unpooled};

const MAIN: Stream = Stream::MAIN;

#[test]
fn live_bytes_follow_the_handles_and_the_peak_stays() {
    let memory = pooled();
    let ledger = memory.ledger();
    let first = Arc::new(memory.allocate(1000, MAIN).unwrap());
    let second = memory.allocate(500, MAIN).unwrap();
    let view = first.clone();
    drop(first);
    assert_eq!((ledger.live_bytes(), ledger.live_count(), ledger.peak_bytes()), (1500, 2, 1500));
    drop(view);
    assert_eq!((ledger.live_bytes(), ledger.live_count(), ledger.peak_bytes()), (500, 1, 1500));
    ledger.reset_peak();
    assert_eq!(ledger.peak_bytes(), 500);
    drop(second);
    assert_eq!((ledger.live_bytes(), ledger.live_count(), ledger.peak_bytes()), (0, 0, 500));
}

#[test]
fn what_was_alive_at_the_peak_is_known_long_after() {
    let memory = pooled();
    let ids = |records: Vec<BufferRecord>| records.iter().map(|record| record.id).collect::<Vec<_>>();
    let early = memory.allocate(100, MAIN).unwrap();
    let kept = memory.allocate(200, MAIN).unwrap();
    drop(early);
    let top = memory.allocate(4000, MAIN).unwrap();
    let after = memory.allocate(0, MAIN).unwrap();
    drop(top);
    let later = memory.allocate(1000, MAIN).unwrap();
    assert_eq!(ids(memory.ledger().at_peak()), [2, 3], "the peak was 200 + 4000");
    drop((kept, after, later));
    assert_eq!(ids(memory.ledger().at_peak()), [2, 3]);
    let _same_height = memory.allocate(4200, MAIN).unwrap();
    assert_eq!(ids(memory.ledger().at_peak()), [2, 3], "the first time counts");
    let _higher = memory.allocate(1, MAIN).unwrap();
    assert_eq!(ids(memory.ledger().at_peak()), [6, 7]);
    let fallen = memory.allocate(0, MAIN).unwrap();
    memory.ledger().reset_peak();
    drop(fallen);
    assert_eq!(ids(memory.ledger().at_peak()), [6, 7, 8], "what was alive when the peak started over");
}

#[test]
fn locals_release_in_reverse_order_of_creation() {
    let memory = pooled();
    let recording = memory.ledger().record();
    {
        let _a = memory.allocate(8, MAIN).unwrap();
        let _b = memory.allocate(8, MAIN).unwrap();
        let _c = memory.allocate(8, MAIN).unwrap();
    }
    let released: Vec<_> = recording.release_order().iter().map(|record| record.id).collect();
    assert_eq!(released, [3, 2, 1]);
    let events = recording.events();
    assert!(events.iter().map(|event| event.sequence).eq(1..=6));
    assert!(events[..3].iter().all(|event| event.kind == EventKind::Allocate));
}

#[test]
fn a_recording_sees_what_happens_while_it_lives() {
    let memory = pooled();
    drop(memory.allocate(1, MAIN).unwrap());
    let outer = memory.ledger().record();
    drop(memory.allocate(2, MAIN).unwrap());
    let mark = memory.ledger().sequence();
    let inner = memory.ledger().record();
    drop(memory.allocate(3, MAIN).unwrap());
    let sizes = |events: Vec<Event>| events.iter().map(|event| event.buffer.bytes).collect::<Vec<_>>();
    assert_eq!(sizes(outer.events()), [2, 2, 3, 3]);
    assert_eq!(sizes(inner.events()), [3, 3]);
    assert_eq!(sizes(outer.events_since(mark)), [3, 3]);
    assert_eq!(outer.release_order_since(mark).len(), 1);
    drop(outer);
    drop(memory.allocate(4, MAIN).unwrap());
    assert_eq!(sizes(inner.events()), [3, 3, 4, 4]);
    drop(inner);
    assert!(memory.ledger().record().events().is_empty());
}

#[test]
fn totals_by_label_are_those_of_the_scopes() {
    let memory = pooled();
    let allocate = |name: &str, bytes| {
        let _scope = scope::enter(name);
        (memory.allocate(bytes, MAIN).unwrap(), scope::Label::current())
    };
    let (weights, weights_label) = allocate("weights", 100);
    let (activation, activation_label) = allocate("activation", 70);
    drop(activation);
    let (second, _) = allocate("activation", 30);
    let totals = memory.ledger().of_label(activation_label);
    assert_eq!((totals.live_bytes, totals.live_count, totals.peak_bytes), (30, 1, 70));
    assert_eq!((totals.total_bytes, totals.total_count), (100, 2));
    let order: Vec<_> = memory.ledger().by_label().iter().map(|(label, _)| *label).collect();
    assert_eq!(order, [weights_label, activation_label]);
    drop((weights, second));
    assert_eq!(memory.ledger().of_label(weights_label).live_bytes, 0);
}

#[test]
fn an_empty_buffer_is_counted_and_holds_no_memory() {
    let memory = pooled();
    let empty = memory.allocate(0, MAIN).unwrap();
    let ledger = memory.ledger();
    assert_eq!((ledger.live_count(), ledger.live_bytes(), ledger.reserved_bytes()), (1, 0, 0));
    assert!(empty.place().is_none() && empty.address() != 0 && empty.address().is_multiple_of(64));
    drop(empty);
    assert_eq!((ledger.live_count(), ledger.totals().total_count), (0, 1));
}

#[test]
fn a_leak_check_names_what_is_left() {
    let memory = pooled();
    let _before = memory.allocate(1, MAIN).unwrap();
    let check = memory.expect_no_leaks();
    drop(memory.allocate(10, MAIN).unwrap());
    check.finish().unwrap();

    let check = memory.expect_no_leaks();
    let _planted = {
        let _scope = scope::enter("planted");
        [memory.allocate(30, MAIN).unwrap(), memory.allocate(12, MAIN).unwrap()]
    };
    let message = check.finish().unwrap_err().to_string();
    assert_eq!(message, "leak check: 2 buffers (42 bytes) allocated inside are still alive: planted: 42");
}

#[test]
fn a_report_reads_as_a_table() {
    let memory = pooled();
    let _model = scope::enter("model");
    let weights = {
        let _layer = scope::enter("hidden1");
        memory.allocate(3 << 19, MAIN).unwrap()
    };
    drop(memory.allocate(2048, MAIN).unwrap());
    let expected = "\
memory of cpu: 1.5 MiB live (buffers: 1), 1.5 MiB at the peak, 1.5 MiB allocated in all (times: 2)
34.0 MiB reserved (driver allocations: 2), 32.5 MiB of it cached

label          at peak     live  buffers  own peak  allocated  times
model/hidden1  1.5 MiB  1.5 MiB        1   1.5 MiB    1.5 MiB      1
model          2.0 KiB      0 B        0   2.0 KiB    2.0 KiB      1";
    assert_eq!(memory.ledger().report().to_string(), expected);
    drop(weights);
}

#[test]
fn json_lines_parse_back() {
    let memory = pooled();
    let recording = memory.ledger().record();
    let _scope = scope::enter("json \"quoted\"");
    let _kept = memory.allocate(100, MAIN).unwrap();
    drop(memory.allocate(28, MAIN).unwrap());
    let mut text = Vec::new();
    memory.ledger().write_json_lines(&mut text).unwrap();
    recording.write_json_lines(&mut text).unwrap();
    let lines: Vec<Value> = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let peak = ["peak_buffer", "peak_buffer", "allocate", "allocate", "release"];
    assert_eq!(events, [&["memory", "label", "live_buffer"][..], &peak].concat());
    assert_eq!((&lines[0]["peak_bytes"], &lines[0]["live_bytes"]), (&Value::from(128), &Value::from(100)));
    assert_eq!((&lines[1]["label"], &lines[1]["at_peak_bytes"]), (&Value::from("json \"quoted\""), &Value::from(128)));
    assert_eq!((&lines[2]["id"], &lines[2]["place"]["segment"]), (&Value::from(1), &Value::from(0)));
    assert_eq!(
        (&lines[7]["sequence"], &lines[7]["bytes"], &lines[7]["birth"]),
        (&Value::from(3), &Value::from(28), &Value::from(2))
    );
}

#[test]
fn bytes_read_well() {
    let shown = [0, 1023, 1024, 1536, (1 << 20) - 1, 5 << 30].map(|bytes| Bytes(bytes).to_string());
    assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "5.0 GiB"]);
}

#[test]
fn without_pooling_the_counts_are_the_same() {
    let run = |memory: Memory| {
        let kept = memory.allocate(300, MAIN).unwrap();
        drop(memory.allocate(100_000, MAIN).unwrap());
        drop(kept);
        memory.ledger().totals()
    };
    assert_eq!(run(pooled()), run(unpooled(Host)));
}
