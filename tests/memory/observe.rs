//! Reports held against each other, sites of allocations, replays, and what is left at the end.

use rectify::memory::{Host, Memory, Options, Replay, Stream, leaks, write_csv};
use rectify::{Error, Result, scope};

fn memory() -> Memory {
    Memory::with(Host, Options::default())
}

#[test]
fn a_report_says_what_changed_since_another() -> Result<()> {
    let memory = memory();
    let allocate = |label: &str, bytes| {
        let _scope = scope::enter(label);
        memory.allocate(bytes, Stream::MAIN)
    };
    let (kept, gone) = (allocate("kept", 1000)?, allocate("gone", 500)?);
    let before = memory.ledger().report();
    drop(gone);
    let (new, more) = (allocate("new", 3000)?, allocate("kept", 24)?);
    let changes = memory.ledger().report().since(&before);
    assert_eq!(changes.live_bytes, (1500, 4024));
    let label = |name: &str, before, after| (name.to_owned(), before, after);
    assert_eq!(changes.labels, [label("new", 0, 3000), label("kept", 1000, 1024), label("gone", 500, 0)]);
    let ids = |buffers: &[rectify::memory::BufferRecord]| buffers.iter().map(|buffer| buffer.id).collect::<Vec<_>>();
    assert_eq!((ids(&changes.born), ids(&changes.released)), (vec![new.id(), more.id()], vec![2]));
    let text = changes.to_string();
    assert!(
        text.contains("3.9 KiB live, 1.5 KiB before") && text.contains("+2.9 KiB") && text.contains("-500 B"),
        "{text}"
    );
    let same = memory.ledger().report();
    let none = memory.ledger().report().since(&same);
    assert!(none.labels.is_empty() && none.born.is_empty() && none.released.is_empty());
    drop((kept, new, more));
    Ok(())
}

#[inline(never)]
fn a_function_that_allocates(memory: &Memory) -> Result<rectify::memory::Buffer> {
    let buffer = memory.allocate(77, Stream::MAIN)?;
    // What follows the call keeps this function on the stack.
    assert_eq!(std::hint::black_box(&buffer).bytes(), 77);
    Ok(buffer)
}

#[inline(never)]
fn a_function_that_asks_for_it(memory: &Memory) -> Result<rectify::memory::Buffer> {
    let buffer = a_function_that_allocates(memory)?;
    assert_eq!(std::hint::black_box(&buffer).bytes(), 77);
    Ok(buffer)
}

#[test]
fn sites_are_those_that_allocate_and_only_on_demand() -> Result<()> {
    let memory = memory();
    let before = a_function_that_allocates(&memory)?;
    let sites = memory.ledger().record_sites();
    let after = a_function_that_asks_for_it(&memory)?;
    let [earlier, later] = memory.ledger().live_buffers().try_into().unwrap();
    assert_eq!(sites.of(&earlier), None, "nobody asked when it was allocated");
    let frames = sites.of(&later).unwrap();
    assert!(frames[0].contains("a_function_that_allocates"), "{frames:?}");
    assert!(frames[1].contains("a_function_that_asks_for_it"), "{frames:?}");
    drop(sites);
    assert_eq!(memory.ledger().record_sites().of(&later), None, "forgotten with the last who asked");
    drop((before, after));
    Ok(())
}

#[test]
fn a_replay_is_the_program_to_the_byte() -> Result<()> {
    let original = memory();
    let other = original.stream();
    let alive = vec![original.allocate(4096, Stream::MAIN)?];
    let recording = original.ledger().record();
    let at_first = original.ledger().live_buffers();
    for round in 0..50usize {
        let _scope = scope::enter(["a", "b"][round % 2]);
        let first = original.allocate(100 * round, Stream::MAIN)?;
        let second = original.allocate(70_000, other)?;
        drop(first);
        drop(second);
    }
    let mut file = Vec::new();
    write_csv(&at_first, &recording.events(), &mut file).unwrap();
    let replay = Replay::read("memory", file.as_slice())?;
    assert_eq!(replay.events(), 201);
    let again = memory();
    let replayed = replay.run(&again)?;
    let ledger = original.ledger();
    assert_eq!(replayed.peak_bytes, ledger.peak_bytes());
    assert_eq!(
        (replayed.reserved_bytes, replayed.driver_allocations),
        (ledger.reserved_bytes(), ledger.driver_allocations())
    );
    assert_eq!(again.ledger().live_bytes(), 0, "what a replay leaves goes with it");
    let labels: Vec<_> =
        again.ledger().by_label().into_iter().map(|(label, totals)| (label.path(), totals.total_count)).collect();
    assert!(labels.contains(&("a".to_owned(), 50)) && labels.contains(&("b".to_owned(), 50)), "{labels:?}");
    drop(alive);
    Ok(())
}

#[test]
fn a_file_that_is_no_history_is_refused_with_its_line() {
    let head = "event,buffer,bytes,stream,label\n";
    let refused = [
        ("allocate,1,10,0,a\nallocate,1,10,0,a\n", "line 3: buffer 1 is allocated, and is alive already"),
        ("allocate,1,10,0,a\nrelease,2,10,0,a\n", "line 3: buffer 2 is released, and is not alive"),
        ("allocate,1,-10,0,a\n", "line 2"),
        ("grow,1,10,0,a\n", "line 2"),
        ("allocate,1\n", "line 2"),
    ];
    for (lines, said) in refused {
        let error = Replay::read("it.csv", format!("{head}{lines}").as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Data { .. }) && error.to_string().contains(said), "{error}");
    }
    // A buffer larger than any memory is refused when it is asked for.
    let huge = Replay::read("it.csv", format!("{head}allocate,1,{},9999,a\n", u64::MAX).as_bytes()).unwrap();
    assert!(matches!(huge.run(&memory()), Err(Error::OutOfMemory(_))));
}

#[test]
fn what_is_left_is_told_by_label() -> Result<()> {
    let memory = memory();
    let _scope = scope::enter("left_behind");
    let buffers: Vec<_> = (0..3).map(|_| memory.allocate(1 << 20, Stream::MAIN)).collect::<Result<_>>()?;
    let ours = || leaks().into_iter().filter(|line| line.contains("left_behind")).collect::<Vec<_>>();
    let lines = ours();
    assert_eq!(lines, ["cpu: 3.0 MiB in buffers that are still alive (3): left_behind 3.0 MiB"]);
    drop(buffers);
    assert!(ours().is_empty());
    Ok(())
}
