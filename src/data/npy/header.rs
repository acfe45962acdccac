//! The header: a Python dictionary in text, behind a magic number, a version and its length.

const MAGIC: &[u8] = b"\x93NUMPY";
/// The most axes; NumPy has no more.
const MAX_AXES: usize = 64;
/// What NumPy aligns the content to.
const ALIGNMENT: usize = 64;

/// What the header declares.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) big_endian: bool,
    /// Whether the first axis is fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl Element {
    pub(super) fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The element of a code such as `f4`.
    fn of(code: &str) -> Option<Self> {
        Some(match code {
            "b1" => Self::Bool,
            "u1" => Self::U8,
            "u2" => Self::U16,
            "u4" => Self::U32,
            "u8" => Self::U64,
            "i1" => Self::I8,
            "i2" => Self::I16,
            "i4" => Self::I32,
            "i8" => Self::I64,
            "f2" => Self::F16,
            "f4" => Self::F32,
            "f8" => Self::F64,
            _ => return None,
        })
    }
}

impl Header {
    /// The header, and the bytes after it.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), String> {
        let ends = || "ends within its header".to_string();
        let rest = bytes.strip_prefix(MAGIC).ok_or("does not start as an .npy file does")?;
        let (&[major, minor], rest) = rest.split_first_chunk().ok_or_else(ends)?;
        let (length, rest) = match (major, minor) {
            (1, 0) => rest.split_first_chunk().map(|(size, rest)| (u32::from(u16::from_le_bytes(*size)), rest)),
            (2 | 3, 0) => rest.split_first_chunk().map(|(size, rest)| (u32::from_le_bytes(*size), rest)),
            _ => return Err(format!("has version {major}.{minor}, but only 1.0, 2.0 and 3.0 can be read")),
        }
        .ok_or_else(ends)?;
        let (text, content) = rest.split_at_checked(length as usize).ok_or_else(ends)?;
        let text = std::str::from_utf8(text).map_err(|_| "has a header that is no text")?;
        Ok((Parser { rest: text }.header()?, content))
    }
}

/// The bytes of a header for C order.
pub(super) fn written(element: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    // Python writes one size as `(3,)` and several as `(3, 4)`.
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let mut text = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let before = MAGIC.len() + 4;
    let padded = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.extend(std::iter::repeat_n(' ', padded - 1 - text.len()));
    text.push('\n');
    // No shape of 64 axes comes near 64 KiB.
    let length = (text.len() as u16).to_le_bytes();
    [MAGIC, &[1, 0], &length, text.as_bytes()].concat()
}

/// Reads the dictionary from left to right.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn header(mut self) -> Result<Header, String> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.require_mark('{')?;
        while !self.take('}') {
            let key = self.string()?;
            self.require_mark(':')?;
            let new = match key {
                "descr" => descr.replace(self.descr()?).is_none(),
                "fortran_order" => fortran.replace(self.boolean()?).is_none(),
                "shape" => shape.replace(self.shape()?).is_none(),
                _ => return Err(format!("has a header with the unknown key '{}'", key.escape_debug())),
            };
            if !new {
                return Err(format!("has a header with '{key}' twice"));
            }
            if !self.take(',') {
                self.require_mark('}')?;
                break;
            }
        }
        if !self.rest.trim_start().is_empty() {
            return Err("has a header that goes on after its dictionary".into());
        }
        let missing = |key| format!("has a header without '{key}'");
        let (element, big_endian) = descr.ok_or_else(|| missing("descr"))?;
        let fortran = fortran.ok_or_else(|| missing("fortran_order"))?;
        let shape = shape.ok_or_else(|| missing("shape"))?;
        Ok(Header { element, big_endian, fortran, shape })
    }

    /// An element type, and whether it is big-endian.
    fn descr(&mut self) -> Result<(Element, bool), String> {
        if self.rest.trim_start().starts_with(['[', '(']) {
            return Err("holds records of several fields, but only plain numbers can be read".into());
        }
        let text = self.string()?;
        let unknown = || format!("has elements of type '{}', which cannot be read", text.escape_debug());
        let (order, code) = text.split_at_checked(1).ok_or_else(unknown)?;
        let element = Element::of(code).ok_or_else(unknown)?;
        match (order, element.size()) {
            // `=` is the order of the machine that wrote; NumPy does not write it.
            ("<", _) | ("|", 1) => Ok((element, false)),
            (">", _) => Ok((element, true)),
            _ => Err(unknown()),
        }
    }

    fn boolean(&mut self) -> Result<bool, String> {
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.trim_start().strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err("has a header with a 'fortran_order' that is neither True nor False".into())
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.require_mark('(')?;
        while !self.take(')') {
            let digits = self.rest.trim_start();
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let size = digits[..end].parse().map_err(|_| "has a header with a shape that cannot be read")?;
            // Python 2 wrote long numbers as `3L`.
            self.rest = digits[end..].strip_prefix('L').unwrap_or(&digits[end..]);
            shape.push(size);
            if shape.len() > MAX_AXES {
                return Err(format!("has more than {MAX_AXES} axes"));
            }
            if !self.take(',') {
                self.require_mark(')')?;
                break;
            }
        }
        Ok(shape)
    }

    /// A text in quotes; those of a header need no escapes.
    fn string(&mut self) -> Result<&'a str, String> {
        let quoted = self.rest.trim_start();
        let quote = quoted.chars().next().filter(|c| ['\'', '"'].contains(c));
        let (text, rest) = quote
            .and_then(|quote| quoted[1..].split_once(quote))
            .ok_or("has a header that is no dictionary of texts")?;
        self.rest = rest;
        Ok(text)
    }

    fn take(&mut self, mark: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn require_mark(&mut self, mark: char) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(format!("has a header where a '{mark}' is missing")) }
    }
}
