import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as own from '../src/runtime/text.js';

const ours = (bytes, options) => {
  try {
    return new own.TextDecoder('utf-8', options).decode(Uint8Array.from(bytes));
  } catch (error) {
    return error.name;
  }
};
const nodes = (bytes, options) => {
  try {
    return new TextDecoder('utf-8', options).decode(Uint8Array.from(bytes));
  } catch (error) {
    return error.name;
  }
};

test('text is encoded as Node encodes it', () => {
  for (const text of ['', 'a', 'é', '€', '😀', '\ud800', 'a\udc00b', '\udc00\ud800', '\u0000\u007f\u0080\u07ff\u0800\uffff']) {
    assert.deepEqual(new own.TextEncoder().encode(text), Uint8Array.from(Buffer.from(text.toWellFormed())), JSON.stringify(text));
  }
});

test('encodeInto stops between characters', () => {
  const bytes = new Uint8Array(4);
  assert.deepEqual(new own.TextEncoder().encodeInto('aé€', bytes), { read: 2, written: 3 });
  assert.deepEqual([...bytes], [0x61, 0xc3, 0xa9, 0]);
});

test('bytes, broken ones too, are decoded as Node decodes them', () => {
  const interesting = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff];
  for (const a of interesting) {
    for (const b of interesting) {
      for (const c of interesting) {
        for (const bytes of [[a, b, c], [a, b, c, 0x80], [a, b, c, 0x80, 0x41]]) {
          assert.equal(ours(bytes), nodes(bytes), bytes.join());
          assert.equal(ours(bytes, { fatal: true }), nodes(bytes, { fatal: true }), bytes.join());
        }
      }
    }
  }
});

test('a stream is decoded across its pieces', () => {
  const bytes = Buffer.from('a\ufeffé€😀');
  for (const size of [1, 2, 3, 7]) {
    const decoder = new own.TextDecoder();
    let text = '';
    for (let at = 0; at < bytes.length; at += size) text += decoder.decode(bytes.subarray(at, at + size), { stream: true });
    assert.equal(text + decoder.decode(), 'a\ufeffé€😀');
  }
  const cut = new own.TextDecoder();
  assert.equal(cut.decode(Uint8Array.of(0xe2, 0x82), { stream: true }), '');
  assert.equal(cut.decode(), '\ufffd');
});

test('a byte order mark is dropped, unless it is wanted', () => {
  const bytes = [0xef, 0xbb, 0xbf, 0x41];
  assert.equal(ours(bytes), 'A');
  assert.equal(ours(bytes, { ignoreBOM: true }), '\ufeffA');
});

test('no other encoding is pretended', () => {
  assert.throws(() => new own.TextDecoder('latin1'), RangeError);
});

test('long texts survive', () => {
  const text = 'aé€😀'.repeat(5000);
  assert.equal(new own.TextDecoder().decode(new own.TextEncoder().encode(text)), text);
});
