//! As much of protocol buffers' encoding as events need: <https://protobuf.dev/programming-guides/encoding/>.

/// A message: fields by number, in the order written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How the content of a field is laid out.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    EightBytes = 1,
    Counted = 2,
    FourBytes = 5,
}

impl Message {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `int64` and its kin.
    pub(super) fn whole(&mut self, field: u32, value: u64) -> &mut Self {
        self.key(field, Wire::Varint);
        self.varint(value)
    }

    pub(super) fn double(&mut self, field: u32, value: f64) -> &mut Self {
        self.key(field, Wire::EightBytes);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn float(&mut self, field: u32, value: f32) -> &mut Self {
        self.key(field, Wire::FourBytes);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn text(&mut self, field: u32, value: &str) -> &mut Self {
        self.counted(field, value.as_bytes())
    }

    pub(super) fn message(&mut self, field: u32, value: &Message) -> &mut Self {
        self.counted(field, value.bytes())
    }

    /// `repeated double`, packed.
    pub(super) fn doubles(&mut self, field: u32, values: &[f64]) -> &mut Self {
        self.counted(field, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    fn counted(&mut self, field: u32, bytes: &[u8]) -> &mut Self {
        self.key(field, Wire::Counted);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field << 3 | wire as u32));
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) -> &mut Self {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_come_out() {
        let encoded = |write: fn(&mut Message) -> &mut Message| write(&mut Message::default()).0.clone();
        assert_eq!(encoded(|m| m.whole(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(encoded(|m| m.text(2, "testing")), b"\x12\x07testing");
        assert_eq!(encoded(|m| m.message(3, Message::default().whole(1, 150))), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(encoded(|m| m.whole(1, u64::MAX)), [&[8][..], &[0xff; 9], &[1]].concat());
        assert_eq!(encoded(|m| m.float(4, 1.0)), [0x25, 0, 0, 0x80, 0x3f]);
        assert_eq!(encoded(|m| m.doubles(6, &[1.0])), [0x32, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    }
}
