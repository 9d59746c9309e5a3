import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rejection } from 'jackfield-guest';
import * as testing from 'jackfield-guest/testing';
import { find } from '../src/accounts.ts';
import { USER, checkCustomHeader, selectProtocol } from '../src/plugin.ts';

type Fields = readonly (readonly [string, string])[];

/** The user who is let in; or the status of the rejection and its challenge. */
function check(...fields: Fields): string | [number, string] {
  const request = testing.request('/private', fields);
  const answer = checkCustomHeader(request);
  const user = request.connection.attribute(USER);
  if (!(answer instanceof Rejection)) return new TextDecoder().decode(user);
  assert.equal(user, undefined);
  assert.notEqual(answer.body, '');
  const headers = answer.headers as Record<string, string>;
  return [answer.status, headers['www-authenticate'] ?? ''];
}

test('accounts are found by their whole token', () => {
  assert.deepEqual(find('let-me-in'), { user: 'ada', standing: 'welcome' });
  assert.deepEqual(find('me-too'), { user: 'grace', standing: 'welcome' });
  assert.deepEqual(find('keep-me-out'), { user: 'mallory', standing: 'barred' });
  for (const token of ['let-me-in ', 'met-me-in', '']) assert.equal(find(token), undefined);
});

test('a token is found in all three places', () => {
  assert.equal(check(['authorization', 'Bearer let-me-in']), 'ada');
  assert.equal(check(['cookie', 'theme=dark; token=let-me-in']), 'ada');
  assert.equal(check(['sec-websocket-protocol', 'chat.v1, token.let-me-in']), 'ada');
});

test('no token is 401 with a plain challenge', () => {
  const plain = [401, 'Bearer realm="jackfield"'];
  assert.deepEqual(check(), plain);
  assert.deepEqual(check(['authorization', 'Basic bGV0LW1lLWlu']), plain);
  assert.deepEqual(check(['sec-websocket-protocol', 'let-me-in']), plain);
});

test('a wrong token is 401 and says so', () => {
  const invalid = [401, 'Bearer realm="jackfield", error="invalid_token"'];
  for (const token of ['let-me-i', 'let-me-in-', 'Let-me-in', 'let-me-on']) {
    assert.deepEqual(check(['authorization', `Bearer ${token}`]), invalid, token);
  }
});

test('a known user who is barred is 403', () => {
  assert.deepEqual(check(['cookie', 'token=keep-me-out']), [403, '']);
});

test('a good cookie does not repair a bad authorization', () => {
  const cookie = ['cookie', 'token=let-me-in'] as const;
  assert.notEqual(check(['authorization', 'Bearer wrong'], cookie), 'ada');
  assert.notEqual(check(['authorization', 'Basic x'], cookie), 'ada');
});

test('the first real protocol is chosen and the token never', () => {
  const choose = (...offered: string[]) => selectProtocol(testing.connect(), offered);
  assert.equal(choose('token.let-me-in', 'chat.v2', 'chat.v1'), 'chat.v2');
  assert.equal(choose('chat.v1'), 'chat.v1');
  assert.equal(choose('token.let-me-in', 'token.keep-me-out'), undefined);
});
