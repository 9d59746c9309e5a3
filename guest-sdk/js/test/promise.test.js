import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Promise as Own, begin, drain, queueMicrotask as own } from '../src/runtime/promise.js';

begin();
const reports = [];
const run = () => drain((what, error) => reports.push([what, error]));

/** What a promise is after every job was run. */
function outcome(promise) {
  let found = 'pending';
  promise.then(
    (value) => (found = { value }),
    (error) => (found = { error }),
  );
  run();
  return found;
}

test('jobs run in the order in which they were queued, and those that they queue after them', () => {
  const order = [];
  own(() => {
    order.push(1);
    own(() => order.push(3));
  });
  own(() => order.push(2));
  run();
  assert.deepEqual(order, [1, 2, 3]);
});

test('a promise takes on what another, or a thenable, becomes', () => {
  assert.deepEqual(outcome(Own.resolve(1)), { value: 1 });
  assert.deepEqual(outcome(new Own((resolve) => resolve(Own.reject('no')))), { error: 'no' });
  assert.deepEqual(outcome(Own.resolve({ then: (resolve) => resolve(Own.resolve(2)) })), { value: 2 });
  assert.equal(outcome(new Own(() => {})), 'pending');
});

test('only the first call of resolve or reject counts', () => {
  const promise = new Own((resolve, reject) => {
    resolve(1);
    resolve(2);
    reject(3);
    throw 4;
  });
  assert.deepEqual(outcome(promise), { value: 1 });
});

test('a promise resolved with itself is rejected', () => {
  const { promise, resolve } = Own.withResolvers();
  resolve(promise);
  assert.ok(outcome(promise).error instanceof TypeError);
});

test('a thenable that throws rejects, unless it had resolved', () => {
  const thrower = (first) => ({
    then(resolve) {
      if (first) resolve('kept');
      throw 'thrown';
    },
  });
  assert.deepEqual(outcome(Own.resolve(thrower(false))), { error: 'thrown' });
  assert.deepEqual(outcome(Own.resolve(thrower(true))), { value: 'kept' });
});

test('then, catch and finally pass on what is not theirs', () => {
  assert.deepEqual(outcome(Own.reject(1).then((value) => value)), { error: 1 });
  assert.deepEqual(outcome(Own.reject(1).catch((error) => error + 1)), { value: 2 });
  assert.deepEqual(outcome(Own.resolve(1).finally(() => 5)), { value: 1 });
  assert.deepEqual(outcome(Own.reject(1).finally(() => 5)), { error: 1 });
  assert.deepEqual(
    outcome(
      Own.resolve(1).finally(() => {
        throw 9;
      }),
    ),
    { error: 9 },
  );
});

test('all, allSettled, any and race, also of nothing', () => {
  const [one, two, no] = [Own.resolve(1), 2, Own.reject('no')];
  assert.deepEqual(outcome(Own.all([one, two])), { value: [1, 2] });
  assert.deepEqual(outcome(Own.all([one, no, two])), { error: 'no' });
  assert.deepEqual(outcome(Own.all([])), { value: [] });
  assert.deepEqual(outcome(Own.allSettled([one, no])), {
    value: [
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: 'no' },
    ],
  });
  assert.deepEqual(outcome(Own.any([no, two])), { value: 2 });
  assert.deepEqual(outcome(Own.any([no])).error.errors, ['no']);
  assert.deepEqual(outcome(Own.race([new Own(() => {}), no])), { error: 'no' });
  assert.equal(outcome(Own.race([])), 'pending');
  assert.deepEqual(outcome(Own.try((a, b) => a + b, 1, 2)), { value: 3 });
});

test('a subclass makes promises of its own', () => {
  class Mine extends Own {}
  assert.ok(Mine.resolve(1) instanceof Mine);
  assert.ok(Mine.resolve(1).then() instanceof Mine);
  assert.ok(Mine.all([]) instanceof Mine);
});

test('a rejection that nobody handles is reported once, one handled in time is not', () => {
  reports.length = 0;
  const later = Own.reject('handled');
  own(() => later.catch(() => {}));
  Own.reject('lost');
  run();
  assert.deepEqual(
    reports.map(([, error]) => error),
    ['lost'],
  );
  run();
  assert.equal(reports.length, 1);
});

test('an error in a microtask is reported and the others run', () => {
  reports.length = 0;
  let reached = false;
  own(() => {
    throw 'bad';
  });
  own(() => (reached = true));
  run();
  assert.deepEqual(reports, [['a microtask threw', 'bad']]);
  assert.ok(reached);
});
