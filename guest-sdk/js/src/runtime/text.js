// TextEncoder and TextDecoder for UTF-8, which QuickJS lacks (WHATWG Encoding Standard, sections 4 and 7).

export class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    const units = String(text);
    // At most three bytes for each unit of UTF-16.
    const bytes = new Uint8Array(units.length * 3);
    return bytes.slice(0, write(units, bytes).written);
  }

  encodeInto(text, bytes) {
    return write(String(text), bytes);
  }
}

function write(text, bytes) {
  let [read, written] = [0, 0];
  while (read < text.length) {
    let code = text.charCodeAt(read);
    let units = 1;
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = code < 0xdc00 ? text.charCodeAt(read + 1) : Number.NaN;
      if (low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        units = 2;
      } else {
        code = 0xfffd;
      }
    }
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (written + size > bytes.length) break;
    if (size === 1) {
      bytes[written] = code;
    } else {
      bytes[written] = [0, 0, 0xc0, 0xe0, 0xf0][size] | (code >> (6 * (size - 1)));
      for (let at = 1; at < size; at++) bytes[written + at] = 0x80 | ((code >> (6 * (size - 1 - at))) & 0x3f);
    }
    written += size;
    read += units;
  }
  return { read, written };
}

export class TextDecoder {
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(unicode-1-1-)?utf-?8\s*$/i.test(label)) {
      throw new RangeError(`only utf-8 can be decoded, not ${label}`);
    }
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return 'utf-8';
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    let bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      bytes = joined;
    }
    const { text, used } = decode(bytes, this.#fatal, stream);
    this.#rest = bytes.slice(used);
    const strip = !this.#ignoreBOM && !this.#begun && text.startsWith('\ufeff');
    this.#begun = stream && (this.#begun || text.length > 0);
    return strip ? text.slice(1) : text;
  }
}

function decode(bytes, fatal, stream) {
  const parts = [];
  let units = [];
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at];
    let code = lead;
    let size = 1;
    if (lead >= 0x80) {
      const result = sequence(bytes, at);
      if (result.incomplete && stream) break;
      if (result.code === undefined && fatal) throw new TypeError('the bytes are not UTF-8');
      code = result.code ?? 0xfffd;
      size = result.size;
    }
    at += size;
    if (code < 0x10000) units.push(code);
    else units.push(0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
    if (units.length >= 4096) {
      parts.push(String.fromCharCode.apply(null, units));
      units = [];
    }
  }
  parts.push(String.fromCharCode.apply(null, units));
  return { text: parts.join(''), used: at };
}

/** One sequence of several bytes: its code point and size, or the size of the longest valid beginning. */
function sequence(bytes, at) {
  const lead = bytes[at];
  const size = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (size === 0) return { size: 1 };
  let code = lead & (0x7f >> size);
  for (let next = 1; next < size; next++) {
    if (at + next >= bytes.length) return { size: next, incomplete: true };
    const byte = bytes[at + next];
    // The second byte's range keeps out long forms, surrogates and what is above U+10FFFF.
    const low = next > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = next > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return { size: next };
    code = (code << 6) | (byte & 0x3f);
  }
  return { code, size };
}
