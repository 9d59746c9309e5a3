import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plugin } from '../src/index.js';
import { inspect } from '../src/hooks.js';

const f = () => {};

test('groups are what is defined, as exports, methods or those of a class', () => {
  assert.deepEqual(inspect({ businessHandler: f, onStarted: f }), { groups: ['handler', 'server-events'], problems: [] });
  assert.deepEqual(inspect({ default: plugin({ onError: f }) }).groups, ['socket-events']);
  class Chat {
    businessHandler() {}
  }
  assert.deepEqual(inspect({ default: plugin(new Chat()) }).groups, ['handler']);
});

test('slips are found, names of the author are left alone', () => {
  assert.match(inspect({ onDisconected: f }).problems[0], /did you mean onDisconnected/);
  assert.match(inspect({ 'business-handler': f }).problems[0], /did you mean businessHandler/);
  assert.deepEqual(inspect({ businessHandler: f, same: f, store: f, onConnect2Database: f }).problems, []);
});

test('what cannot be a plugin is said in words', () => {
  assert.match(inspect({}).problems[0], /no hook is exported/);
  assert.match(inspect({ businessHandler: 5 }).problems[0], /not a function/);
  assert.match(inspect({ save: f }).problems[0], /restore is missing/);
  assert.match(inspect({ default: { save: f, restore: f }, businessHandler: f }).problems[0], /businessHandler: exported beside/);
  assert.throws(() => plugin(f), TypeError);
});
