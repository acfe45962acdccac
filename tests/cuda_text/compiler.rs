//! The machine's C++ or C compiler.

use std::ffi::OsString;
use std::fs::{self, File};
use std::process::{Command, Stdio};

/// What a compiler compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Cpp,
    C,
}

/// A compiler that answers.
#[derive(Debug)]
pub struct Compiler {
    program: OsString,
    pub language: Language,
}

impl Compiler {
    /// The compiler that `CXX` names, else the usual names; if no C++ compiler answers, the same for C.
    pub fn find() -> Self {
        let candidates = [
            (Language::Cpp, "CXX", ["c++", "g++", "clang++"]), //
            (Language::C, "CC", ["cc", "gcc", "clang"]),
        ];
        for (language, variable, names) in candidates {
            for program in std::env::var_os(variable).into_iter().chain(names.map(OsString::from)) {
                let answer =
                    Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
                if answer.is_ok_and(|status| status.success()) {
                    return Self { program, language };
                }
            }
        }
        panic!(
            "no C++ compiler was found to check the printed CUDA C++ with: install g++ or clang (on Debian and Ubuntu \
             `apt install g++`, on macOS `xcode-select --install`), or name one in the environment variable CXX"
        );
    }

    /// Compiles a program, runs it with this input and gives back what it writes.
    pub fn run(&self, source: &str, input: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (file, standard) = match self.language {
            Language::Cpp => ("program.cpp", "-std=c++11"),
            Language::C => ("program.c", "-std=c99"),
        };
        fs::write(path(file), source).unwrap();
        fs::write(path("input"), input).unwrap();
        // What is rounded twice in the text must be rounded twice here: no fused products and sums but those written.
        let output = Command::new(&self.program)
            .args([standard, "-O1", "-ffp-contract=off", "-o"])
            .args([path("program"), path(file)])
            .arg("-lm")
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} rejects the program:\n{messages}", self.program);
        let (from, to) = (File::open(path("input")).unwrap(), File::create(path("output")).unwrap());
        let status = Command::new(path("program")).stdin(from).stdout(to).status().unwrap();
        assert!(status.success(), "the compiled program ends with {status}");
        fs::read(path("output")).unwrap()
    }
}
