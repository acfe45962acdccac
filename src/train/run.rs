//! A run from its options to its folder.

use super::event::{Done, Event, Watch};
use super::folder::RunFolder;
use super::observation::Observation;
use super::options::TrainOptions;
use super::resume;
use super::samples::prepared;
use super::trainer::Trainer;
use crate::device::Device;
use crate::error::Result;
use crate::optim::{EarlyStopping, Verdict};

/// Trains a model and writes the run folder: `model.safetensors`, `config.json`, `metrics.csv`, `metrics.jsonl`,
/// `events.out.tfevents` for TensorBoard and `report.html`; after each epoch `checkpoint.safetensors`, to
/// [go on from](TrainOptions::resume), and `best.safetensors`, the model with the lowest test loss. A watcher that breaks stops
/// the training; what there is by then is saved.
///
/// # Errors
/// Options, data, device, memory or the run folder fail; or [`Error::Diverged`](crate::Error::Diverged), and the checkpoint of
/// the last epoch before stays.
pub fn run(options: &TrainOptions, watch: Watch<'_>) -> Result<Done> {
    options.check()?;
    let device = Device::open(options.device)?;
    let (plan, split) = prepared(options)?;
    let mut trainer = Trainer::new(options, plan, &device, &split)?;
    if let Some(path) = options.resume.file(&options.out) {
        trainer.standing = resume::load(&path, options, &trainer.model, &mut trainer.learner)?;
    }
    let mut patience = options.early_stopping.map(EarlyStopping::new);
    let mut is_over = |test_loss| patience.as_mut().is_some_and(|patience| patience.watch(test_loss) == Verdict::Stop);
    let mut over = trainer.standing.epochs.iter().fold(false, |over, epoch| over | is_over(epoch.test_loss));
    // Last of what can fail at the start, so that a failure leaves no empty folder.
    let mut folder = RunFolder::create(options, &trainer)?;
    let start = trainer.start();
    let mut stopped = watch(Event::Start(start.clone())).is_break();
    if stopped {
        folder.checkpoint(&trainer)?;
    }
    let mut observation = Observation::new(&device);
    while !stopped && !over && trainer.standing.epochs.len() < options.epochs {
        let epoch = trainer.epoch(&mut |event| {
            observation.see(&event);
            watch(event)
        });
        match epoch? {
            Some(epoch) => {
                folder.epoch(&epoch, &trainer)?;
                over = is_over(epoch.test_loss);
                let event = Event::Epoch(epoch);
                observation.see(&event);
                stopped = watch(event).is_break();
            }
            None => {
                folder.checkpoint(&trainer)?;
                stopped = true;
            }
        }
    }
    let done = folder.finish(trainer, start, &split, &device, observation)?;
    // Whether to go on is no question any more.
    let _ = watch(Event::Done(done.clone()));
    Ok(done)
}
