//! No module imports from a floor above its own, and the other rules of ARCHITECTURE.md that a program can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");
/// A file longer than this is two files.
const MAX_LINES: usize = 450;
/// Names that say nothing about what a file holds.
const NAMELESS: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

/// A word, `::`, a text in quotes or a single mark, with the line it stands on.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    line: usize,
    text: String,
}

/// The tokens of a Rust text; comments are dropped, doc comments among them.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let length = match &chars[at..] {
            ['/', '/', ..] => chars[at..].iter().take_while(|&&c| c != '\n').count(),
            ['/', '*', ..] => block_comment(&chars[at..]),
            ['"', ..] => 1 + quoted(&chars[at + 1..]),
            ['\'', '\\', ..] => 3 + chars[at + 3..].iter().take_while(|&&c| c != '\'').count() + 1,
            ['\'', _, '\'', ..] => 3,
            [c, ..] if c.is_alphanumeric() || *c == '_' => word_or_raw_text(&chars[at..]),
            [':', ':', ..] => 2,
            _ => 1,
        };
        let lexeme: String = chars[at..at + length].iter().collect();
        if !lexeme.trim().is_empty() && !lexeme.starts_with("//") && !lexeme.starts_with("/*") {
            tokens.push(Token { line, text: lexeme.clone() });
        }
        line += lexeme.matches('\n').count();
        at += length;
    }
    tokens
}

/// The length of the comment that starts here, comments within it included.
fn block_comment(chars: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < chars.len() {
        match &chars[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a text up to and with its closing quote.
fn quoted(chars: &[char]) -> usize {
    let mut at = 0;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a word, or of the text that a prefix such as `r#` or `b` opens.
fn word_or_raw_text(chars: &[char]) -> usize {
    let word = chars.iter().take_while(|&&c| c.is_alphanumeric() || c == '_').count();
    let prefix: String = chars[..word].iter().collect();
    let hashes = chars[word..].iter().take_while(|&&c| c == '#').count();
    let opens = chars.get(word + hashes) == Some(&'"');
    match prefix.as_str() {
        "b" | "c" if hashes == 0 && opens => word + 1 + quoted(&chars[word + 1..]),
        "r" | "br" | "cr" if opens => {
            let body = word + hashes + 1;
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let end = chars[body..].windows(close.len()).position(|end| end == close);
            end.map_or(chars.len(), |end| body + end + close.len())
        }
        _ => word,
    }
}

fn texts(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(|token| token.text.as_str()).collect()
}

/// The tokens without items marked `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let words = texts(tokens);
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if words[at..].starts_with(&MARK) {
            at += MARK.len() + item_length(&words[at + MARK.len()..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// How many tokens an item has: it ends at its closing brace or at a semicolon outside brackets.
fn item_length(words: &[&str]) -> usize {
    let is_import = words.iter().take_while(|&&word| word != "{" && word != ";").any(|&word| word == "use");
    let mut depth = 0;
    for (at, &word) in words.iter().enumerate() {
        match word {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (word == ";" || word == "}" && !is_import) {
            return at + 1;
        }
    }
    words.len()
}

/// A path from the root of the crate, and the line that names it.
#[derive(Debug, PartialEq)]
struct Reference {
    line: usize,
    path: Vec<String>,
}

/// Every path that starts with `crate`, `rectify`, `super` or `self`, as seen from module `home`.
fn references(home: &[String], tokens: &[Token]) -> Vec<Reference> {
    let words = texts(tokens);
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, 0);
    // The module at hand, and for the inline ones within the file the depth of braces they end at.
    let (mut module, mut inline) = (home.to_vec(), Vec::new());
    while at < words.len() {
        match &words[at..] {
            ["mod", name, "{", ..] => {
                module.push(name.to_string());
                inline.push(depth);
                at += 1;
            }
            ["{", ..] => depth += 1,
            ["}", ..] => {
                depth -= 1;
                if inline.last() == Some(&depth) {
                    inline.pop();
                    module.pop();
                }
            }
            ["crate" | "rectify" | "super" | "self", "::" | "as", ..] if at == 0 || words[at - 1] != "::" => {
                let line = tokens[at].line;
                let mut paths = Vec::new();
                expand(&words, &mut at, &[], &mut paths);
                found.extend(paths.iter().map(|path| Reference { line, path: resolve(&module, path) }));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The paths of a tree such as `a::{b, c::*}`, which starts at `at`; `at` is left behind it.
fn expand(words: &[&str], at: &mut usize, before: &[String], paths: &mut Vec<Vec<String>>) {
    if words[*at] == "{" {
        *at += 1;
        while words[*at] != "}" {
            if words[*at] == "," { *at += 1 } else { expand(words, at, before, paths) }
        }
        *at += 1;
        return;
    }
    let path = [before, &[words[*at].to_string()]].concat();
    *at += 1;
    match &words[*at..] {
        // A path goes on, and does not end in generic arguments.
        ["::", next, ..] if *next != "<" => {
            *at += 1;
            expand(words, at, &path, paths);
        }
        ["as", _, ..] => {
            *at += 2;
            paths.push(path);
        }
        _ => paths.push(path),
    }
}

/// The path from the root of the crate.
fn resolve(module: &[String], path: &[String]) -> Vec<String> {
    let above = path.iter().take_while(|&segment| segment == "super").count();
    match path[0].as_str() {
        "crate" | "rectify" => path[1..].to_vec(),
        "self" => [module, &path[1..]].concat(),
        _ => [&module[..module.len().saturating_sub(above)], &path[above..]].concat(),
    }
}

/// What stands on which floor.
struct House {
    /// By module.
    floors: BTreeMap<String, usize>,
    /// Modules of the names that the root of the crate gives again.
    shortcuts: BTreeMap<String, String>,
}

impl House {
    fn new(architecture: &str, root: &str) -> Self {
        let mut floors = BTreeMap::new();
        for row in architecture.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let Ok(floor) = cells[1].parse::<usize>() else { continue };
            for place in in_backticks(cells[2]) {
                let name = place.trim_end_matches('/').trim_end_matches(".rs");
                assert!(floors.insert(name.to_string(), floor).is_none(), "{name} has two floors");
            }
        }
        let tokens = tokens(root);
        let words = texts(&tokens);
        let mut shortcuts = BTreeMap::new();
        for at in words.iter().enumerate().filter(|(_, word)| **word == "use").map(|(at, _)| at + 1) {
            let mut paths = Vec::new();
            expand(&words, &mut at.clone(), &[], &mut paths);
            let named = paths.into_iter().filter_map(|path| Some((path.last()?.clone(), path.first()?.clone())));
            shortcuts.extend(named);
        }
        Self { floors, shortcuts }
    }

    /// The floor of a name in the root of the crate.
    fn floor_of(&self, name: &str) -> Option<usize> {
        let module = self.shortcuts.get(name).map_or(name, String::as_str);
        self.floors.get(module).copied()
    }

    /// What the text of a file, given by its path within `src`, imports from above.
    fn violations(&self, file: &str, text: &str) -> Vec<String> {
        let home = module_path(file);
        let place = home.first().map_or("main", String::as_str);
        let Some(floor) = self.floor_of(place) else { return vec![format!("{file} stands on no floor")] };
        let code = without_tests(&tokens(text));
        let broken = references(&home, &code).into_iter().filter_map(|Reference { line, path }| {
            let Some(name) = path.first() else { return Some(format!("{file}:{line} names the whole crate")) };
            match self.floor_of(name) {
                None => Some(format!("{file}:{line} names {name}, which is on no floor")),
                Some(above) if above > floor => Some(format!("{file}:{line} is on floor {floor}, {name} on {above}")),
                Some(_) => None,
            }
        });
        broken.collect()
    }
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `device/cpu/map.rs` as `["device", "cpu", "map"]`; nothing for the roots `lib.rs` and `main.rs`.
fn module_path(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let parts = stem.split('/').filter(|&part| part != "lib" && part != "main");
    parts.map(str::to_string).collect()
}

/// The files of `src` by their path within it, with their texts.
fn sources() -> BTreeMap<String, String> {
    fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(root, &path, files);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    gather(&root, &root, &mut files);
    files
}

/// The files that are compiled outside tests: a file that its parent declares behind `#[cfg(test)]` is not.
fn compiled(sources: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let declares = |parent: &str, name: &str| {
        let code = without_tests(&tokens(sources.get(parent).map_or("", String::as_str)));
        texts(&code).windows(3).any(|words| words == ["mod", name, ";"])
    };
    let is_compiled = |file: &&String| {
        let module = module_path(file);
        let Some((name, above)) = module.split_last() else { return true };
        let above = above.join("/");
        let parents = if above.is_empty() {
            ["lib.rs".into(), "main.rs".into()]
        } else {
            [format!("{above}.rs"), format!("{above}/mod.rs")]
        };
        parents.iter().any(|parent| declares(parent, name))
    };
    let files = sources.iter().filter(|(file, _)| is_compiled(file));
    files.map(|(file, text)| (file.as_str(), text.as_str())).collect()
}

fn house() -> House {
    House::new(ARCHITECTURE, include_str!("../src/lib.rs"))
}

#[test]
fn no_module_imports_from_a_floor_above_its_own() {
    let (house, sources) = (house(), sources());
    let files = compiled(&sources);
    assert!(files.len() > 100, "only {} files were read", files.len());
    // The root of the library gives every floor a name and imports nothing for itself.
    let modules = files.iter().filter(|(file, _)| **file != "lib.rs");
    let broken: Vec<_> = modules.flat_map(|(file, text)| house.violations(file, text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_module_has_its_floor_in_the_table() {
    let House { floors, .. } = house();
    let numbers: BTreeSet<_> = floors.values().copied().collect();
    assert!(numbers.iter().copied().eq(0..9), "{numbers:?}");
    let places = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let places = places.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let modules: BTreeSet<_> = places.map(|name| name.trim_end_matches(".rs").to_string()).collect();
    let known: BTreeSet<_> = floors.into_keys().chain(["lib".to_string()]).collect();
    assert_eq!(modules, known);
}

#[test]
fn imports_from_above_are_seen_in_every_spelling() {
    let house = house();
    let planted = [
        ("device/cpu/map.rs", "use crate::tensor::Tensor;"),
        ("device/cpu/map.rs", "use crate::{dtype::DType, tensor::{self}};"),
        ("device/cpu/map.rs", "use crate::Tensor;"),
        ("device/cpu/map.rs", "fn f() { let x = crate::tensor::Tensor::zeros::<3>(); }"),
        ("device/cpu/map.rs", "use super::super::super::tensor::Tensor;"),
        ("device/cpu/map.rs", "mod a { use super::super::super::super::Tensor; }"),
        ("device/cpu/mod.rs", "mod a { mod b {} } fn f() -> super::super::Var { 'x'; '\\''; \"\" }"),
        ("device/mod.rs", "pub(crate) use super::nn as below;"),
        ("shape.rs", "const Q: char = '\"'; use super::device::Device; // \""),
        ("memory/pool.rs", "/* /* */ */ use crate::device::View;"),
        ("memory/pool.rs", "const A: &str = r#\" \"/* \"#; use crate::device::View;"),
        ("memory/pool.rs", "fn f<'a>(x: &'a crate::device::View) {}"),
        ("memory/pool.rs", "macro_rules! m { () => { $crate::Device::cpu() }; }"),
        ("memory/pool.rs", "#[cfg(test)] use crate::scope::{a, b}; use crate::device::View;"),
        ("memory/pool.rs", "#[cfg(test)] mod tests { fn a() {} } use crate::device::View;"),
        ("nn/mlp.rs", "use rectify::train::Done;"),
        ("train/run.rs", "use crate::cli::Failure;"),
        ("train/run.rs", "use crate::*;"),
        ("train/run.rs", "use crate as everything;"),
        ("train/run.rs", "use super::super as everything;"),
        ("train/run.rs", "use crate::unheard_of;"),
        ("lift/cable.rs", "use crate::shape::Shape;"),
    ];
    for (file, text) in planted {
        assert_eq!(house.violations(file, text).len(), 1, "{file}: {text}: {:?}", house.violations(file, text));
    }
    assert_eq!(house.violations("dtype.rs", "\n\nuse crate::{Var, nn};").len(), 2);
    let said = house.violations("dtype.rs", "\n\nuse crate::Var;");
    assert_eq!(said, ["dtype.rs:3 is on floor 0, Var on 5"]);
}

#[test]
fn imports_from_below_and_words_about_others_pass() {
    let house = house();
    let fine = [
        ("tensor/mod.rs", "use crate::device::{Device, View}; use crate::Shape; use super::memory::Buffer;"),
        ("tensor/mod.rs", "mod a { use super::create; fn f() { self::g() } }"),
        ("tensor/mod.rs", "/// See [`Var`](crate::autograd::Var).\n//! use crate::nn;\n// crate::nn"),
        ("tensor/mod.rs", "const HELP: &str = \"crate::nn::Mlp\"; const RAW: &[u8] = br#\"crate::nn\"#;"),
        ("tensor/mod.rs", "#[cfg(test)] mod tests { use crate::nn::Mlp; fn f() { [1; 2]; } }"),
        ("tensor/mod.rs", "#[cfg(test)] use crate::nn::{Mlp, Linear};"),
        ("train/mod.rs", "use crate::report::Page; use crate::checkpoint::Weights;"),
        ("cli/mod.rs", "use rectify::train::Done; use super::cli::failure; pub(crate) fn f() {}"),
        ("main.rs", "mod cli; use rectify::{Device, train}; fn f() { crate::cli::main() }"),
    ];
    for (file, text) in fine {
        assert_eq!(house.violations(file, text), [""; 0], "{file}: {text}");
    }
}

/// The places that a rule of ARCHITECTURE.md names between these words.
fn places_between(start: &str, end: &str) -> Vec<&'static str> {
    let rule = ARCHITECTURE.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    let places: Vec<_> = in_backticks(rule.expect("the rule stands in ARCHITECTURE.md").0).collect();
    assert!(!places.is_empty() && places.iter().all(|place| place.contains('/')), "{places:?}");
    places
}

/// Checks that the files in which `has` finds something are in these places, and that each place has such a file.
fn only_in(places: &[&str], has: impl Fn(&[&str]) -> bool) {
    let sources = sources();
    let found = compiled(&sources).into_iter().filter(|(_, text)| has(&texts(&without_tests(&tokens(text)))));
    let found: Vec<_> = found.map(|(file, _)| file).collect();
    let strays: Vec<_> = found.iter().filter(|file| !places.iter().any(|place| file.starts_with(place))).collect();
    assert!(strays.is_empty(), "{strays:?}");
    let idle: Vec<_> = places.iter().filter(|place| !found.iter().any(|file| file.starts_with(*place))).collect();
    assert!(idle.is_empty(), "ARCHITECTURE.md names places that need no mention: {idle:?}");
}

#[test]
fn unsafe_code_lives_where_the_architecture_says() {
    only_in(&places_between("`unsafe` lives in", "nowhere else"), |words| words.contains(&"unsafe"));
}

#[test]
fn the_cuda_feature_is_asked_for_where_the_architecture_says() {
    let asks = |words: &[&str]| words.windows(3).any(|words| words == ["feature", "=", "\"cuda\""]);
    only_in(&places_between("`cfg(feature = \"cuda\")` stands in", "only"), asks);
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    for (file, text) in sources() {
        let lines = text.lines().count();
        assert!(lines < MAX_LINES, "{file} has {lines} lines");
        let nameless = module_path(&file).into_iter().find(|name| NAMELESS.contains(&name.as_str()));
        assert_eq!(nameless, None, "{file}");
    }
}
