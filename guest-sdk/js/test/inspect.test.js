import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../src/index.js';
import { describe, format, inspect } from '../src/runtime/inspect.js';

test('arguments become a line, as console.log shows them', () => {
  assert.equal(format(['a', 1, true, null, undefined]), 'a 1 true null undefined');
  assert.equal(format(['%s has %d of %j, 100%%', 'x', '3', { a: 1 }, 'more']), 'x has 3 of {"a":1}, 100% more');
  assert.equal(format(['%s']), '%s');
});

test('values are shown as they are written', () => {
  assert.equal(inspect({ a: [1, 'two'], 'b-c': new Map([['k', new Set([1n])]]) }), "{ a: [1, 'two'], 'b-c': Map(1) {'k' => Set(1) {1n}} }");
  assert.equal(inspect(Uint8Array.of(1, 2)), 'Uint8Array(2) [1, 2]');
  assert.equal(inspect(-0), '-0');
  assert.equal(inspect({ c: Connection.fromId(7) }), '{ c: Connection(7) }');
  assert.equal(inspect(new (class Room {})()), 'Room {}');
});

test('depth, width and circles are bounded', () => {
  const circle = { name: 'c' };
  circle.self = circle;
  assert.equal(inspect(circle), "{ name: 'c', self: [circular] }");
  assert.equal(inspect({ a: { b: { c: { d: { e: 1 } } } } }), '{ a: { b: { c: { d: [Object] } } } }');
  assert.match(inspect(Array(1000).fill(0)), /… 900 more\]$/);
});

test('an error is described with its stack and causes', () => {
  const text = describe(new TypeError('late', { cause: new Error('root') }));
  assert.match(text, /^TypeError: late\n {4}at .*\n(.*\n)* {2}caused by: Error: root\n/);
  assert.match(describe('a string'), /^'a string' \(thrown/);
});

test('an error of a class that does not name itself has the name of the class', () => {
  class RoomFull extends Error {}
  assert.match(describe(new RoomFull('7 of 7')), /^RoomFull: 7 of 7\n/);
});

test('places are given in the files of the author', () => {
  globalThis.__jackfieldLines = { files: ['src/plugin.ts'], lines: ';;0,7' };
  const error = new Error('x');
  error.stack = '    at hook (componentize-qjs:user.js:3:10)\n    at bind (componentize-qjs:user.js:1:1)\n    at next (native)\n';
  assert.equal(describe(error), 'Error: x\n    at hook (src/plugin.ts:7)');
  delete globalThis.__jackfieldLines;
});
