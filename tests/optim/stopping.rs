//! Early stopping.

use Verdict::{Improved, Stop, Waiting};
use rectify::Result;
use rectify::optim::{EarlyStopping, Verdict};

#[test]
fn patience_is_of_epochs_in_a_row() {
    let mut stopping = EarlyStopping::new(3);
    let verdicts = [1.0, 1.0, 1.1, 0.9, 0.95, 0.91, 0.9].map(|loss| stopping.watch(loss));
    assert_eq!(verdicts, [Improved, Waiting, Waiting, Improved, Waiting, Waiting, Stop]);
    assert_eq!(stopping.best(), Some((3, 0.9)));
}

#[test]
fn small_improvements_do_not_count_and_do_not_add_up_unseen() -> Result<()> {
    let mut stopping = EarlyStopping::new(4).least_improvement(0.25)?;
    // Each is little better than the one before; the third is enough better than the best.
    let verdicts = [1.0, 0.875, 0.75, 0.625, 0.5, 0.375].map(|loss| stopping.watch(loss));
    assert_eq!(verdicts, [Improved, Waiting, Waiting, Improved, Waiting, Waiting]);
    assert_eq!(stopping.best(), Some((3, 0.625)));
    let error = EarlyStopping::new(1).least_improvement(-1.0).unwrap_err();
    assert_eq!(error.to_string(), "early stopping: least improvement -1 is not a number from 0");
    Ok(())
}

#[test]
fn what_is_no_number_never_improves() {
    let mut stopping = EarlyStopping::new(2);
    let verdicts = [f64::NAN, 1.0, f64::NAN, f64::NAN].map(|loss| stopping.watch(loss));
    assert_eq!(verdicts, [Waiting, Improved, Waiting, Stop]);
    let mut diverged = EarlyStopping::new(2);
    assert_eq!([f64::NAN, f64::NAN].map(|loss| diverged.watch(loss)), [Waiting, Stop]);
    assert_eq!(diverged.best(), None);
}
