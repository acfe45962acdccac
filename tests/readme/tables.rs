//! The README's list of activations, layers, losses and optimisers, as the code has them.

use std::fs;
use std::path::Path;

use rectify::Activation;

use super::README;

const START: &str = "<!-- what there is: written by `cargo test --test readme` -->\n";
const END: &str = "<!-- end -->";

/// A row for each, as its documentation has it.
fn activations() -> String {
    let row = |activation: &Activation| {
        let about = activation.formula().signature().about.replace('`', "").replace('|', "\\|");
        let (about, error) = about.trim().trim_end_matches('.').split_once(". Error ").expect("it says the error");
        let (formula, rest) = about.split_once(". Range ").expect("its documentation says the range");
        let range = rest.split_once(". Derivative").map_or(rest, |(range, _)| range).trim().trim_end_matches('.');
        format!("| `{}` | {} | {range} | {error} |\n", activation.name(), formula.trim())
    };
    Activation::ALL.iter().map(row).collect()
}

/// The sources of a folder within `src`, by path.
fn sources(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The word that follows.
fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The public types in the files of a folder that implement a trait; aliases in place of what they stand for.
fn types_of(folder: &str, of_trait: &str) -> Vec<String> {
    let mut found = Vec::new();
    for text in sources(folder) {
        let lines = || text.lines().take_while(|line| *line != "#[cfg(test)]");
        let is_implemented = |line: &str| line.trim().starts_with("impl") && line.contains(&format!("{of_trait} for "));
        if lines().any(is_implemented) {
            let types = lines().filter_map(|line| line.strip_prefix("pub struct ")).map(word);
            let aliases = lines().filter_map(|line| line.strip_prefix("pub type ")).map(word);
            let aliases: Vec<_> = aliases.map(str::to_owned).collect();
            found.extend(if aliases.is_empty() { types.map(str::to_owned).collect() } else { aliases });
        }
    }
    found
}

/// The losses that variables have as methods.
fn losses() -> Vec<String> {
    let text = include_str!("../../src/autograd/loss.rs");
    let methods = text.lines().filter_map(|line| line.strip_prefix("    pub fn "));
    methods.map(|rest| word(rest).to_owned()).filter(|name| name != "loss").collect()
}

fn all() -> String {
    let list = |names: Vec<String>| {
        assert!(names.len() > 4, "{names:?}");
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
    };
    let (layers, losses, rules) =
        (list(types_of("nn/layer", "Layer")), list(losses()), list(types_of("optim", "Rule")));
    let rows = format!("| layers | {layers} |\n| losses | {losses} |\n| optimisers | {rules} |\n");
    format!(
        "\n| | |\n|---|---|\n{rows}\n| activation | | range | error in units of rounding |\n|---|---|---|---|\n{}\n",
        activations()
    )
}

#[test]
fn the_list_in_the_readme_is_that_of_the_code() {
    let written = README.split_once(START).and_then(|(_, rest)| rest.split_once(END)).map(|(list, _)| list);
    let expected = all();
    assert!(written == Some(expected.as_str()), "the README should have:\n{START}{expected}{END}");
}
