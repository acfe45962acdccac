//! Gathers the CUDA sources in `kernels/` into a table of constants, and the Rust of the README into one program to be tested.
//! Needs no GPU and no toolkit.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=kernels");
    println!("cargo::rerun-if-changed=README.md");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap_or_else(|error| panic!("README.md: {error}"));
    write("readme.md", &program(&readme));
    let folder = root.join("kernels");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let is_source = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "cu" || ending == "cuh");
    let mut paths: Vec<_> = paths.filter(is_source).collect();
    paths.sort();
    let (mut constants, mut list) = (String::new(), String::new());
    for path in &paths {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in UTF-8");
        let constant = name.to_uppercase();
        let duty = first_line(&text);
        writeln!(
            constants,
            "#[doc = {duty:?}]\npub const {constant}: KernelSource = \
             KernelSource {{ name: {name:?}, text: include_str!({path:?}), hash: hash(include_str!({path:?})) }};"
        )
        .expect("strings grow");
        write!(list, "{constant}, ").expect("strings grow");
    }
    let table = format!("{constants}\n/// Every source, by name.\npub const ALL: &[KernelSource] = &[{list}];\n");
    write("kernels.rs", &table);
}

fn write(name: &str, text: &str) {
    let output = Path::new(&env::var("OUT_DIR").expect("set by cargo")).join(name);
    fs::write(&output, text).unwrap_or_else(|error| panic!("{}: {error}", output.display()));
}

/// Every block of Rust in a text, one after the other, as one block that is a whole program.
fn program(text: &str) -> String {
    let blocks = text.split("```rust\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines: String = blocks.map(|(block, _)| block).collect();
    format!("```\nfn main() -> rectify::Result<()> {{\n{lines}Ok(())\n}}\n```\n")
}

/// What the source says it does.
fn first_line(text: &str) -> &str {
    text.lines().next().and_then(|line| line.strip_prefix("// ")).expect("a source begins with what it does")
}
