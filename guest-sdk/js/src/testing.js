// A stand-in for the host, for tests without a server. The documentation of every name is in testing.d.ts.

import * as host from './testing/host.js';
import { Connection } from './connection.js';
import { UpgradeRequest, toHeaders } from './request.js';
import { toText } from './bytes.js';

export function connect(route = '/') {
  return Connection.fromId(host.add(route, true));
}

export function request(target, headers = {}) {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const fields = toHeaders(headers).map(({ name, value }) => ({ name: name.toLowerCase(), value }));
  return new UpgradeRequest({
    connection: host.add(path, false),
    peer: '192.0.2.1:5000',
    secure: false,
    authority: 'localhost',
    path,
    query: at < 0 ? undefined : target.slice(at + 1),
    headers: fields,
    protocols: fields
      .filter(({ name }) => name === 'sec-websocket-protocol')
      .flatMap(({ value }) => toText(value).split(','))
      .map((protocol) => protocol.trim()),
  });
}

export function accept(connection, protocol) {
  const entry = host.entry(connection.id);
  if (!entry) return;
  entry.open = true;
  entry.info.protocol = protocol;
}

export function sent(connection) {
  return host.entry(connection.id)?.sent.splice(0) ?? [];
}

export function refuseSends(connection, code) {
  const entry = host.entry(connection.id);
  if (entry) entry.refuse = code;
}

export function end(connection) {
  const entry = host.entry(connection.id);
  if (entry) entry.open = false;
}
