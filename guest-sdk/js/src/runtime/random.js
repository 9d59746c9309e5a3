// Randomness from the host. The engine's own Math.random begins in every instance with the same numbers, as
// all of them are copies of the one that was made when the component was built.

import { getRandomBytes } from 'wasi:random/random@0.2.0';

const POOL_BYTES = 512;

let live = false;
let pool = new DataView(new ArrayBuffer(0));
let at = 0;

/** From now on there is a host to ask. */
export function begin() {
  live = true;
}

function ask(length) {
  if (!live) {
    throw new Error('there is no randomness while the component is built: use it in a hook, not at the top of a module');
  }
  return getRandomBytes(length);
}

/** As Math.random: 53 bits, at least 0, below 1. */
export function random() {
  if (at + 8 > pool.byteLength) {
    const bytes = ask(POOL_BYTES);
    pool = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    at = 0;
  }
  const high = pool.getUint32(at) >>> 5;
  const low = pool.getUint32(at + 4) >>> 6;
  at += 8;
  return (high * 0x4000000 + low) / 0x20000000000000;
}

/** The part of the Web Cryptography API that needs nothing but randomness. */
export const crypto = {
  getRandomValues(view) {
    if (!ArrayBuffer.isView(view) || /Float|DataView/.test(view.constructor.name)) {
      throw new TypeError('getRandomValues takes a typed array of integers');
    }
    if (view.byteLength > 65536) throw new RangeError('getRandomValues gives at most 65536 bytes');
    if (view.byteLength > 0) new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(ask(view.byteLength));
    return view;
  },

  /** RFC 9562 section 5.4. */
  randomUUID() {
    const bytes = ask(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
};
