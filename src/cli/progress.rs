//! Drawing the events of a run: a bar on a terminal, lines otherwise, JSON on request.

use std::env;
use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rectify::report::figures::{bytes, counted, duration, grouped, plain, rate};
use rectify::train::{Done, Epoch, Event, Start, Step};

use super::output::{OutputArgs, print_json, print_line};

/// Shows a run as it goes on.
pub struct Progress {
    output: OutputArgs,
    bar: ProgressBar,
    epochs: usize,
    drawn: Option<Instant>,
    failed: Option<io::Error>,
}

impl Progress {
    /// Nothing is drawn before the first event.
    pub fn new(output: OutputArgs) -> Self {
        // A bar draws on standard error, and only where that is a terminal.
        let target = if output.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(style());
        Self { output, bar, epochs: 0, drawn: None, failed: None }
    }

    /// Shows one event. A reader that went away must not end the training: the failure waits for [`Progress::finish`].
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Start(start) => {
                self.epochs = start.epochs;
                self.bar.set_length((start.epochs * start.steps_per_epoch) as u64);
            }
            Event::Step(step) => return self.advance(step),
            Event::Epoch(_) => {}
            Event::Done(_) => self.bar.finish_and_clear(),
        }
        let printed = self.bar.suspend(|| print(event, self.output, self.epochs));
        if let Err(cause) = printed {
            self.failed.get_or_insert(cause);
        }
    }

    /// Gives the first failure to print.
    pub fn finish(self) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.failed.map_or(Ok(()), Err)
    }

    /// Moves the bar, at most twenty times a second: a small step takes less time than writing its figures.
    fn advance(&mut self, step: &Step) {
        if self.bar.is_hidden() || self.drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_millis(50)) {
            return;
        }
        self.drawn = Some(Instant::now());
        self.bar.set_position(step.step as u64);
        self.bar.set_message(format!(
            "epoch {}/{}  loss {}  {}  {} samples/s",
            step.epoch,
            self.epochs,
            plain(step.loss),
            step.score,
            rate(step.samples as f64 / step.seconds),
        ));
    }
}

/// Prints what standard output is to say about `event`.
fn print(event: &Event, output: OutputArgs, epochs: usize) -> io::Result<()> {
    let last = matches!(event, Event::Done(_));
    match output {
        OutputArgs { quiet: true, json } if !(json && last) => Ok(()),
        OutputArgs { json: true, .. } => print_json(event),
        _ => match event {
            Event::Start(start) => print_line(&start_line(start)),
            Event::Epoch(epoch) => print_line(&epoch_line(epoch, epochs)),
            Event::Done(done) => print_line(&done_lines(done)),
            Event::Step(_) => Ok(()),
        },
    }
}

fn start_line(start: &Start) -> String {
    let Start { device, dtype, compute, model, data, .. } = start;
    let types = if compute == dtype { dtype.clone() } else { format!("{dtype}, computed in {compute}") };
    let [parameters, train, test] =
        [start.parameters, start.train_samples, start.test_samples].map(|n| grouped(n as u64));
    format!("{model}, {parameters} parameters ({types}) on {device}; {data}: {train} training and {test} test samples")
}

fn epoch_line(epoch: &Epoch, epochs: usize) -> String {
    let width = epochs.to_string().len();
    format!(
        "epoch {:>width$}/{epochs}  loss {}  test loss {}  test {}  {} samples/s",
        epoch.epoch,
        plain(epoch.train_loss),
        plain(epoch.test_loss),
        epoch.test,
        rate(epoch.samples_per_second),
    )
}

fn done_lines(done: &Done) -> String {
    format!(
        "test {} after {} ({}) in {}; {} samples/s, at most {} of memory\nweights: {}",
        done.test,
        counted(done.epochs, "epoch"),
        counted(done.steps, "step"),
        duration(done.seconds),
        rate(done.samples_per_second),
        bytes(done.peak_bytes as u64),
        done.model.display(),
    )
}

fn style() -> ProgressStyle {
    // https://no-color.org: set and not empty means no colour.
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let bar = if plain { "{bar:24}" } else { "{bar:24.cyan/dim}" };
    let template = format!("{bar} {{percent:>3}} %  {{msg}}  {{eta}} left");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}

#[cfg(test)]
mod tests {
    use rectify::train::Score;

    use super::*;

    #[test]
    fn lines_line_up_and_survive_a_loss_that_is_no_number() {
        let epoch = |epoch, train_loss| Epoch {
            epoch,
            steps: 23,
            train_loss,
            train: Score::Classes { accuracy: 0.9 },
            test_loss: 0.25,
            test: Score::Classes { accuracy: 0.912_7 },
            seconds: 0.5,
            samples_per_second: 52_310.4,
        };
        assert_eq!(
            epoch_line(&epoch(3, 0.5), 20),
            "epoch  3/20  loss 0.5000  test loss 0.2500  test accuracy 91.27 %  52,310 samples/s"
        );
        let values = Epoch { test: Score::Values { r2: 0.5, mae: 3.25 }, ..epoch(3, 0.5) };
        assert!(epoch_line(&values, 3).contains("  test R2 0.5000, MAE 3.2500  "));
        assert!(epoch_line(&epoch(12, f64::NAN), 20).starts_with("epoch 12/20  loss –  "));
    }

    #[test]
    fn the_bar_has_the_template_asked_for() {
        assert!(ProgressStyle::with_template("{bar:24.cyan/dim} {percent:>3} %  {msg}  {eta} left").is_ok());
    }
}
