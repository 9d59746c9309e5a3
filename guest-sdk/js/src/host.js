// The host inside a component: the imports of wit/connections.wit. Each call gives undefined, or the code of
// the error; src/testing/host.js has the same functions for the tests.

import * as imports from 'jackfield:plugin/connections@0.1.0';

/** Calls an import. It throws an error whose payload is the case of the contract's enum. */
function attempt(call, id, a, b) {
  try {
    call(id, a, b);
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error) {
  if (typeof error?.payload === 'string') return error.payload;
  throw error;
}

function toVariant(message) {
  return typeof message === 'string' ? { tag: 'text', val: message } : { tag: 'binary', val: message };
}

export function send(id, message) {
  return attempt(imports.send, id, toVariant(message));
}

export function sendUncompressed(id, message) {
  return attempt(imports.sendUncompressed, id, toVariant(message));
}

export function sendFragment(id, part, last) {
  return attempt(imports.sendFragment, id, toVariant(part), last);
}

export function ping(id, payload) {
  return attempt(imports.ping, id, payload);
}

export function pong(id, payload) {
  return attempt(imports.pong, id, payload);
}

export function close(id, code, reason) {
  return attempt(imports.close, id, code, reason);
}

export function disconnect(id) {
  return attempt(imports.disconnect, id);
}

export function attribute(id, name) {
  try {
    return { value: imports.attribute(id, name) ?? undefined };
  } catch (error) {
    return { error: codeOf(error) };
  }
}

export function setAttribute(id, name, value) {
  return attempt(imports.setAttribute, id, name, value);
}

export function removeAttribute(id, name) {
  return attempt(imports.removeAttribute, id, name);
}

export function info(id) {
  const known = imports.info(id);
  return known ? { ...known, protocol: known.protocol ?? undefined } : undefined;
}
