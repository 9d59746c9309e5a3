// `Connection`: what a plugin may do with a connection, and what it may ask about it.

import * as host from '#host';
import { AttributeError, CloseError, SendError } from './errors.js';
import { toBytes } from './bytes.js';

// One object per id while anyone holds it, so that connections can be compared and be keys of a Map.
// References that died are swept when the table has doubled: a finalisation callback would never be run
// in a component, where nothing runs between two calls.
const known = new Map();
let sweepAt = 64;

export class Connection {
  #id;

  static fromId(id) {
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new TypeError(`not the id of a connection: ${String(id)}`);
    }
    const existing = known.get(id)?.deref();
    if (existing) return existing;
    if (known.size >= sweepAt) sweep();
    const connection = new Connection(id);
    known.set(id, new WeakRef(connection));
    return connection;
  }

  /** Not for plugins: hooks give connections, and {@link Connection.fromId} makes one of a stored id. */
  constructor(id) {
    this.#id = id;
  }

  get id() {
    return this.#id;
  }

  send(message) {
    refused(SendError, host.send(this.#id, toMessage(message)));
  }

  sendUncompressed(message) {
    refused(SendError, host.sendUncompressed(this.#id, toMessage(message)));
  }

  sendFragment(part, last) {
    if (typeof last !== 'boolean') throw new TypeError('sendFragment(part, last): last must be true or false');
    refused(SendError, host.sendFragment(this.#id, toMessage(part), last));
  }

  ping(payload = '') {
    refused(SendError, host.ping(this.#id, toBytes(payload)));
  }

  pong(payload = '') {
    refused(SendError, host.pong(this.#id, toBytes(payload)));
  }

  close(code = 1000, reason = '') {
    // What is no u16 would be cut to one on its way to the host: 66536 would close with 1000.
    if (!Number.isInteger(code) || code < 0 || code > 0xffff) throw new CloseError('invalid-code');
    refused(CloseError, host.close(this.#id, code, String(reason).toWellFormed()));
  }

  disconnect() {
    refused(CloseError, host.disconnect(this.#id));
  }

  attribute(name) {
    const { error, value } = host.attribute(this.#id, String(name).toWellFormed());
    refused(AttributeError, error);
    return value;
  }

  setAttribute(name, value) {
    refused(AttributeError, host.setAttribute(this.#id, String(name).toWellFormed(), toBytes(value)));
  }

  removeAttribute(name) {
    refused(AttributeError, host.removeAttribute(this.#id, String(name).toWellFormed()));
  }

  info() {
    return host.info(this.#id);
  }

  toString() {
    return String(this.#id);
  }

  toJSON() {
    return this.#id;
  }
}

function refused(Refusal, code) {
  if (code !== undefined) throw new Refusal(code);
}

function sweep() {
  for (const [id, reference] of known) {
    if (reference.deref() === undefined) known.delete(id);
  }
  sweepAt = Math.max(64, known.size * 2);
}

function toMessage(value) {
  // Half a surrogate pair has no UTF-8; like the browsers' send, it goes out as U+FFFD.
  return typeof value === 'string' ? value.toWellFormed() : toBytes(value);
}
