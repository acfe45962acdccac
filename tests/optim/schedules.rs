//! Schedules, which are functions of the step alone.

use rectify::optim::Schedule;
use rectify::{Error, Result};

use super::{difference, numbers, recorded};

fn values(schedule: &Schedule, steps: u64) -> Vec<f64> {
    (0..steps).map(|step| schedule.at(step)).collect()
}

fn check(name: &str, what: &str, schedule: &Schedule) {
    let expected = numbers(&recorded(&format!("schedule {name}"))[what]);
    assert_eq!(expected.len(), 40);
    let worst = difference(&values(schedule, 40), &expected);
    assert!(worst < 1e-12, "{name}: {worst:e}");
}

#[test]
fn schedules_are_those_of_pytorch() -> Result<()> {
    check("phases", "rates", &Schedule::phases(&[(10, 0.1), (15, 0.01), (1, 0.001)])?);
    check("linear", "rates", &Schedule::linear(0.1, 0.4, 20)?);
    check("step", "rates", &Schedule::step(0.4, 0.5, 7)?);
    check("exponential", "rates", &Schedule::exponential(0.4, 0.9)?);
    check("cosine", "rates", &Schedule::cosine(0.4, 0.01, 40)?);
    check("warm_up_cosine", "rates", &Schedule::cosine(0.4, 0.01, 30)?.warm_up(10, 0.04)?);
    check("one_cycle", "rates", &Schedule::one_cycle(0.5, 40)?);
    check("one_cycle", "momenta", &Schedule::one_cycle_momentum(40)?);
    check("one_cycle_early", "rates", &Schedule::cycle(0.05, 0.5, 0.0005, 0.25, 40)?);
    check("one_cycle_early", "momenta", &Schedule::cycle(0.95, 0.85, 0.95, 0.25, 40)?);
    Ok(())
}

#[test]
fn what_has_come_to_its_end_stays_there() -> Result<()> {
    let schedules = [
        (Schedule::constant(0.3)?, 0.3),
        (Schedule::phases(&[(2, 0.1), (3, 0.2)])?, 0.2),
        (Schedule::linear(0.5, 0.9, 4)?, 0.9),
        (Schedule::step(0.1, 1.0, 4)?, 0.1),
        (Schedule::cosine(0.1, 0.01, 4)?, 0.01),
        (Schedule::cycle(0.1, 0.5, 0.02, 0.5, 4)?, 0.02),
        (Schedule::constant(0.3)?.warm_up(4, 0.0)?, 0.3),
        (Schedule::linear(0.5, 0.9, 2)?.by_epochs(2)?, 0.9),
    ];
    for (schedule, last) in schedules {
        for step in [5, 100, u64::MAX] {
            assert_eq!(schedule.at(step), last, "{schedule:?}");
        }
    }
    Ok(())
}

#[test]
fn schedules_stand_one_on_another() -> Result<()> {
    let epochs = Schedule::phases(&[(1, 0.1), (2, 0.01)])?.by_epochs(3)?;
    assert_eq!(values(&epochs, 7), [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01]);
    let warm = epochs.warm_up(2, 0.0)?;
    assert_eq!(values(&warm, 6), [0.0, 0.05, 0.1, 0.1, 0.1, 0.01]);
    let momentum = Schedule::linear(0.5, 0.9, 4)?;
    let expected = [0.5, 0.6, 0.7, 0.8, 0.9, 0.9];
    assert!(difference(&values(&momentum, 6), &expected) < 1e-15);
    Ok(())
}

#[test]
fn schedules_that_cannot_be_are_refused() {
    let refused = |schedule: Result<Schedule>, said: &str| {
        let error = schedule.unwrap_err();
        assert!(matches!(error, Error::Argument { .. }));
        assert_eq!(error.to_string(), said);
    };
    refused(Schedule::constant(f64::NAN), "constant: NaN is not a finite number");
    refused(Schedule::phases(&[]), "phases: there is no phase: give at least one");
    refused(Schedule::phases(&[(0, 0.1)]), "phases: a length of 0 steps is not one of at least 1");
    refused(Schedule::linear(0.1, f64::INFINITY, 3), "linear: inf is not a finite number");
    refused(Schedule::step(0.1, 0.5, 0), "step: a length of 0 steps is not one of at least 1");
    refused(Schedule::cosine(0.1, 0.0, 0), "cosine: a length of 0 steps is not one of at least 1");
    let short = "cycle: a share 0.3 of 3 steps leaves no step to rise in, or none to fall in";
    refused(Schedule::one_cycle(0.1, 3), short);
    let all = "cycle: a share 1 of 10 steps leaves no step to rise in, or none to fall in";
    refused(Schedule::cycle(0.1, 0.5, 0.1, 1.0, 10), all);
    refused(
        Schedule::constant(0.1).and_then(|s| s.warm_up(0, 0.0)),
        "warm_up: a length of 0 steps is not one of at least 1",
    );
}
