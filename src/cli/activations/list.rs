//! All activations, as their formulas' documentation has them.

use std::collections::BTreeMap;
use std::io;

use rectify::Activation;
use serde::Serialize;

use super::columns;
use crate::cli::output::{OutputArgs, print_json, print_line};

/// What a formula's documentation says of an activation.
#[derive(Serialize)]
#[serde(tag = "event", rename = "activation")]
pub struct About {
    pub name: &'static str,
    /// The defaults by name.
    pub parameters: BTreeMap<&'static str, f64>,
    pub formula: String,
    pub range: String,
    /// Which derivative is taken where there is a choice.
    pub derivative: Option<String>,
    /// How far value and derivative may be off, in units of the rounding error.
    pub error: String,
}

impl About {
    /// Reads "FORMULA. Range RANGE. Derivative DERIVATIVE. Error ERROR.", of which the third sentence may be missing.
    pub fn new(activation: Activation) -> Self {
        let text = activation.formula().signature().about.replace('`', "");
        let text = text.trim().trim_end_matches('.');
        let (text, error) = text.split_once(". Error ").unwrap_or((text, ""));
        let (formula, rest) = text.split_once(". Range ").unwrap_or((text, ""));
        let (range, derivative) = match rest.split_once(". Derivative ") {
            Some((range, derivative)) => (range, Some(derivative.to_owned())),
            None => (rest, None),
        };
        let parameters = activation.parameters().into_iter().collect();
        let (formula, range, error) = (formula.into(), range.into(), error.into());
        Self { name: activation.name(), parameters, formula, range, derivative, error }
    }

    /// What is said below the name.
    pub fn text(&self) -> String {
        let derivative = self.derivative.as_ref().map(|derivative| format!("; derivative {derivative}"));
        let derivative = derivative.unwrap_or_default();
        format!("{}; range {}{derivative}; error in units of rounding {}", self.formula, self.range, self.error)
    }
}

pub fn run(output: OutputArgs) -> io::Result<()> {
    for &activation in Activation::ALL {
        let about = About::new(activation);
        if output.json {
            print_json(&about)?;
        } else if !output.quiet {
            print_line(&heading(activation))?;
            wrapped(&about.text(), columns()).iter().try_for_each(|line| print_line(line))?;
        }
    }
    Ok(())
}

/// The name with the parameters and their values.
pub fn heading(activation: Activation) -> String {
    let parameters: Vec<_> = activation.parameters().iter().map(|(name, value)| format!("{name} = {value}")).collect();
    match &parameters[..] {
        [] => activation.name().to_owned(),
        parameters => format!("{}({})", activation.name(), parameters.join(", ")),
    }
}

/// Lines of at most `columns` characters, indented; a word that is longer has a line for itself.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::from("   ")];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| line.chars().count() + word.chars().count() < columns);
        match line {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(format!("    {word}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_activation_is_documented_in_full() {
        for &activation in Activation::ALL {
            let about = About::new(activation);
            let sentences = [&about.formula, &about.range, &about.error];
            assert!(sentences.iter().all(|sentence| !sentence.is_empty()), "{activation}: {}", about.text());
            assert!(!about.text().contains(['`', '[']) || about.range.contains('['), "{activation}: {}", about.text());
            let said = about.text();
            assert!(about.parameters.keys().all(|name| said.contains(name)), "{activation}: {said}");
        }
        let relu = About::new(Activation::Relu);
        assert_eq!((relu.range.as_str(), relu.derivative.as_deref()), ("[0, inf)", Some("0 at 0")));
        assert_eq!((relu.formula.as_str(), relu.error.as_str()), ("max(x, 0), with exact zeros", "0; derivative 0"));
    }

    #[test]
    fn lines_are_as_long_as_the_terminal_is_wide() {
        let text = "a function of one number that has a long name and not much besides";
        let lines = wrapped(text, 24);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.starts_with("    ") && line.len() <= 24), "{lines:?}");
        let words: Vec<_> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
        assert_eq!(words.join(" "), text);
    }
}
