//! Every call fails once.

use super::{Turn, assert_typed, open, step};

/// Calls that give something back: where they fail, it stays with the driver.
const RELEASES: [&str; 8] = [
    "cuMemFreeAsync",
    "cuMemFree_v2",
    "cuMemFreeHost",
    "cuMemPoolDestroy",
    "cuStreamDestroy_v2",
    "cuEventDestroy_v2",
    "cuModuleUnload",
    "cuDevicePrimaryCtxRelease_v2",
];
/// More calls than any of this makes.
const ENDLESS: u64 = 5000;

/// Opens a device and takes steps while call number `nth` fails; gives the function that failed, if there were so many.
fn fail_once(turn: &Turn, nth: u64, code: i32, right: f64) -> Option<String> {
    turn.control.fail_at("", nth, code, false);
    let opened = open();
    let mut results = Vec::new();
    if let Ok(device) = &opened {
        results.push(step(device));
        turn.control.clear();
        // A failure in a drop is told by the next call: the step after that is whole.
        while results.len() < 3 && !matches!(results.last(), Some(Ok(_)) if results.len() > 1) {
            results.push(step(device));
        }
    }
    let opening = opened.as_ref().err().cloned();
    drop(opened);
    let failed = turn.control.failed();
    turn.control.clear();
    let what = format!("code {code} of call {nth}, {failed}: {opening:?} {results:?}");
    for error in opening.iter().chain(results.iter().filter_map(|result| result.as_ref().err())) {
        assert_typed(error, &what);
    }
    assert!(results.iter().filter(|result| result.is_err()).count() <= 1, "{what}");
    assert!(results.iter().flatten().all(|&loss| loss == right), "{what}: {right} is right");
    if RELEASES.contains(&failed.as_str()) {
        turn.control.take_violations();
        turn.control.restart();
    }
    turn.assert_clean(&what);
    (!failed.is_empty()).then_some(failed)
}

fn sweep(code: i32) {
    let turn = Turn::new();
    let right = step(&open().unwrap()).unwrap();
    turn.assert_clean("nothing failed");
    let failed: Vec<_> = (0..ENDLESS).map_while(|nth| fail_once(&turn, nth, code, right)).collect();
    eprintln!("code {code}: {} calls failed, one at a time", failed.len());
    assert!(failed.len() > 100 && failed.len() < ENDLESS as usize, "{failed:?}");
    for function in ["cuInit", "cuMemAllocFromPoolAsync", "cuModuleLoadData", "cuLaunchKernel", "cublasLtMatmul"] {
        assert!(failed.iter().any(|name| name == function), "{function} never failed");
    }
}

#[test]
fn any_call_may_refuse_once() {
    sweep(1);
}

#[test]
fn any_call_may_run_out_of_memory_once() {
    sweep(2);
}

#[test]
fn any_call_may_be_the_devices_last() {
    let turn = Turn::new();
    let right = step(&open().unwrap()).unwrap();
    for nth in 0..ENDLESS {
        turn.control.fail_at("", nth, 999, true);
        let opened = open();
        let result = opened.as_ref().map_err(Clone::clone).and_then(step);
        drop(opened);
        let failed = turn.control.failed();
        match &result {
            Ok(loss) => assert_eq!(*loss, right, "{failed}"),
            Err(error) => assert_typed(error, &failed),
        }
        turn.control.restart();
        turn.control.take_violations();
        if failed.is_empty() {
            assert!(nth > 100);
            return;
        }
    }
    panic!("no run without a failure");
}
