import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as testing from 'jackfield-guest/testing';
import { businessHandler } from '../src/plugin.ts';

test('text comes back as text, binary as binary', () => {
  const connection = testing.connect();
  businessHandler(connection, 'hello');
  businessHandler(connection, Uint8Array.of(0, 255));
  assert.deepEqual(testing.sent(connection), ['hello', Uint8Array.of(0, 255)]);
});
