//! The header of a safetensors file: JSON that names each tensor with its element type, shape and place.
//!
//! The `safetensors` crate's own reader keeps the last of two tensors with one name, needs the whole file in memory and
//! writes its metadata in random order. This reader is stricter: a file is laid out in exactly one way or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use safetensors::Dtype;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::dtype::DType;
use crate::shape::{MAX_RANK, Shape};

/// The largest header read or written, in bytes: room for about 150,000 tensors.
pub(super) const MAX_HEADER: usize = 16 << 20;

const METADATA: &str = "__metadata__";

/// What the header says, tensors in the order of their bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tensors: Vec<Entry>,
}

/// One tensor of the header.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Shape,
    pub(super) bytes: usize,
}

impl Header {
    /// Reads a header whose tensors fill exactly `payload` bytes; the error is the rule that is broken.
    pub(super) fn parse(json: &[u8], payload: u64) -> Result<Self, String> {
        if json.first() != Some(&b'{') {
            return Err("the header does not start with '{'".into());
        }
        let Listing { metadata, tensors: mut listed } =
            serde_json::from_slice(json).map_err(|cause| format!("the header is not valid: {cause}"))?;
        listed.sort_by_key(|(_, place)| place.data_offsets);
        let mut end = 0;
        let mut tensors = Vec::with_capacity(listed.len());
        for (name, place) in listed {
            let entry = place.check(name, end)?;
            end += entry.bytes as u64;
            tensors.push(entry);
        }
        if end != payload {
            return Err(format!("the header describes {end} bytes of tensors, the file holds {payload}"));
        }
        Ok(Self { metadata, tensors })
    }

    /// The header as JSON, padded with spaces so that tensors start at a multiple of eight bytes.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec(self)?;
        json.resize(json.len().next_multiple_of(8), b' ');
        Ok(json)
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.metadata.is_empty() {
            map.serialize_entry(METADATA, &self.metadata)?;
        }
        let mut start = 0;
        for entry in &self.tensors {
            let end = start + entry.bytes as u64;
            let (dtype, shape) = (to_stored(entry.dtype), Sizes(entry.shape.to_vec()));
            map.serialize_entry(&entry.name, &Place { dtype, shape, data_offsets: (start, end) })?;
            start = end;
        }
        map.end()
    }
}

/// The header as the file spells it: nothing checked but its form and the names.
struct Listing {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, Place)>,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Place {
    dtype: Dtype,
    shape: Sizes,
    data_offsets: (u64, u64),
}

impl Place {
    /// The tensor `name`, which must start where the one before it ended.
    fn check(self, name: String, expected_start: u64) -> Result<Entry, String> {
        let (start, end) = self.data_offsets;
        let dtype = from_stored(self.dtype)
            .ok_or_else(|| format!("tensor '{name}' has element type {}, which is not supported", self.dtype))?;
        let shape = Shape::new(&self.shape.0).map_err(|error| format!("tensor '{name}': {error}"))?;
        let bytes = shape.bytes(dtype).map_err(|error| format!("tensor '{name}': {error}"))?;
        if start != expected_start {
            let fault = if start < expected_start { "overlaps the tensor before it" } else { "leaves a hole" };
            return Err(format!("tensor '{name}' starts at byte {start}, not at {expected_start}: it {fault}"));
        }
        if end.checked_sub(start) != Some(bytes as u64) {
            return Err(format!(
                "tensor '{name}' spans bytes {start} to {end}, its shape {shape} of {dtype} needs {bytes}"
            ));
        }
        Ok(Entry { name, dtype, shape, bytes })
    }
}

impl<'de> Deserialize<'de> for Listing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListingVisitor)
    }
}

struct ListingVisitor;

impl<'de> Visitor<'de> for ListingVisitor {
    type Value = Listing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from names to tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listing, A::Error> {
        let mut seen = BTreeSet::new();
        let mut listing = Listing { metadata: BTreeMap::new(), tensors: Vec::new() };
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(de::Error::custom(format_args!("the name '{name}' is used twice")));
            }
            if name == METADATA {
                listing.metadata = map.next_value()?;
            } else {
                let place = map.next_value()?;
                listing.tensors.push((name, place));
            }
        }
        Ok(listing)
    }
}

/// Sizes along each axis. Reading stops at the first axis too many, so a hostile list costs no memory.
#[derive(serde::Serialize)]
struct Sizes(Vec<usize>);

impl<'de> Deserialize<'de> for Sizes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SizesVisitor)
    }
}

struct SizesVisitor;

impl<'de> Visitor<'de> for SizesVisitor {
    type Value = Sizes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX_RANK} sizes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sizes, A::Error> {
        let mut sizes = Vec::new();
        while let Some(size) = list.next_element()? {
            if sizes.len() == MAX_RANK {
                return Err(de::Error::invalid_length(MAX_RANK + 1, &self));
            }
            sizes.push(size);
        }
        Ok(Sizes(sizes))
    }
}

fn to_stored(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::Bf16 => Dtype::BF16,
        DType::U8 => Dtype::U8,
        DType::U32 => Dtype::U32,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
    }
}

fn from_stored(stored: Dtype) -> Option<DType> {
    DType::ALL.into_iter().find(|&dtype| to_stored(dtype) == stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str, payload: u64) -> String {
        Header::parse(json.as_bytes(), payload).unwrap_err()
    }

    #[test]
    fn each_broken_rule_is_named() {
        let tensor = |name: &str, shape: &str, from: u64, to: u64| {
            format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
        };
        let two = |a: String, b: String| format!("{{{a},{b}}}");
        let one = |a: String| format!("{{{a}}}");
        let cases = [
            (rule("", 0), "start with '{'"),
            (rule("[]", 0), "start with '{'"),
            (rule("{", 0), "not valid"),
            (rule(r#"{"__metadata__":{"a":1}}"#, 0), "not valid"),
            (rule(&one(tensor("a", "[2]", 0, 8)), 9), "describes 8 bytes of tensors, the file holds 9"),
            (rule(&one(tensor("a", "[2]", 4, 12)), 12), "leaves a hole"),
            (rule(&two(tensor("a", "[2]", 0, 8), tensor("b", "[2]", 4, 12)), 12), "overlaps"),
            (rule(&two(tensor("a", "[2]", 0, 8), tensor("a", "[2]", 8, 16)), 16), "'a' is used twice"),
            (rule(&two(tensor("a", "[0]", 0, 0), tensor("a", "[0]", 0, 0)), 0), "'a' is used twice"),
            (rule(&one(tensor("a", "[3]", 0, 8)), 8), "needs 12"),
            (rule(&one(tensor("a", "[2]", 8, 0)), 8), "hole"),
            (rule(&one(tensor("a", "[1,1,1,1,1,1,1,1,1]", 0, 4)), 4), "at most 8 sizes"),
            (rule(&one(tensor("a", "[4611686018427387904,4]", 0, 0)), 0), "overflows"),
            (rule(&one(tensor("a", "[4611686018427387903]", 0, 0)), 0), "overflows"),
            (rule(&one(tensor("a", "[-1]", 0, 4)), 4), "not valid"),
            (rule(&one(tensor("a", "[1.5]", 0, 4)), 4), "not valid"),
            (rule(&one(tensor("a", "[2]", 0, 8).replace("F32", "BOOL")), 8), "BOOL, which is not supported"),
            (rule(&one(tensor("a", "[2]", 0, 8).replace("F32", "F33")), 8), "unknown variant `F33`"),
            (rule(&one(tensor("a", "[2]", 0, 8).replace("shape", "shope")), 8), "unknown field `shope`"),
            (rule(&format!("{}{}", "{\"a\":".repeat(500), "}".repeat(500)), 0), "not valid"),
        ];
        for (found, expected) in cases {
            assert!(found.contains(expected), "'{found}' does not say '{expected}'");
        }
    }
}
