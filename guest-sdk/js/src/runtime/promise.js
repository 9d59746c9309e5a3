// Promises whose jobs the SDK can run to the end.
//
// The contract's functions are plain: a hook's result is due when it returns, and the engine runs no jobs
// afterwards. So the build turns async functions into generators over the global Promise, and this is that
// Promise (ECMAScript section 27.2): after a hook returned, `drain` runs every job there is. Nothing but other
// jobs can settle a promise in a plugin, as there are no timers and no I/O, so what is pending then stays so.

const Native = globalThis.Promise;

let jobs = [];
let scheduled = false;
let draining = false;
/** While the module is evaluated, at build time, nobody calls `drain`: the engine's own jobs do. */
let evaluating = true;
const unhandled = new Set();
const internals = new WeakMap();

/** From now on jobs wait for `drain`. */
export function begin() {
  evaluating = false;
}

/** Runs every job, also those that jobs add. An error thrown by a job is given to `report`. */
export function drain(report) {
  if (draining) return;
  draining = true;
  try {
    for (let at = 0; at < jobs.length; at++) {
      try {
        jobs[at]();
      } catch (error) {
        report('a microtask threw', error);
      }
    }
  } finally {
    jobs = [];
    draining = false;
  }
  for (const promise of unhandled) report('a promise was rejected and nobody handled it', internals.get(promise).value);
  unhandled.clear();
}

export function queueMicrotask(job) {
  if (typeof job !== 'function') throw new TypeError('queueMicrotask takes a function');
  jobs.push(job);
  if (evaluating && !scheduled) {
    scheduled = true;
    Native.resolve().then(() => {
      scheduled = false;
      drain((_, error) => Native.reject(error));
    });
  }
}

export class Promise {
  constructor(executor) {
    if (typeof executor !== 'function') throw new TypeError('Promise takes a function');
    internals.set(this, { state: 'pending', value: undefined, reactions: [] });
    const { resolve, reject } = resolvers(this);
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  static get [Symbol.species]() {
    return this;
  }

  get [Symbol.toStringTag]() {
    return 'Promise';
  }

  then(onFulfilled, onRejected) {
    const inner = internals.get(this);
    if (!inner) throw new TypeError('then: not a promise');
    const derived = capability(this.constructor?.[Symbol.species] ?? Promise);
    const reaction = { derived, onFulfilled, onRejected };
    unhandled.delete(this);
    inner.handled = true;
    if (inner.state === 'pending') inner.reactions.push(reaction);
    else react(inner, reaction);
    return derived.promise;
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(onFinally) {
    if (typeof onFinally !== 'function') return this.then(onFinally, onFinally);
    const C = this.constructor?.[Symbol.species] ?? Promise;
    return this.then(
      (value) => C.resolve(onFinally()).then(() => value),
      (error) =>
        C.resolve(onFinally()).then(() => {
          throw error;
        }),
    );
  }

  static resolve(value) {
    if (internals.has(value) && value.constructor === this) return value;
    const { promise, resolve } = capability(this);
    resolve(value);
    return promise;
  }

  static reject(error) {
    const { promise, reject } = capability(this);
    reject(error);
    return promise;
  }

  static withResolvers() {
    return capability(this);
  }

  static try(call, ...args) {
    return new this((resolve) => resolve(call(...args)));
  }

  static all(promises) {
    return combine(this, promises, (collected) => ({ fulfilled: collected.put, rejected: collected.reject }));
  }

  static allSettled(promises) {
    return combine(this, promises, (collected) => ({
      fulfilled: (at, value) => collected.put(at, { status: 'fulfilled', value }),
      rejected: (reason, at) => collected.put(at, { status: 'rejected', reason }),
    }));
  }

  static any(promises) {
    return combine(
      this,
      promises,
      (collected) => ({ fulfilled: (_, value) => collected.resolve(value), rejected: (error, at) => collected.put(at, error) }),
      (errors, { reject }) => reject(new AggregateError(errors, 'every promise was rejected')),
    );
  }

  static race(promises) {
    const { promise, resolve, reject } = capability(this);
    try {
      for (const each of promises) this.resolve(each).then(resolve, reject);
    } catch (error) {
      reject(error);
    }
    return promise;
  }
}

function capability(C) {
  let resolve;
  let reject;
  const promise = new C((first, second) => {
    resolve = first;
    reject = second;
  });
  if (typeof resolve !== 'function' || typeof reject !== 'function') throw new TypeError('not a constructor of promises');
  return { promise, resolve, reject };
}

/** The pair of functions of which the first call counts (section 27.2.1.3). */
function resolvers(promise) {
  let called = false;
  const once =
    (act) =>
    (value) => {
      if (called) return;
      called = true;
      act(value);
    };
  const reject = (error) => settle(promise, 'rejected', error);
  const resolve = (value) => {
    if (value === promise) return reject(new TypeError('a promise cannot be resolved with itself'));
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
      return settle(promise, 'fulfilled', value);
    }
    let then;
    try {
      then = value.then;
    } catch (error) {
      return reject(error);
    }
    if (typeof then !== 'function') return settle(promise, 'fulfilled', value);
    queueMicrotask(() => {
      const inner = resolvers(promise);
      try {
        then.call(value, inner.resolve, inner.reject);
      } catch (error) {
        inner.reject(error);
      }
    });
  };
  return { resolve: once(resolve), reject: once(reject) };
}

function settle(promise, state, value) {
  const inner = internals.get(promise);
  const reactions = inner.reactions;
  Object.assign(inner, { state, value, reactions: [] });
  if (state === 'rejected' && !inner.handled) unhandled.add(promise);
  for (const reaction of reactions) react(inner, reaction);
}

function react({ state, value }, { derived, onFulfilled, onRejected }) {
  const handler = state === 'fulfilled' ? onFulfilled : onRejected;
  queueMicrotask(() => {
    if (typeof handler !== 'function') {
      return state === 'fulfilled' ? derived.resolve(value) : derived.reject(value);
    }
    let result;
    try {
      result = handler(value);
    } catch (error) {
      return derived.reject(error);
    }
    derived.resolve(result);
  });
}

function combine(C, promises, handlers, complete = (values, { resolve }) => resolve(values)) {
  const outcome = capability(C);
  const values = [];
  let left = 1;
  const arrive = () => {
    left -= 1;
    if (left === 0) complete(values, outcome);
  };
  const put = (at, value) => {
    values[at] = value;
    arrive();
  };
  const { fulfilled, rejected } = handlers({ put, resolve: outcome.resolve, reject: outcome.reject });
  try {
    let index = 0;
    for (const each of promises) {
      const at = index;
      index += 1;
      left += 1;
      values.push(undefined);
      C.resolve(each).then(
        (value) => fulfilled(at, value),
        (error) => rejected(error, at),
      );
    }
    arrive();
  } catch (error) {
    outcome.reject(error);
  }
  return outcome.promise;
}
