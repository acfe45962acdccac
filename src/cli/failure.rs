//! Failures as one line and an exit code.

use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use rectify::Error;

/// Why a command did not end well.
pub enum Failure {
    /// What was typed, or a file that was named, is not acceptable: exit code 2.
    Input(anyhow::Error),
    /// The work itself failed: exit code 1.
    Run(anyhow::Error),
    /// The device is not there or failed: exit code 3.
    Device(anyhow::Error),
    /// The command line does not parse, or asks for help.
    CommandLine(clap::Error),
}

impl Failure {
    /// Tells the person and gives the exit code.
    pub fn report(self) -> ExitCode {
        match self {
            Self::CommandLine(error) if is_help(&error) => match error.print() {
                Ok(()) => ExitCode::from(if error.use_stderr() { 2 } else { 0 }),
                Err(cause) => Self::from(cause).report(),
            },
            Self::CommandLine(error) => {
                eprintln!("{}", without_usage(&error.render().to_string()));
                ExitCode::from(2)
            }
            Self::Run(error) => tell(&error, 1),
            Self::Input(error) => tell(&error, 2),
            Self::Device(error) => tell(&error, 3),
        }
    }
}

fn tell(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {}", one_line(&format!("{error:#}")));
    ExitCode::from(code)
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::CommandLine(error)
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::Run(anyhow::Error::new(cause).context("cannot write to standard output"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Device { .. } => Self::Device(error.into()),
            _ if is_input(&error) => Self::Input(error.into()),
            _ => Self::Run(error.into()),
        }
    }
}

/// Whether this is the help or the version: asked for, or shown because no subcommand was given.
fn is_help(error: &clap::Error) -> bool {
    !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// Whether the person can mend it by typing or providing something else.
fn is_input(error: &Error) -> bool {
    use io::ErrorKind::{AlreadyExists, InvalidFilename, IsADirectory, NotADirectory, NotFound};
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match error {
        Error::Argument { .. } | Error::Data { .. } | Error::Kernel(_) | Error::Shape { .. } | Error::DType { .. } => {
            true
        }
        Error::Io { cause, .. } => {
            let about_name = matches!(cause.kind(), AlreadyExists | InvalidFilename | IsADirectory | NotADirectory);
            about_name || matches!(cause.kind(), NotFound | PermissionDenied | ReadOnlyFilesystem)
        }
        _ => false,
    }
}

/// The message and its tips, without the usage that follows them.
fn without_usage(message: &str) -> String {
    let said = message.split("\n\n").filter(|part| !part.starts_with("Usage:") && !part.starts_with("For more"));
    said.map(one_line).collect::<Vec<_>>().join("; ")
}

/// File names and values may hold line breaks and control characters; a message is one line.
pub(super) fn one_line(message: &str) -> String {
    let printable: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_shrink_to_one_line() {
        let message =
            "error: bad 'x'\n  [possible values: a]\n\n  tip: use 'a'\n\nUsage: y\n\nFor more information, try z\n";
        assert_eq!(without_usage(message), "error: bad 'x' [possible values: a]; tip: use 'a'");
        assert_eq!(one_line("a\tb\u{1b}[31m\r\nc"), "a b [31m c");
    }

    #[test]
    fn a_missing_file_is_input_and_a_full_disk_is_not() {
        let io = |kind| Failure::from(Error::io("read", "x", io::Error::from(kind)));
        assert!(matches!(io(io::ErrorKind::NotFound), Failure::Input(_)));
        assert!(matches!(io(io::ErrorKind::StorageFull), Failure::Run(_)));
        assert!(matches!(Failure::from(Error::device("cuda:0", "lost")), Failure::Device(_)));
        assert!(matches!(Failure::from(Error::data("x", "is short")), Failure::Input(_)));
    }
}
