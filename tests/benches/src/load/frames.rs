//! The bytes of a run, made once: masked frames as a client sends them, and the echoes that must come back
//! (RFC 6455 section 5.2). Written from the RFC, not from the server's code.

use super::Kind;

/// Any key but zero: with that, unmasking would change nothing and prove nothing.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A burst of equal messages, and its echo.
pub(super) struct Frames {
    /// What one write sends.
    pub(super) burst: Vec<u8>,
    /// What comes back for it.
    pub(super) echo: Vec<u8>,
    /// Messages in a burst.
    pub(super) messages: usize,
}

impl Frames {
    pub(super) fn new(kind: Kind, size: usize, messages: usize) -> Frames {
        let payload: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
        let opcode = match kind {
            Kind::Text => 1,
            Kind::Binary => 2,
        };
        let mut frame = header(opcode, size, 0x80);
        frame.extend(KEY);
        frame.extend(
            payload
                .iter()
                .zip(KEY.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        let mut echo = header(opcode, size, 0);
        echo.extend(&payload);
        Frames {
            burst: frame.repeat(messages),
            echo: echo.repeat(messages),
            messages,
        }
    }

    /// Bytes of one message from the client.
    pub(super) fn frame_len(&self) -> usize {
        self.burst.len() / self.messages
    }

    /// Bytes of one echo.
    pub(super) fn echo_len(&self) -> usize {
        self.echo.len() / self.messages
    }
}

/// FIN, opcode, mask bit and length; RFC 6455 section 5.2: "the minimal number of bytes MUST be used to encode
/// the length", which the echo must follow too.
fn header(opcode: u8, size: usize, mask: u8) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match (u8::try_from(size), u16::try_from(size)) {
        (Ok(short @ 0..=125), _) => bytes.push(mask | short),
        (_, Ok(medium)) => {
            bytes.push(mask | 126);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend((size as u64).to_be_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 section 5.7 has "Hello" with this key; the payload differs, so only the shape is compared.
    #[test]
    fn lengths_take_the_fewest_bytes() {
        for (size, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frames = Frames::new(Kind::Text, size, 3);
            assert_eq!(frames.echo_len(), head + size);
            assert_eq!(frames.frame_len(), head + 4 + size);
            assert_eq!(frames.burst.len(), 3 * frames.frame_len());
        }
    }

    #[test]
    fn the_payload_is_masked_on_the_way_out_only() {
        let frames = Frames::new(Kind::Text, 5, 1);
        assert_eq!(frames.echo, b"\x81\x05abcde");
        assert_eq!(frames.burst[..6], [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(frames.burst[6], b'a' ^ 0x37);
        assert_eq!(frames.burst[10], b'e' ^ 0x37);
    }
}
