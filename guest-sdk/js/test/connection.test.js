import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttributeError, CloseError, Connection, SendError } from '../src/index.js';
import * as testing from '../src/testing.js';

const fails = (type, code) => (error) => error instanceof type && error.code === code && error.name === type.name;

test('strings go as text, everything else as binary', () => {
  const connection = testing.connect();
  connection.send('é\ud800');
  connection.send(Uint8Array.of(1, 2, 3).subarray(1));
  connection.send(new Uint16Array([258]));
  connection.send(new ArrayBuffer(2));
  assert.deepEqual(testing.sent(connection), ['é\ufffd', Uint8Array.of(2, 3), Uint8Array.of(2, 1), new Uint8Array(2)]);
  for (const wrong of [5, null, undefined, { a: 1 }, [1, 2]]) assert.throws(() => connection.send(wrong), TypeError);
});

test('one object stands for one connection', () => {
  const connection = testing.connect();
  assert.equal(Connection.fromId(connection.id), connection);
  assert.equal(`${connection}`, String(connection.id));
  assert.equal(JSON.stringify({ connection }), `{"connection":${connection.id}}`);
  for (const wrong of [-1, 1.5, 2 ** 53, '1', undefined]) assert.throws(() => Connection.fromId(wrong), TypeError);
});

test('many connections come and go', () => {
  for (let id = 1e6; id < 1e6 + 5000; id++) assert.equal(Connection.fromId(id).id, id);
});

test('nothing is sent before the upgrade or after the end', () => {
  const request = testing.request('/chat', { 'Sec-WebSocket-Protocol': 'a, b' });
  assert.deepEqual(request.protocols, ['a', 'b']);
  const { connection } = request;
  assert.throws(() => connection.send('early'), fails(SendError, 'gone'));
  testing.accept(connection, 'a');
  connection.send('now');
  assert.equal(connection.info().protocol, 'a');
  testing.end(connection);
  assert.throws(() => connection.send('late'), fails(SendError, 'gone'));
  assert.deepEqual(testing.sent(connection), ['now']);
  assert.equal(Connection.fromId(999).info(), undefined);
});

test('fragments keep their order and kind', () => {
  const connection = testing.connect();
  connection.sendFragment('a', false);
  assert.throws(() => connection.sendFragment(Uint8Array.of(1), true), fails(SendError, 'fragment-order'));
  assert.throws(() => connection.send('b'), fails(SendError, 'fragment-order'));
  assert.throws(() => connection.sendFragment('b'), TypeError);
  connection.ping('still there?');
  connection.sendFragment('c', true);
  connection.send('d');
  assert.equal(testing.sent(connection).length, 4);
  assert.throws(() => connection.ping(new Uint8Array(126)), fails(SendError, 'control-too-large'));
});

test('only codes that may be sent close, and only once', () => {
  for (const code of [0, 999, 1004, 1005, 1006, 1010, 1015, 2999, 5000, 66536, -1, 1000.5, '1000']) {
    assert.throws(() => testing.connect().close(code), fails(CloseError, 'invalid-code'), String(code));
  }
  const connection = testing.connect();
  connection.close(4001, 'é'.repeat(100));
  assert.throws(() => connection.close(), fails(CloseError, 'gone'));
  assert.deepEqual(testing.sent(connection), [{ close: 4001, reason: 'é'.repeat(61) }]);
});

test('attributes are bounded, and outlive the connection', () => {
  const connection = testing.connect();
  connection.setAttribute('user', 'ada');
  assert.throws(() => connection.setAttribute('user', new Uint8Array(20_000)), fails(AttributeError, 'too-large'));
  testing.end(connection);
  assert.equal(new TextDecoder().decode(connection.attribute('user')), 'ada');
  connection.removeAttribute('user');
  assert.equal(connection.attribute('user'), undefined);
  assert.throws(() => Connection.fromId(999).attribute('a'), fails(AttributeError, 'gone'));
});

test('a message is sent uncompressed when asked', () => {
  const connection = testing.connect();
  connection.sendUncompressed('secret');
  assert.deepEqual(testing.sent(connection), ['secret']);
});

test('a peer that reads too slowly', () => {
  const connection = testing.connect();
  testing.refuseSends(connection, 'backlog-full');
  assert.throws(() => connection.send('x'), fails(SendError, 'backlog-full'));
});
