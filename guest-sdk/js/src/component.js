// The way from the component's exports to the author's hooks: values converted, promises driven to their end,
// errors logged with their stack before the instance is given up.

import { exit } from 'wasi:cli/exit@0.2.0';
import { Connection } from './connection.js';
import { hooksOf } from './hooks.js';
import { Rejection, UpgradeRequest, toHeaders } from './request.js';
import { toBytes } from './bytes.js';
import * as output from './runtime/console.js';
import { describe, inspect } from './runtime/inspect.js';
import * as jobs from './runtime/promise.js';
import * as randomness from './runtime/random.js';

/** The component's exports, by the names that the toolchain looks for; all groups, of which the entry takes some. */
export function bind(module) {
  const hooks = hooksOf(module);
  const has = (name) => typeof hooks[name] === 'function';
  const hear = (name, args) => void (has(name) && guarded(name, () => run(hooks, name, args())));
  const connection = Connection.fromId;

  return {
    handshake: {
      checkCustomHeader(request) {
        if (!has('checkCustomHeader')) return [];
        const answer = guarded('checkCustomHeader', () => check(hooks, request));
        // An error of the contract's result is thrown; the toolchain lowers it.
        if (answer.rejection) throw answer.rejection;
        return answer.headers;
      },
      selectProtocol(id, offered) {
        if (!has('selectProtocol')) return null;
        return guarded('selectProtocol', () => {
          const answer = run(hooks, 'selectProtocol', [connection(id), offered]);
          if (answer === undefined || answer === null) return null;
          if (typeof answer === 'string') return answer.toWellFormed();
          throw new TypeError(`selectProtocol gives one of the offered protocols or undefined, not ${inspect(answer)}`);
        });
      },
    },
    handler: {
      businessHandler(id, message) {
        hear('businessHandler', () => [connection(id), message.val]);
      },
    },
    connectionEvents: {
      onHandshakeSuccess(id) {
        hear('onHandshakeSuccess', () => [connection(id)]);
      },
      onDisconnected(id, ending) {
        hear('onDisconnected', () => [connection(id), ending]);
      },
    },
    socketEvents: {
      onConnected(id, peer) {
        hear('onConnected', () => [connection(id), peer]);
      },
      onUpgradePartReceive(id, received) {
        hear('onUpgradePartReceive', () => [connection(id), received]);
      },
      onHandshakeFailure(id, status, reason) {
        hear('onHandshakeFailure', () => [connection(id), status, reason]);
      },
      onAfterRemoveSocket(id) {
        hear('onAfterRemoveSocket', () => [connection(id)]);
      },
      onError(id, kind, detail) {
        hear('onError', () => [connection(id), kind, detail]);
      },
    },
    healthEvents: {
      onAfterHealthCheck(unhealthy) {
        hear('onAfterHealthCheck', () => [Array.from(unhealthy, (id) => connection(Number(id)))]);
      },
    },
    serverEvents: {
      onStarted() {
        hear('onStarted', () => []);
      },
      onShutdown() {
        hear('onShutdown', () => []);
      },
    },
    state: {
      save() {
        return refusable('save', () => toBytes(run(hooks, 'save', []) ?? ''));
      },
      restore(fromVersion, state) {
        return refusable('restore', () => void run(hooks, 'restore', [fromVersion, state]));
      },
    },
  };
}

/** Calls a hook and runs whatever it left to be run; a promise is settled or the call fails. */
function run(hooks, name, args) {
  const value = hooks[name](...args);
  if (typeof value?.then !== 'function') {
    jobs.drain(report);
    return value;
  }
  let outcome;
  Promise.resolve(value).then(
    (result) => (outcome = { result }),
    (error) => (outcome = { error }),
  );
  jobs.drain(report);
  if (!outcome) {
    throw new Error(
      `${name} gave a promise that nothing can settle: a plugin has no timers and no I/O, ` +
        'and a call is over when its hook is',
    );
  }
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}

function check(hooks, fields) {
  let answer;
  try {
    answer = run(hooks, 'checkCustomHeader', [new UpgradeRequest(fields)]);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    answer = error;
  }
  if (!(answer instanceof Rejection)) return { headers: toHeaders(answer) };
  const { status, body, headers } = answer;
  return { rejection: { status, body: String(body).toWellFormed(), headers: toHeaders(headers) } };
}

/** Runs a call. What it throws is logged, and ends the instance: the host answers the connection. */
function guarded(name, call) {
  output.begin();
  randomness.begin();
  jobs.begin();
  try {
    return call();
  } catch (error) {
    report(`${name} threw`, error);
    // Not rethrown: the engine would trap all the same, after a panic of its own in the log.
    exit({ tag: 'err' });
  }
}

/** Runs a call that may say no: what it throws is the error that the host reads. */
function refusable(name, call) {
  const answer = guarded(name, () => {
    try {
      return { value: call() };
    } catch (error) {
      report(`${name} threw`, error);
      return { refusal: error instanceof Error ? error.message : String(error) };
    }
  });
  if ('refusal' in answer) throw answer.refusal.toWellFormed();
  return answer.value;
}

function report(what, error) {
  console.error(`${what}: ${describe(error)}`);
}
