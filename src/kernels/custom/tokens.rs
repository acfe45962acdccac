//! CUDA C++ as words, texts and marks: as much of the language as a list of parameters takes to read.

/// A word, a number, a text in quotes or a single mark, with the line it stands on, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub line: usize,
    pub text: &'a str,
}

impl Token<'_> {
    /// Whether it is a name or a word of the language.
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    }
}

/// The tokens of a text. Comments and lines of the preprocessor are dropped.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line, mut starts_line) = (0, 1, true);
    while at < text.len() {
        let rest = &text[at..];
        let (length, is_token) = match rest.as_bytes() {
            [b'#', ..] if starts_line => (directive(rest), false),
            [b'/', b'/', ..] => (rest.find('\n').unwrap_or(rest.len()), false),
            [b'/', b'*', ..] => (rest[2..].find("*/").map_or(rest.len(), |end| end + 4), false),
            [b'R', b'"', ..] => (raw(rest), true),
            [quote @ (b'"' | b'\''), ..] => (quoted(rest, *quote), true),
            [c, ..] if c.is_ascii_alphanumeric() || *c == b'_' => (word(rest), true),
            _ => (rest.chars().next().map_or(1, char::len_utf8), !rest.starts_with(char::is_whitespace)),
        };
        let lexeme = &rest[..length];
        if is_token {
            tokens.push(Token { line, text: lexeme });
        }
        let breaks = lexeme.matches('\n').count();
        starts_line = (starts_line || breaks > 0) && !is_token;
        line += breaks;
        at += length;
    }
    tokens
}

/// A line of the preprocessor, with those that it goes on over.
fn directive(text: &str) -> usize {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    end
}

/// A text from one quote to the other.
fn quoted(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    // An escape may stand before a letter of several bytes.
    (at + 1..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len())
}

/// `R"name(...)name"`.
fn raw(text: &str) -> usize {
    let Some((name, body)) = text[2..].split_once('(') else { return text.len() };
    let close = format!("){name}\"");
    body.find(&close).map_or(text.len(), |end| 2 + name.len() + 1 + end + close.len())
}

/// A name, or a number with the marks in it.
fn word(text: &str) -> usize {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || is_number && (c == '.' || c == '\'');
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_comments_texts_and_directives() {
        let text =
            "#define X \\\n  __global__\nint a; // b\n/* c\n d */ float* \"e \\\" f\" R\"x(g)\" )x\" 'h' 1'000.5f é;";
        let found: Vec<_> = tokens(text).into_iter().map(|token| (token.line, token.text)).collect();
        let expected = [
            (3, "int"),
            (3, "a"),
            (3, ";"),
            (5, "float"),
            (5, "*"),
            (5, "\"e \\\" f\""),
            (5, "R\"x(g)\" )x\""),
            (5, "'h'"),
            (5, "1'000.5f"),
            (5, "é"),
            (5, ";"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn no_text_is_too_broken_to_read() {
        let whole = "extern \"C\" __global__ /* é */ void k(const float* x) { R\"a(\\é\")a\" '\\é' \"\\é\" #\n#é\\\n }";
        for end in (0..=whole.len()).filter(|&end| whole.is_char_boundary(end)) {
            for start in (0..=end).filter(|&start| whole.is_char_boundary(start)) {
                tokens(&whole[start..end]);
            }
        }
    }
}
