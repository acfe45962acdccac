//! What a compiler says about a text that it refuses.

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

/// What there is of errors in a log: lines such as `k.cu(3): error: ...`, `k.cu:3:7: error: ...` or `ptxas error : ...`.
pub fn diagnosis(log: &str) -> Option<Diagnosis> {
    let mut errors = log.lines().filter_map(|line| {
        let (place, rest) = line.split_once("error")?;
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
            ("k.cu:4: error: x", Some(("k.cu", 4)), "x", 0),
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
            assert_eq!(diagnosis(log), Some(Diagnosis { file, line, message: message.into(), more }), "{log}");
        }
        assert_eq!(diagnosis("ptxas info    : 0 bytes gmem"), None);
    }
}
