//! What a compiler says about a text that it refuses.

use super::launch::USUAL_SHARED_BYTES;
use crate::kernels::Resources;

/// The first error in the log of a compiler, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The file it is in.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// Errors after it.
    pub more: usize,
}

/// Why a kernel does not compile: the first line such as `k.cu(3): error: ...`, `k.cu:3:7: error: ...` or `ptxas error : ...`.
pub fn diagnosis(log: &str, kernel: &str) -> Diagnosis {
    let without_place = |message| Diagnosis { file: None, line: None, message, more: 0 };
    let in_text = || found(log).filter(|found| found.line.is_some());
    let of_assembler = || too_much_shared(log, kernel).map(without_place).or_else(|| found(log));
    in_text().or_else(of_assembler).unwrap_or_else(|| {
        let last = log.lines().last().unwrap_or_default();
        without_place(format!("the compiler does not say why: {last}"))
    })
}

/// The assembler refuses more shared memory than is usual, and does not always say so.
fn too_much_shared(log: &str, kernel: &str) -> Option<String> {
    let bytes = Resources::of_kernel(log, kernel)?.shared_bytes;
    (bytes > USUAL_SHARED_BYTES).then(|| {
        format!(
            "it declares {bytes} bytes of shared memory, and at most {USUAL_SHARED_BYTES} can be declared: declare it \
             `extern __shared__` and ask for it at the launch"
        )
    })
}

fn found(log: &str) -> Option<Diagnosis> {
    let mut errors = log.lines().filter_map(|line| {
        let (place, rest) = line.split_once(" error")?;
        let (_number, message) = rest.split_once(':').filter(|(number, _)| number.len() < 12)?;
        Some((place, message.trim()))
    });
    let (place, message) = errors.next()?;
    let (file, line) = parse(place);
    Some(Diagnosis { file, line, message: message.into(), more: errors.count() })
}

/// File and line from `k.cu(3): ` or `k.cu:3:7: `.
fn parse(place: &str) -> (Option<String>, Option<usize>) {
    let place =
        ["catastrophic", "fatal"].into_iter().fold(place.trim(), |place, kind| place.trim_end_matches(kind).trim());
    let place = place.trim_end_matches(':');
    let read = |(file, line): (&str, &str)| Some((file.to_owned(), line.parse().ok()?));
    let in_parentheses = place.strip_suffix(')').and_then(|place| place.rsplit_once('('));
    let behind_colons = || {
        let (before, last) = place.rsplit_once(':')?;
        before.rsplit_once(':').and_then(read).or_else(|| read((before, last)))
    };
    match in_parentheses.and_then(read).or_else(behind_colons) {
        Some((file, line)) => (Some(file), Some(line)),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_found_with_its_place() {
        for (log, place, message, more) in [
            (
                "k.cu(2): warning #177-D: variable \"q\" was declared but never referenced\n\n\
                 my k.cu(4): error: expected a \";\"\n  }\n  ^\n\nk.cu(9): error #20: identifier \"z\" is undefined\n\n\
                 2 errors detected in the compilation of \"k.cu\".\n",
                Some(("my k.cu", 4)),
                "expected a \";\"",
                1,
            ),
            ("C:\\a\\k.cu:4:12: error: expected ';'\n", Some(("C:\\a\\k.cu", 4)), "expected ';'", 0),
            ("error.cu:4: error: x", Some(("error.cu", 4)), "x", 0),
            ("k.cu:1:10: fatal error: a.h: No such file", Some(("k.cu", 1)), "a.h: No such file", 0),
            ("k.cu(1): catastrophic error: cannot open \"a.h\"", Some(("k.cu", 1)), "cannot open \"a.h\"", 0),
            (
                "ptxas error   : Entry function 'k' uses too much shared data (0x10000 bytes, 0xc000 max)",
                None,
                "Entry function 'k' uses too much shared data (0x10000 bytes, 0xc000 max)",
                0,
            ),
        ] {
            let (file, line) =
                place.map_or((None, None), |(file, line): (&str, _)| (Some(file.to_owned()), Some(line)));
            assert_eq!(diagnosis(log, "k"), Diagnosis { file, line, message: message.into(), more }, "{log}");
        }
    }

    #[test]
    fn a_refusal_without_a_word_is_explained_where_it_can_be() {
        let log = "ptxas info    : Compiling entry function 'k' for 'sm_90'\n\
                   ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n\
                   ptxas info    : Used 10 registers, used 1 barriers, 80000 bytes smem\n";
        let Diagnosis { line, message, .. } = diagnosis(log, "k");
        assert!(line.is_none() && message.starts_with("it declares 80000 bytes of shared memory, and at most 49152 "));
        let with_word =
            format!("{log} ptxas error   : Entry function 'k' uses too much shared data (0x13880 bytes, 0xc000 max)");
        assert_eq!(diagnosis(&with_word, "k").message, message);
        let other = diagnosis(&log.replace("80000", "48000"), "k").message;
        assert!(other.starts_with("the compiler does not say why: ptxas info    : Used 10 registers"), "{other}");
        assert_eq!(diagnosis("", "k").message, "the compiler does not say why: ");
    }
}
