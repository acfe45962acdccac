//! Profiles as traces that Perfetto and Chrome open.
//!
//! The [trace event format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU) in JSON: the
//! host, the device's lanes and its memory each on a line of their own, and the steps above them.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::profiler::Profile;
use crate::device::{Call, Lane, Span};

/// The most calls that are written: viewers choke on more. A trace says how many it leaves out.
pub const MOST_CALLS: usize = 100_000;

const STEPS: u32 = 1;
const HOST: u32 = 2;
const COMPUTE: u32 = 3;
const COPIES: u32 = 4;

/// Writes a profile as one JSON object.
///
/// # Errors
/// Those of the writer.
pub fn write(profile: &Profile, mut writer: impl Write) -> io::Result<()> {
    let mut events = Vec::new();
    events.push(name("process_name", STEPS, &format!("rectify on {}", profile.device)));
    let lines = [(STEPS, "steps"), (HOST, "host"), (COMPUTE, "device"), (COPIES, "copies ahead")];
    events.extend(lines.map(|(line, text)| name("thread_name", line, text)));
    events
        .extend(profile.spans.iter().enumerate().map(|(nth, &span)| slice(STEPS, &format!("step {}", nth + 1), span)));
    let shown = &profile.calls[..profile.calls.len().min(MOST_CALLS)];
    for call in shown {
        let details = details(call);
        let lane = if call.lane == Lane::Copy { COPIES } else { COMPUTE };
        for (line, span) in [(HOST, call.host), (lane, call.device)] {
            let mut event = slice(line, &call.name(), span);
            event["args"] = details.clone();
            events.push(event);
        }
        events.push(json!({
            "ph": "C", "pid": 1, "name": "live bytes", "ts": microseconds(call.host.end()),
            "args": {"bytes": call.live_bytes},
        }));
    }
    let left_out = profile.calls.len() - shown.len() + profile.dropped as usize;
    let trace = json!({
        "displayTimeUnit": "ns",
        "otherData": {"device": profile.device, "hardware": profile.hardware, "calls left out": left_out.to_string()},
        "traceEvents": events,
    });
    serde_json::to_writer(&mut writer, &trace)?;
    writer.flush()
}

fn name(what: &str, line: u32, text: &str) -> Value {
    json!({"ph": "M", "pid": 1, "tid": line, "name": what, "args": {"name": text}})
}

fn slice(line: u32, name: &str, span: Span) -> Value {
    json!({
        "ph": "X", "pid": 1, "tid": line, "name": name,
        "ts": microseconds(span.start), "dur": microseconds(span.seconds),
    })
}

fn details(call: &Call) -> Value {
    json!({
        "scope": call.label.path(), "type": call.dtype.to_string(), "sizes": call.sizes.as_slice(),
        "read": call.work.read, "written": call.work.written, "flops": call.work.flops,
    })
}

/// To the nanosecond.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e3
}
