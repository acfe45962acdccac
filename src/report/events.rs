//! Event files for TensorBoard, <https://www.tensorflow.org/tensorboard>: numbers and distributions by step.
//!
//! A file is a row of records, each an `Event` in protocol buffers' encoding between its length and its checksum, as
//! `tensorflow/core/util/event.proto` and `tensorflow/core/lib/io/record_writer.h` say.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::crc32c::masked;
use super::histogram::Histogram;
use super::protobuf::Message;
use crate::error::{Error, Result};

/// The name of the file in a run folder: TensorBoard looks for `tfevents`.
const NAME: &str = "events.out.tfevents";
/// What the first event of a file says.
const VERSION: &str = "brain.Event:2";

/// A file of events that grows with the run. Every event is handed to the system whole.
///
/// ```
/// use rectify::report::EventsLog;
/// let folder = tempfile::tempdir().unwrap();
/// let mut log = EventsLog::create(folder.path())?;
/// log.scalars(10, &[("loss/train", 0.5), ("loss/test", 0.75)])?;
/// log.histogram(10, "weights", [0.5f32, -1.0, 2.0])?;
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug)]
pub struct EventsLog {
    file: File,
    path: PathBuf,
}

impl EventsLog {
    /// Starts the file anew in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref().join(NAME);
        let file = File::create(&path).map_err(|cause| Error::io("create", &path, cause))?;
        let mut log = Self { file, path };
        log.append(&record(Message::default().double(1, now()).text(3, VERSION)))?;
        Ok(log)
    }

    /// Appends numbers by name; names that share what stands before a `/` are shown together.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<()> {
        self.append(&event(now(), step, &scalars(values)))
    }

    /// Appends how values are distributed. Those that are not finite are left out.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn histogram(&mut self, step: u64, tag: &str, values: impl IntoIterator<Item = f32>) -> Result<()> {
        let mut entry = Message::default();
        entry.text(1, tag).message(5, &Histogram::of(values).message());
        self.append(&event(now(), step, Message::default().message(1, &entry)))
    }

    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.file.write_all(record).map_err(|cause| Error::io("append to", &self.path, cause))
    }
}

/// The record of an event with this `Summary`, at this many seconds since 1970.
fn event(time: f64, step: u64, summary: &Message) -> Vec<u8> {
    record(Message::default().double(1, time).whole(2, step).message(5, summary))
}

fn scalars(values: &[(&str, f64)]) -> Message {
    let mut summary = Message::default();
    for (tag, value) in values {
        let mut entry = Message::default();
        entry.text(1, tag).float(2, *value as f32);
        summary.message(1, &entry);
    }
    summary
}

/// The length, its checksum, the content and its checksum; all little-endian.
fn record(event: &Message) -> Vec<u8> {
    let content = event.bytes();
    let length = (content.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), content, &masked(content).to_le_bytes()].concat()
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn records_are_those_of_tensorboards_own_writer() {
        // `RecordWriter` of tensorboard 2.21 with its `Event`.
        assert_eq!(
            hex(&record(Message::default().double(1, 1234.5).text(3, VERSION))),
            "1800000000000000a37f4b220900000000004a93401a0d627261696e2e4576656e743a3265b8d3fb"
        );
        assert_eq!(
            hex(&event(1234.5, 300, &scalars(&[("loss/train", 0.5), ("loss/test", f64::INFINITY)]))),
            "33000000000000000ca720560900000000004a934010ac022a250a110a0a6c6f73732f747261696e150000003f\
             0a100a096c6f73732f74657374150000807fd98b834c"
        );
    }

    #[test]
    fn a_new_file_replaces_an_old_one_and_events_are_there_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let length = || fs::metadata(folder.path().join(NAME)).unwrap().len();
        let mut log = EventsLog::create(folder.path()).unwrap();
        let start = length();
        log.scalars(1, &[("a", 1.0)]).unwrap();
        log.histogram(1, "b", [1.0, 2.0]).unwrap();
        assert!(length() > start + 150);
        EventsLog::create(folder.path()).unwrap();
        assert_eq!(length(), start);
        assert!(matches!(EventsLog::create("/dev/null"), Err(Error::Io { .. })));
    }
}
