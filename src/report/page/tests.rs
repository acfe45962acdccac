use super::*;
use crate::report::{GrayImage, MemoryEvent};

const HOSTILE: &str = "<script src=\"http://x/y.js\">'&\"</td>";

fn epoch(epoch: usize, loss: f64) -> Epoch {
    Epoch {
        epoch,
        steps: epoch * 2,
        train_loss: loss,
        train: Score::Classes { accuracy: 0.5 },
        test_loss: loss,
        test: Score::Classes { accuracy: 0.75 },
        seconds: 1.0,
        samples_per_second: 10.0,
    }
}

fn event(sequence: u64, label: &str, delta: i64) -> MemoryEvent {
    MemoryEvent { sequence, label: label.into(), delta }
}

/// A page whose every text is `text` and whose losses are `loss`.
fn page(text: &str, loss: f64) -> Page {
    let named = || text.to_string();
    let start = Start {
        device: named(),
        dtype: named(),
        compute: named(),
        model: named(),
        data: named(),
        parameters: 26,
        train_samples: 4,
        test_samples: 4,
        epochs: 3,
        steps_per_epoch: 2,
    };
    let done = Done {
        device: named(),
        dtype: named(),
        parameters: 26,
        epochs: 3,
        steps: 6,
        train_loss: loss,
        test_loss: loss,
        test: Score::Classes { accuracy: 0.75 },
        seconds: 1.0,
        samples_per_second: 10.0,
        peak_bytes: 4096,
        live_bytes_before_step: 1024,
        live_bytes_after_step: 1024,
        seed: 7,
        model: named().into(),
    };
    let image = GrayImage { width: 2, height: 2, pixels: vec![0, 255, 255, 0] };
    let mistake = |confidence| Mistake { image: image.clone(), truth: named(), prediction: named(), confidence };
    let memory = MemoryTrace {
        live_before: vec![(named(), 1024)],
        events: vec![event(1, text, 2048), event(2, "b", 1024), event(3, text, -2048), event(4, "b", -1024)],
        predicted_peak: Some(4096),
    };
    Page {
        start,
        done,
        options: vec![(named(), named())],
        epochs: (1..=3).map(|i| epoch(i, loss / i as f64)).collect(),
        step_losses: vec![loss; 6],
        errors: Errors::OfClasses {
            confusion: Confusion { classes: vec![named(), "b".into()], counts: vec![2, 1, 0, 1] },
            mistakes: vec![mistake(0.25), mistake(0.875)],
        },
        diagnosis: None,
        memory: Some(memory),
        time: Some(StepTime { steps: 5, parts: vec![(named(), 3e-3), ("b".into(), 1e-3)] }),
        usages: vec![Usage { busy: 0.75, memory_busy: 0.4, watts: 350.5, celsius: 61.0 }; 3],
    }
}

fn empty() -> Page {
    let nothing = Page { step_losses: vec![], epochs: vec![], options: vec![], ..page("", 0.0) };
    let errors = Errors::OfClasses { confusion: Confusion::default(), mistakes: vec![] };
    Page { errors, memory: Some(MemoryTrace::default()), time: None, usages: vec![], ..nothing }
}

/// A page of a run that predicts numbers.
fn page_of_values(text: &str, r2: f64) -> Page {
    let mut page = page(text, 1.0);
    let score = Score::Values { r2, mae: 3.5 };
    page.epochs.iter_mut().for_each(|epoch| (epoch.train, epoch.test) = (score, score));
    page.done.test = score;
    let target = Target { name: text.into(), r2, mae: 3.5, rmse: 4.25 };
    let agreement = Agreement { name: text.into(), pairs: vec![(1.0, 1.5), (2.0, 1.75), (4.0, r2)] };
    Page { errors: Errors::OfValues { targets: vec![target], agreements: vec![agreement] }, ..page }
}

#[test]
fn numbers_have_figures_and_a_picture_in_place_of_accuracy_and_confusion() {
    let html = page_of_values("price", 0.875).to_string();
    assert_balanced(&html);
    for expected in ["<dt>Test R²</dt><dd>0.8750</dd>", "mean absolute error 3.5000", "<td>4.2500</td>", "<h3>R²</h3>"]
    {
        assert!(html.contains(expected), "{expected}");
    }
    assert!(html.contains("price: predictions by value") && html.contains("predicted as 1.7500"));
    assert!(!html.to_lowercase().contains("accuracy") && !html.contains("Confusion") && !html.contains("Mistakes"));
    for html in [page_of_values(HOSTILE, 0.5).to_string(), page_of_values("x", f64::NAN).to_string()] {
        assert_balanced(&html);
        assert!(!html.contains("<script") && !html.contains("NaN"));
    }
}

/// Fails where a tag is closed that is not the last one opened.
fn assert_balanced(html: &str) {
    const VOID: [&str; 6] = ["meta", "link", "img", "!doctype", "br", "hr"];
    let mut open = Vec::new();
    let body = html.split_once("</style>").map_or(html, |(_, body)| body);
    for tag in body.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("'<{tag}' has no end"));
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        match tag.strip_prefix('/') {
            Some(_) => assert_eq!(open.pop(), Some(name).filter(|name| *name != "head"), "closing {name}"),
            None if tag.ends_with('/') || VOID.contains(&name) => {}
            None => open.push(name),
        }
        if name == "head" {
            open.clear();
        }
        // The text after the last tag is the html element's own, opened before the style sheet.
        if name == "body" && tag.starts_with('/') {
            break;
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn no_text_becomes_markup() {
    let html = page(HOSTILE, 1.0).to_string();
    assert!(!html.contains("<script") && !html.contains("src=\"http"));
    assert!(html.contains("&lt;script src=&quot;http://x/y.js&quot;&gt;&#39;&amp;&quot;&lt;/td&gt;"));
    assert_balanced(&html);
}

#[test]
fn nothing_is_loaded_and_the_policy_says_so() {
    let html = page("x", 1.0).to_string();
    for word in ["http:", "https:", "//", "@import", "url(", "<script", "src=\"/"] {
        let found = html.replace("data:image/png;base64,", "").matches(word).count();
        let in_pictures: usize =
            html.split('"').filter(|part| part.starts_with("data:image")).map(|p| p.matches(word).count()).sum();
        assert_eq!(found, in_pictures, "{word}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn those_who_cannot_see_it_are_told() {
    let html = page("digits", 1.0).to_string();
    assert!(html.contains("<html lang=\"en\">") && html.contains("alt=\"digits taken for digits\""));
    assert_eq!(html.matches("<svg").count(), html.matches("role=\"img\"><title>").count());
    assert_eq!(html.matches("<table").count(), html.matches("<caption>").count());
}

#[test]
fn the_most_confident_mistake_comes_first() {
    let html = page("x", 1.0).to_string();
    assert!(html.find("87.50 %").unwrap() < html.find("25.00 %").unwrap());
}

#[test]
fn the_peak_and_its_prediction_are_marked() {
    let html = page("x", 1.0).to_string();
    assert!(html.contains(">peak 4.00 KiB at 2<") && html.contains(">predicted 4.00 KiB<"));
    assert!(html.contains("Alive at the peak, 4.00 KiB"));
}

#[test]
fn a_run_that_diverged_and_a_run_without_anything_still_draw() {
    for page in
        [page("x", f64::NAN), page("x", f64::INFINITY), page("x", 0.0), empty(), Page { memory: None, ..empty() }]
    {
        let html = page.to_string();
        assert!(!html.contains("NaN") && !html.contains("inf\"") && !html.contains("inf "), "{html}");
        assert_balanced(&html);
    }
}

#[test]
fn the_time_of_a_step_and_what_the_device_tells_are_shown() {
    let shown = page("hidden1", 1.0).to_string();
    for part in ["4.00 ms, the mean of 5", "hidden1: 3.00 ms, 75.00 %", "Device busy", "350 W at 61 °C"] {
        assert!(shown.contains(part), "{part} is not on the page");
    }
    let none = empty().to_string();
    assert!(!none.contains("Device busy") && !none.contains("time of a step"));
}
