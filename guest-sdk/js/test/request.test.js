import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rejection } from '../src/index.js';
import { toHeaders } from '../src/request.js';
import { request } from '../src/testing.js';

test('a bearer token is read in any case and spacing, and never of two', () => {
  const token = (value) => request('/', { Authorization: value }).bearerToken();
  assert.equal(token('bearer abc'), 'abc');
  assert.equal(token('BEARER   abc'), 'abc');
  assert.equal(token('Basic abc'), undefined);
  assert.equal(token('Bearer'), undefined);
  const two = [['authorization', 'Bearer a'], ['authorization', 'Bearer b']];
  assert.equal(request('/', two).bearerToken(), undefined);
});

test('cookies are found in every field by their exact name', () => {
  const cookies = request('/', [['cookie', 'a=1;b=2'], ['cookie', 'xtoken=no; token=k=v; token=second']]);
  assert.equal(cookies.cookie('b'), '2');
  assert.equal(cookies.cookie('token'), 'k=v');
  assert.equal(cookies.cookie('Token'), undefined);
});

test('a query is decoded as a form and broken escapes stay', () => {
  const parameter = (name) => request('/?a=1&b&c=%zz%4&%64=%ff&e=x=y&caf%C3%A9=au+lait%').queryParameter(name);
  assert.equal(parameter('a'), '1');
  assert.equal(parameter('b'), '');
  assert.equal(parameter('c'), '%zz%4');
  assert.equal(parameter('d'), '\ufffd');
  assert.equal(parameter('e'), 'x=y');
  assert.equal(parameter('café'), 'au lait%');
  assert.equal(parameter('f'), undefined);
  assert.equal(request('/').queryParameter('a'), undefined);
});

test('a field that is not UTF-8 has no text', () => {
  assert.equal(request('/', { x: Uint8Array.of(0xff) }).header('X'), undefined);
  assert.equal(request('/', { Origin: 'https://example.com' }).header('origin'), 'https://example.com');
});

test('headers are given in any of three forms', () => {
  const expected = [{ name: 'a', value: Uint8Array.of(0x31) }];
  for (const given of [{ a: '1' }, [['a', 1]], expected]) {
    assert.deepEqual(toHeaders(given).map(({ name, value }) => ({ name, value: Uint8Array.from(value) })), expected);
  }
  assert.deepEqual(toHeaders(undefined), []);
});

test('a rejection has a status that refuses', () => {
  for (const wrong of [200, 101, 600, 400.5, '401']) assert.throws(() => new Rejection(wrong), TypeError);
  assert.equal(new Rejection(599).body, '');
});
