// The host of the tests: keeps the contract's rules (order of fragments, close codes, sizes of control frames
// and attributes) and remembers what was sent. The same functions as src/host.js.

/** The attribute limit of a host that is not configured otherwise. */
const ATTRIBUTES_MAX = 16 * 1024;
const PEER = '192.0.2.1:5000';

const entries = new Map();
let lastId = 0;

export function add(route, open) {
  lastId += 1;
  entries.set(lastId, {
    open,
    sent: [],
    attributes: new Map(),
    fragmented: undefined,
    refuse: undefined,
    info: { peer: PEER, secure: false, route, protocol: undefined, ageMs: 0, idleMs: 0, backlog: 0 },
  });
  return lastId;
}

export function entry(id) {
  return entries.get(id);
}

export function send(id, message) {
  return sending(id, (entry) => {
    if (entry.fragmented !== undefined) return 'fragment-order';
    entry.sent.push(copy(message));
  });
}

export function sendUncompressed(id, message) {
  return send(id, message);
}

export function sendFragment(id, part, last) {
  return sending(id, (entry) => {
    const kind = typeof part === 'string' ? 'text' : 'binary';
    if (entry.fragmented !== undefined && entry.fragmented !== kind) return 'fragment-order';
    entry.fragmented = last ? undefined : kind;
    entry.sent.push({ fragment: copy(part), last });
  });
}

export function ping(id, payload) {
  return control(id, payload, 'ping');
}

export function pong(id, payload) {
  return control(id, payload, 'pong');
}

export function close(id, code, reason) {
  // RFC 6455 section 7.4: the codes that may be sent.
  const may =
    (code >= 1000 && code <= 1003) ||
    (code >= 1007 && code <= 1009) ||
    (code >= 1011 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
  if (!may) return 'invalid-code';
  const entry = entries.get(id);
  if (!entry?.open) return 'gone';
  entry.open = false;
  entry.sent.push({ close: code, reason: cut(reason) });
}

export function disconnect(id) {
  const entry = entries.get(id);
  if (!entry) return 'gone';
  entry.open = false;
  entry.sent.push({ disconnect: true });
}

export function attribute(id, name) {
  const entry = entries.get(id);
  return entry ? { value: entry.attributes.get(name)?.slice() } : { error: 'gone' };
}

export function setAttribute(id, name, value) {
  const entry = entries.get(id);
  if (!entry) return 'gone';
  let total = lengthOf(name) + value.length;
  for (const [key, other] of entry.attributes) {
    if (key !== name) total += lengthOf(key) + other.length;
  }
  if (total > ATTRIBUTES_MAX) return 'too-large';
  entry.attributes.set(name, value.slice());
}

export function removeAttribute(id, name) {
  const entry = entries.get(id);
  if (!entry) return 'gone';
  entry.attributes.delete(name);
}

export function info(id) {
  const entry = entries.get(id);
  return entry && { ...entry.info };
}

function sending(id, send) {
  const entry = entries.get(id);
  if (!entry?.open) return 'gone';
  return entry.refuse ?? send(entry);
}

function control(id, payload, kind) {
  return sending(id, (entry) => {
    // RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less".
    if (payload.length > 125) return 'control-too-large';
    entry.sent.push({ [kind]: payload.slice() });
  });
}

/** At most 123 bytes, on a character boundary. */
function cut(reason) {
  let kept = '';
  for (const character of reason) {
    if (lengthOf(kept + character) > 123) break;
    kept += character;
  }
  return kept;
}

function lengthOf(text) {
  return new TextEncoder().encode(text).length;
}

function copy(message) {
  return typeof message === 'string' ? message : message.slice();
}
