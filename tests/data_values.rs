//! Numbers to predict in files, and samples as tensors.

use std::fs;

use rectify::data::npy::{self, Array};
use rectify::data::{self, Batches, Dataset, Features, Geometry, Loader, Normalisation, Table, Targets, npz};
use rectify::{Device, Result};

fn floats(set: &Dataset) -> &[f32] {
    match set.features() {
        Features::Floats(numbers) => numbers,
        Features::Bytes(_) => panic!("{set:?} has bytes"),
    }
}

#[test]
fn several_columns_are_targets_in_the_order_they_are_named_in() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, "a,b,note,c,d\n1,2,x,3,4\n5,6,,7,8\n").unwrap();
    let set = Table::valued_each(["d", "1"]).pass_over(["note"]).read(&path)?;
    assert_eq!(
        set.targets(),
        &Targets::Values { values: vec![4.0, 1.0, 8.0, 5.0], names: vec!["d".into(), "a".into()] }
    );
    assert_eq!(floats(&set), [2.0, 3.0, 6.0, 7.0]);
    assert_eq!(set.values_at(&[1], &Normalisation::each(vec![8.0, 1.0], vec![1.0, 2.0])?)?, [0.0, 2.0]);
    assert!(set.values_at(&[2], &Normalisation::UNIT).is_err() && set.labels_at(&[0]).is_err());
    assert!(set.values_at(&[0], &Normalisation::each(vec![0.0; 3], vec![1.0; 3])?).is_err());
    let error = |table: Table| table.read(&path).unwrap_err().to_string();
    assert!(error(Table::valued_each(["d", "5"])).contains("column '5' is named twice"));
    assert!(error(Table::valued_each(["d"]).pass_over(["d"])).contains("column 'd' is named twice"));
    assert!(error(Table::valued_each(["note"])).contains("column 'note' holds 'x', which is no finite number"));
    Ok(())
}

#[test]
fn values_of_arrays_keep_rows_together_in_both_parts() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<f32> = (0..60).map(|at| at as f32).collect();
    npy::write(folder.path().join("t.npy"), &Array::new(vec![20, 3], rows.clone())?)?;
    let split = data::load_valued(folder.path().join("t.npy"), &["2".into()], 3)?;
    assert_eq!((split.train.samples(), split.test.samples()), (16, 4));
    for set in [&split.train, &split.test] {
        assert_eq!((set.geometry(), set.value_names()), (Geometry::row(2), &["2".to_string()][..]));
        for (row, value) in floats(set).chunks(2).zip(set.values()) {
            assert_eq!((row[0] + 1.0, row[1] - 1.0), (*value, *value));
        }
    }
    let (x, y) = (Array::new(vec![30, 2], rows.clone())?, Array::new(vec![30], (0..30).collect::<Vec<i64>>())?);
    npz::write(folder.path().join("t.npz"), &[("x", &x), ("y", &y)])?;
    let split = data::load_valued(folder.path().join("t.npz"), &[], 3)?;
    assert_eq!((split.train.classes(), split.test.value_names()), (0, &["y".to_string()][..]));
    assert!(floats(&split.test).chunks(2).zip(split.test.values()).all(|(row, value)| row[0] == 2.0 * value));
    // Whole numbers are classes where no numbers are asked for.
    assert_eq!(data::load(folder.path().join("t.npz"), None, 3)?.train.classes(), 30);
    let narrow = Array::new(vec![30, 1], rows[..30].to_vec())?;
    let wide = [("x_train", &x), ("y_train", &x), ("x_test", &x), ("y_test", &narrow)];
    npz::write(folder.path().join("t.npz"), &wide)?;
    let error = data::load_valued(folder.path().join("t.npz"), &[], 3).unwrap_err().to_string();
    assert!(error.ends_with("has 1 targets to test, but 2 to train"), "{error}");
    Ok(())
}

#[test]
fn a_loader_gives_the_samples_of_each_batch_and_their_targets() -> Result<()> {
    let (device, digits) = (Device::cpu(), data::digits()?.train);
    let batches = Batches::new(digits.samples(), 100)?.shuffled(5);
    let loader = Loader::new(&digits, &[8, 8, 1], &device);
    let mut seen = 0;
    for (indices, batch) in batches.epoch(2).zip(loader.epoch(&batches, 2)) {
        let batch = batch?;
        let mut pixels = vec![0.0; indices.len() * 64];
        digits.normalise(&indices, &Normalisation::UNIT, &mut pixels)?;
        assert_eq!(batch.inputs.shape().sizes(), [indices.len(), 8, 8, 1]);
        assert_eq!(batch.inputs.to_vec::<f32>()?, pixels);
        assert_eq!(batch.targets.to_vec::<u32>()?, digits.labels_at(&indices)?);
        seen += indices.len();
    }
    assert_eq!(seen, digits.samples());
    // Two channels, planes in memory, come last; values are a row each.
    let targets = Targets::Values { values: vec![10.0, 20.0, 30.0, 50.0], names: vec!["a".into(), "b".into()] };
    let planes: Vec<f32> = (0..8).map(|at| at as f32).collect();
    let set = Dataset::from_parts(Geometry::image(2, 1, 2), planes.into(), targets)?;
    let (unit, by) = (Normalisation::UNIT, Normalisation::of_values(&set));
    let all = Loader::new(&set, &[1, 2, 2], &device).normalised(&unit, &by).all()?;
    assert_eq!(all.inputs.to_vec::<f32>()?, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    assert_eq!((all.targets.shape().sizes(), all.targets.to_vec::<f32>()?), (&[2, 2][..], vec![-1.0, -1.0, 1.0, 1.0]));
    assert_eq!((by.undo(0, -1.0), by.undo(1, 1.0)), (10.0, 50.0));
    let mut broken = Loader::new(&set, &[5], &device).epoch(&Batches::new(2, 1)?, 0);
    assert!(broken.next().unwrap().is_err() && broken.next().is_none(), "behind a failure comes nothing");
    Ok(())
}
