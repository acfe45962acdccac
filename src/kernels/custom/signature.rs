//! The kernels in a text, with their parameters.

use std::fmt;

use super::number::{KNOWN, NumberType};
use super::tokens::{Token, tokens};
use crate::dtype::DType;

/// More parameters than anybody writes, and fewer than a launch has room for.
const MOST_PARAMETERS: usize = 64;

/// What a kernel is declared to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The line it stands on, from 1.
    pub line: usize,
    /// The type of the number, or of those that it points to.
    pub of: NumberType,
    /// What it is.
    pub role: Role,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A number, by value.
    Number,
    /// A pointer to elements that are only read: `const float*`.
    Input,
    /// A pointer to elements that may be written.
    Output,
}

/// A rule of the text that is broken, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: Option<usize>,
    pub rule: String,
}

/// A kernel as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub line: usize,
    pub parameters: Vec<Parameter>,
    /// The threads of a block that `__launch_bounds__` promises, where it says a number.
    pub most_threads: Option<u32>,
}

impl Parameter {
    /// The type of the elements it points to.
    pub fn dtype(&self) -> Option<DType> {
        match (self.role, self.of) {
            (Role::Input | Role::Output, NumberType::Element(dtype)) => Some(dtype),
            _ => None,
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, of, role, .. } = self;
        match role {
            Role::Number => write!(f, "{of} {name}"),
            Role::Input => write!(f, "const {of}* {name}"),
            Role::Output => write!(f, "{of}* {name}"),
        }
    }
}

/// The names of the kernels that a text defines, in order.
pub fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = declarations(&tokens(text)).into_iter().map(|found| found.name.text.into()).collect();
    names.dedup();
    names
}

/// The kernel of this name in a text.
pub fn find(text: &str, entry: &str) -> Result<Signature, Fault> {
    let tokens = tokens(text);
    let known = declarations(&tokens);
    let mut named = known.iter().filter(|declaration| declaration.name.text == entry);
    let Some(found) = named.next() else { return Err(absent(entry, &known)) };
    let fault = |rule: String| Err(Fault { line: Some(found.name.line), rule });
    if let Some(other) = named.next() {
        return fault(format!("is defined here and on line {}: which one is compiled is not known", other.name.line));
    }
    if !found.is_c {
        return fault("is not declared extern \"C\", so that its name in the compiled code is another".into());
    }
    let mut parameters = Vec::new();
    for (place, words) in split(found.parameters).into_iter().enumerate() {
        parameters.push(parameter(words, place + 1, found.name.line)?);
    }
    if parameters.len() > MOST_PARAMETERS {
        return fault(format!("has {} parameters, at most {MOST_PARAMETERS} are possible", parameters.len()));
    }
    Ok(Signature { line: found.name.line, parameters, most_threads: found.most_threads })
}

fn absent(entry: &str, known: &[Declaration<'_>]) -> Fault {
    let names: Vec<_> = known.iter().map(|found| format!("{} on line {}", found.name.text, found.name.line)).collect();
    let rule = match &names[..] {
        [] => format!("is not there: a kernel is defined as `extern \"C\" __global__ void {entry}(...) {{`"),
        names => format!("is not there; the text defines {}", names.join(", ")),
    };
    Fault { line: None, rule }
}

/// A `__global__` function with a body.
struct Declaration<'a> {
    name: Token<'a>,
    is_c: bool,
    most_threads: Option<u32>,
    /// What stands between its parentheses.
    parameters: &'a [Token<'a>],
}

fn declarations<'a>(tokens: &'a [Token<'a>]) -> Vec<Declaration<'a>> {
    let mut found = Vec::new();
    // Whether `extern "C"` was said of what comes next, and of each block that is open.
    let (mut is_c, mut blocks, mut at) = (false, Vec::new(), 0);
    while let Some(token) = tokens.get(at) {
        match token.text {
            "\"C\"" if at > 0 && tokens[at - 1].text == "extern" => is_c = true,
            "{" => blocks.push(std::mem::take(&mut is_c)),
            "}" => {
                blocks.pop();
                is_c = false;
            }
            ";" => is_c = false,
            "__global__" => {
                let is_c = std::mem::take(&mut is_c) || blocks.last() == Some(&true);
                found.extend(declaration(&tokens[at + 1..], is_c));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads on behind `__global__`. None for what is only announced, or is no function.
fn declaration<'a>(tokens: &'a [Token<'a>], is_c: bool) -> Option<Declaration<'a>> {
    let (mut at, mut most_threads) = (0, None);
    loop {
        match tokens.get(at..at + 2)? {
            [Token { text: "__launch_bounds__", .. }, Token { text: "(", .. }] => {
                let length = enclosed(&tokens[at + 2..])?;
                most_threads = tokens[at + 2].text.parse().ok();
                at += 2 + length + 1;
            }
            [Token { text: ";" | "{" | "}" | "(", .. }, _] => return None,
            [name, Token { text: "(", .. }] if name.is_word() => {
                let length = enclosed(&tokens[at + 2..])?;
                let parameters = &tokens[at + 2..at + 2 + length];
                let has_body = tokens.get(at + 2 + length + 1).is_some_and(|after| after.text == "{");
                return has_body.then_some(Declaration { name: *name, is_c, most_threads, parameters });
            }
            _ => at += 1,
        }
    }
}

/// How many tokens there are before the parenthesis that closes the one before them.
fn enclosed(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().position(|token| {
        match token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        depth < 0
    })
}

/// The parameters of a list. `void` alone is none.
fn split<'a>(list: &'a [Token<'a>]) -> Vec<&'a [Token<'a>]> {
    let mut depth = 0;
    let parts = list.split(|token| {
        match token.text {
            "(" | "<" | "[" | "{" => depth += 1,
            ")" | ">" | "]" | "}" => depth -= 1,
            _ => {}
        }
        depth == 0 && token.text == ","
    });
    match list {
        [] | [Token { text: "void", .. }] => Vec::new(),
        _ => parts.collect(),
    }
}

/// Reads a parameter, of this number in the list of a kernel on line `line`.
fn parameter(tokens: &[Token<'_>], number: usize, line: usize) -> Result<Parameter, Fault> {
    let written: Vec<_> = tokens.iter().map(|token| token.text).collect();
    let line = tokens.first().map_or(line, |token| token.line);
    let fault = |rule: String| {
        Err(Fault { line: Some(line), rule: format!("has parameter {number}, `{}`, {rule}", written.join(" ")) })
    };
    let (mut words, mut stars, mut is_const, mut at) = (Vec::new(), 0, false, 0);
    while let Some(token) = tokens.get(at) {
        match token.text {
            // Behind the star it is the pointer that does not change.
            "const" => is_const |= stars == 0,
            "__restrict__" | "__restrict" | "restrict" | "__grid_constant__" => {}
            "*" => stars += 1,
            "[" => {
                stars += 1;
                at += tokens[at..].iter().take_while(|token| token.text != "]").count();
            }
            _ if token.is_word() => words.push(token.text),
            other => {
                return fault(format!(
                    "that is not understood at '{other}': it has to be a number or a pointer to numbers"
                ));
            }
        }
        at += 1;
    }
    let Some(name) = words.pop().filter(|_| !words.is_empty()) else {
        return fault("without a name or a type".into());
    };
    let Some(of) = NumberType::of(&words) else {
        return fault(format!("of the type {}; types that are understood are {KNOWN}", words.join(" ")));
    };
    let role = match (stars, is_const) {
        (0, _) => Role::Number,
        (1, true) => Role::Input,
        (1, false) => Role::Output,
        _ => return fault("a pointer to pointers: a tensor is one pointer".into()),
    };
    if role != Role::Number && of == NumberType::U64 {
        return fault("a pointer to numbers of a type that no tensor has: long long has the same bits".into());
    }
    Ok(Parameter { name: name.into(), line, of, role })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
// extern \"C\" __global__ void comment(float x) {}
#define MACRO extern \"C\" __global__ void macro(float x) {}
extern \"C\" __global__ void announced(const float* x);
extern \"C\" __global__ void
    __launch_bounds__(128, 2)
first(const float *__restrict__ x, float const* y,
      float* const z, unsigned int n, double a[], size_t b) { if (n) { x; } }
extern \"C\" {
__global__ __launch_bounds__(MOST) void second(void) {}
static __device__ float helper(float x) { return x; }
}
__global__ void mangled(float* x) {}
template <class T> __global__ void generic(T* x) {}
";

    fn rule(text: &str, entry: &str) -> (Option<usize>, String) {
        let Fault { line, rule } = find(text, entry).unwrap_err();
        (line, rule)
    }

    #[test]
    fn kernels_are_found_with_their_parameters_and_lines() {
        assert_eq!(names(TEXT), ["first", "second", "mangled", "generic"]);
        let Signature { line, parameters, most_threads } = find(TEXT, "first").unwrap();
        assert_eq!((line, most_threads), (7, Some(128)));
        let shown: Vec<_> = parameters.iter().map(|parameter| (parameter.line, parameter.to_string())).collect();
        let expected =
            [(7, "const f32* x"), (7, "const f32* y"), (8, "f32* z"), (8, "u32 n"), (8, "f64* a"), (8, "u64 b")];
        assert_eq!(shown, expected.map(|(line, text)| (line, text.to_owned())));
        let second = Signature { line: 10, parameters: Vec::new(), most_threads: None };
        assert_eq!(find(TEXT, "second"), Ok(second));
    }

    #[test]
    fn what_is_no_kernel_to_call_is_refused_with_its_line() {
        let (line, said) = rule(TEXT, "third");
        assert_eq!(line, None);
        assert_eq!(
            said,
            "is not there; the text defines first on line 7, second on line 10, mangled on line 13, generic on line 14"
        );
        assert!(rule("int x;", "k").1.contains("`extern \"C\" __global__ void k(...) {`"));
        for (entry, line) in [("mangled", 13), ("generic", 14)] {
            let (at, said) = rule(TEXT, entry);
            assert!(at == Some(line) && said.starts_with("is not declared extern \"C\""), "{said}");
        }
        let twice = "extern \"C\" __global__ void k(int n) {}\n#else\nextern \"C\" __global__ void k(float n) {}";
        assert_eq!(
            rule(twice, "k"),
            (Some(1), "is defined here and on line 3: which one is compiled is not known".into())
        );
    }

    #[test]
    fn parameters_that_are_not_understood_are_refused_with_their_line() {
        for (parameter, said) in [
            (
                "Walk walk",
                "has parameter 2, `Walk walk`, of the type Walk; types that are understood are float, double",
            ),
            ("const void* x", "of the type void"),
            ("long n", "of the type long"),
            ("float** x", "has parameter 2, `float * * x`, a pointer to pointers"),
            ("float* x[2]", "a pointer to pointers"),
            ("float& x", "is not understood at '&'"),
            ("std::uint8_t n", "is not understood at ':'"),
            ("Vector<float, 4>* x", "is not understood at '<'"),
            ("int n = 3", "is not understood at '='"),
            ("void (*f)(int, int)", "is not understood at '('"),
            ("float*", "without a name or a type"),
            ("", "has parameter 2, ``, without a name or a type"),
            ("unsigned long long* x", "no tensor has: long long has the same bits"),
        ] {
            let text = format!("\nextern \"C\" __global__ void k(int first,\n{parameter}) {{}}");
            let (line, rule) = rule(&text, "k");
            assert_eq!(line, Some(if parameter.is_empty() { 2 } else { 3 }), "{rule}");
            assert!(rule.contains(said), "'{said}' is not in '{rule}'");
        }
        let many = vec!["int n"; 65].join(",");
        assert!(rule(&format!("extern \"C\" __global__ void k({many}) {{}}"), "k").1.contains("65 parameters"));
    }

    #[test]
    fn no_text_is_too_broken_to_look_for_kernels_in() {
        for end in (0..=TEXT.len()).filter(|&end| TEXT.is_char_boundary(end)) {
            let _whole_or_refused = find(&TEXT[..end], "first");
            names(&TEXT[end..]);
        }
    }
}
