//! Metrics against what scikit-learn says (`tools/record_metrics.py`).

use rectify::report::scores::{mean_absolute_error, mean_squared_error, r2, top_k_hits};
use rectify::report::{Average, Confusion};
use serde_json::Value;

/// Both sides add in f64, in orders of their own.
const TOLERANCE: f64 = 1e-12;

fn record() -> Value {
    serde_json::from_str(include_str!("data/metrics.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_close(name: &str, value: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((value - expected).abs() <= TOLERANCE, "{name}: {value}, but scikit-learn says {expected}");
}

#[test]
fn classifications_are_judged_as_scikit_learn_does() {
    let record = record();
    let cases = record["classification"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let [truth, predicted] = ["truth", "predicted"].map(|side| numbers(&case[side]));
        let classes = case["classes"].as_u64().unwrap() as usize;
        let names = (0..classes).map(|class| class.to_string()).collect();
        let pairs = truth.iter().zip(&predicted).map(|(&truth, &predicted)| (truth as usize, predicted as usize));
        let confusion = Confusion::count(names, pairs).unwrap();
        assert_eq!(serde_json::json!(confusion.counts), case["confusion"], "{name}");
        assert_close(name, confusion.accuracy(), &case["accuracy"]);
        assert_close(name, confusion.balanced_accuracy(), &case["balanced_accuracy"]);
        assert_close(name, confusion.matthews(), &case["matthews"]);
        for (class, scores) in confusion.per_class().into_iter().enumerate() {
            let of = |figure: &str| &case["per_class"][figure][class];
            assert_close(name, scores.precision, of("precision"));
            assert_close(name, scores.recall, of("recall"));
            assert_close(name, scores.f1, of("f1"));
            assert_close(name, scores.specificity, &case["specificity"][class]);
            let others = truth.iter().filter(|&&truth| truth as usize != class).count();
            let fall_out = if others == 0 { 0.0 } else { 1.0 - scores.specificity };
            assert!((scores.fall_out - fall_out).abs() <= TOLERANCE, "{name}");
            assert_eq!(scores.support as usize, truth.len() - others);
        }
        let averages = [("macro", Average::Macro), ("micro", Average::Micro), ("weighted", Average::Weighted)];
        for (word, average) in averages {
            let scores = confusion.average(average);
            assert_close(name, scores.precision, &case[word]["precision"]);
            assert_close(name, scores.recall, &case[word]["recall"]);
            assert_close(name, scores.f1, &case[word]["f1"]);
            assert_eq!(scores.support as usize, truth.len());
        }
    }
}

#[test]
fn the_k_likeliest_are_counted_as_scikit_learn_does() {
    let record = &record()["top_k"];
    let scores: Vec<f32> = numbers(&record["scores"]).into_iter().map(|score| score as f32).collect();
    let labels: Vec<u32> = numbers(&record["labels"]).into_iter().map(|label| label as u32).collect();
    for (k, expected) in (1..).zip(record["accuracy"].as_array().unwrap()) {
        let hits = top_k_hits(&scores, 6, &labels, k).unwrap();
        assert_close("top k", hits as f64 / labels.len() as f64, expected);
    }
    // Of equals the first is ahead, and what is no number is nowhere.
    assert_eq!(top_k_hits(&[1.0, 1.0, 1.0, 1.0], 2, &[0, 1], 1).unwrap(), 1);
    assert_eq!(top_k_hits(&[f32::NAN, 1.0], 2, &[0], 2).unwrap(), 0);
    assert!(top_k_hits(&[1.0, 2.0], 2, &[2], 1).is_err() && top_k_hits(&[1.0, 2.0], 2, &[0, 1], 1).is_err());
}

#[test]
fn values_are_judged_as_scikit_learn_does() {
    let record = record();
    for case in record["regression"].as_array().unwrap() {
        let [truth, predicted] = ["truth", "predicted"].map(|side| numbers(&case[side]));
        assert_close("MAE", mean_absolute_error(&truth, &predicted).unwrap(), &case["mean_absolute_error"]);
        assert_close("MSE", mean_squared_error(&truth, &predicted).unwrap(), &case["mean_squared_error"]);
        assert_close("R2", r2(&truth, &predicted).unwrap(), &case["r2"]);
    }
    assert!(r2(&[1.0], &[2.0]).unwrap().is_nan());
    assert_eq!(r2(&[], &[]).unwrap_err().to_string(), "R2: 0 predictions cannot be held against 0 values");
    assert!(mean_squared_error(&[1.0], &[1.0, 2.0]).is_err());
}

#[test]
fn nothing_is_judged_as_nothing_and_never_as_no_number() {
    let empty = Confusion::count(vec!["a".into(), "b".into()], []).unwrap();
    let averages = [Average::Macro, Average::Micro, Average::Weighted].map(|average| empty.average(average));
    let figures = averages
        .iter()
        .chain(&empty.per_class())
        .flat_map(|s| [s.precision, s.recall, s.f1, s.specificity, s.fall_out])
        .collect::<Vec<_>>();
    assert!(figures.iter().all(|&figure| figure == 0.0), "{figures:?}");
    assert_eq!([empty.accuracy(), empty.balanced_accuracy(), empty.matthews()], [0.0; 3]);
    assert_eq!(Confusion::default().average(Average::Weighted).support, 0);
    assert!(Confusion::count(vec!["a".into()], [(0, 1)]).is_err());
}
