//! WebSocket frames on the wire (RFC 6455 section 5.2), written and read without any help from the
//! server's code. The writer can produce every malformed frame a test needs; the reader refuses
//! whatever a server must not send.

/// Opcode of a continuation.
pub const CONTINUATION: u8 = 0;
/// Opcode of text.
pub const TEXT: u8 = 1;
/// Opcode of binary.
pub const BINARY: u8 = 2;
/// Opcode of close.
pub const CLOSE: u8 = 8;
/// Opcode of ping.
pub const PING: u8 = 9;
/// Opcode of pong.
pub const PONG: u8 = 10;

/// How a length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthForm {
    /// As section 5.2 demands: the shortest that fits.
    Minimal,
    /// In 16 bits, even when 7 would do.
    Bits16,
    /// In 64 bits, even when fewer would do.
    Bits64,
}

/// A frame to be written, right or wrong.
#[derive(Clone, Debug)]
pub struct Wire {
    fin: bool,
    reserved: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    form: LengthForm,
    declared: Option<u64>,
    payload: Vec<u8>,
}

impl Wire {
    /// A correct, final, masked frame.
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Wire {
        Wire {
            fin: true,
            reserved: 0,
            opcode,
            mask: Some([0x37, 0xfa, 0x21, 0x3d]),
            form: LengthForm::Minimal,
            declared: None,
            payload: payload.into(),
        }
    }

    /// A close frame with code and reason.
    pub fn close(code: u16, reason: &str) -> Wire {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        Wire::new(CLOSE, payload)
    }

    /// Without the FIN bit: more fragments follow.
    pub fn more(mut self) -> Wire {
        self.fin = false;
        self
    }

    /// With these reserved bits (1 to 7; 4 is RSV1).
    pub fn reserved(mut self, bits: u8) -> Wire {
        self.reserved = bits;
        self
    }

    /// Without a mask, which no client may send (section 5.1).
    pub fn unmasked(mut self) -> Wire {
        self.mask = None;
        self
    }

    /// With this masking key.
    pub fn mask(mut self, key: [u8; 4]) -> Wire {
        self.mask = Some(key);
        self
    }

    /// With the length written in this form.
    pub fn form(mut self, form: LengthForm) -> Wire {
        self.form = form;
        self
    }

    /// With a length that is not the payload's.
    pub fn declaring(mut self, length: u64, form: LengthForm) -> Wire {
        self.declared = Some(length);
        self.form = form;
        self
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let length = self.declared.unwrap_or(self.payload.len() as u64);
        let mut out = Vec::with_capacity(self.payload.len() + 14);
        out.push(u8::from(self.fin) << 7 | (self.reserved & 7) << 4 | self.opcode & 15);
        let masked = u8::from(self.mask.is_some()) << 7;
        match self.form {
            LengthForm::Minimal if length < 126 => out.push(masked | length as u8),
            LengthForm::Minimal if length <= 0xffff => extend16(&mut out, masked, length),
            LengthForm::Bits16 => extend16(&mut out, masked, length),
            LengthForm::Minimal | LengthForm::Bits64 => {
                out.push(masked | 127);
                out.extend_from_slice(&length.to_be_bytes());
            }
        }
        match self.mask {
            None => out.extend_from_slice(&self.payload),
            Some(key) => {
                out.extend_from_slice(&key);
                let bytes = self.payload.iter().zip(key.iter().cycle());
                out.extend(bytes.map(|(byte, key)| byte ^ key));
            }
        }
        out
    }
}

fn extend16(out: &mut Vec<u8>, masked: u8, length: u64) {
    out.push(masked | 126);
    out.extend_from_slice(&(length as u16).to_be_bytes());
}

/// A frame that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The FIN bit.
    pub fin: bool,
    /// Opcode.
    pub opcode: u8,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The payload as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("a UTF-8 payload")
    }

    /// Code and reason of a close frame; no code when it is empty (section 5.5.1).
    ///
    /// # Panics
    /// When this is not a well-formed close frame.
    #[track_caller]
    pub fn close_reason(&self) -> (Option<u16>, &str) {
        assert_eq!(self.opcode, CLOSE, "expected a close frame, got {self:?}");
        match &self.payload[..] {
            [] => (None, ""),
            [high, low, reason @ ..] => (
                Some(u16::from_be_bytes([*high, *low])),
                std::str::from_utf8(reason).expect("a UTF-8 reason"),
            ),
            [_] => panic!("a close frame with half a code"),
        }
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.payload[..self.payload.len().min(80)];
        write!(
            f,
            "Frame(fin {}, opcode {}, {} bytes: {:?})",
            self.fin,
            self.opcode,
            self.payload.len(),
            String::from_utf8_lossy(shown)
        )
    }
}

/// Takes one frame from the front of `buffer`; none when it is not complete yet.
///
/// # Panics
/// When a server must not have sent it: masked (section 5.1), reserved bits without an extension, a reserved
/// opcode, a length that is not minimal (section 5.2), a control frame that is fragmented or too long (5.5).
#[track_caller]
pub fn take(buffer: &mut Vec<u8>) -> Option<Frame> {
    let (&first, &second) = (buffer.first()?, buffer.get(1)?);
    let opcode = first & 15;
    assert_eq!(first & 0x70, 0, "reserved bits in a frame of the server");
    assert!(
        matches!(opcode, 0..=2 | 8..=10),
        "opcode {opcode} from the server"
    );
    assert_eq!(second & 0x80, 0, "a masked frame from the server");
    let (length, start) = match second & 127 {
        126 => {
            let bytes: [u8; 2] = buffer.get(2..4)?.try_into().expect("two bytes");
            let length = usize::from(u16::from_be_bytes(bytes));
            assert!(length > 125, "a 16-bit length for {length}");
            (length, 4)
        }
        127 => {
            let bytes: [u8; 8] = buffer.get(2..10)?.try_into().expect("eight bytes");
            let length = u64::from_be_bytes(bytes);
            assert!(length > 0xffff, "a 64-bit length for {length}");
            (usize::try_from(length).expect("a sane length"), 10)
        }
        length => (usize::from(length), 2),
    };
    let fin = first & 0x80 != 0;
    if opcode >= CLOSE {
        assert!(
            fin && length <= 125,
            "a control frame, fragmented or too long"
        );
    }
    let payload = buffer.get(start..start + length)?.to_vec();
    buffer.drain(..start + length);
    Some(Frame {
        fin,
        opcode,
        payload,
    })
}
