// Text and bytes, as every call of the SDK takes them.

const encoder = new TextEncoder();

/** The bytes of a string (UTF-8), an ArrayBuffer or any view of one; not a copy, except of a string. */
export function toBytes(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return encoder.encode(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError(`expected a string, an ArrayBuffer or a view of one, not ${describe(value)}`);
}

/** The text of UTF-8 bytes; undefined when they are not UTF-8. */
export function toText(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function describe(value) {
  if (value === null || value === undefined) return String(value);
  const name = value.constructor?.name;
  return typeof value === 'object' && name ? `an object of ${name}` : `a ${typeof value}`;
}
