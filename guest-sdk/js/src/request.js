// The handshake's records: reading an upgrade request, writing headers or a rejection.

import { Connection } from './connection.js';
import { toBytes, toText } from './bytes.js';

export class UpgradeRequest {
  constructor(fields) {
    this.connection = Connection.fromId(fields.connection);
    this.peer = fields.peer;
    this.secure = fields.secure;
    this.authority = fields.authority;
    this.path = fields.path;
    this.query = fields.query ?? undefined;
    this.headers = fields.headers;
    this.protocols = fields.protocols;
  }

  header(name) {
    const field = fieldsOf(this, name)[0];
    return field && toText(field.value);
  }

  bearerToken() {
    const fields = fieldsOf(this, 'authorization');
    // Of several nobody can say which one counts.
    if (fields.length !== 1) return undefined;
    // RFC 9110 section 11.1: the scheme is case-insensitive.
    return /^bearer +([^ ].*)$/i.exec(toText(fields[0].value) ?? '')?.[1];
  }

  cookie(name) {
    for (const field of fieldsOf(this, 'cookie')) {
      for (const pair of (toText(field.value) ?? '').split(';')) {
        const at = pair.indexOf('=');
        if (at >= 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
      }
    }
    return undefined;
  }

  queryParameter(name) {
    if (this.query === undefined) return undefined;
    for (const pair of this.query.split('&')) {
      const at = pair.indexOf('=');
      if (formDecode(at < 0 ? pair : pair.slice(0, at)) === name) return at < 0 ? '' : formDecode(pair.slice(at + 1));
    }
    return undefined;
  }
}

export class Rejection {
  constructor(status, body = '', headers = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new TypeError(`a rejection's status is 400 to 599, not ${String(status)}`);
    }
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Headers in any of the forms that a plugin may give them, as the contract has them. */
export function toHeaders(headers) {
  if (headers === undefined || headers === null) return [];
  const entries = Array.isArray(headers) ? headers : Object.entries(headers);
  return entries.map((entry) => {
    const [name, value] = Array.isArray(entry) ? entry : [entry.name, entry.value];
    return { name: String(name).toWellFormed(), value: toBytes(typeof value === 'number' ? String(value) : value) };
  });
}

function fieldsOf(request, name) {
  const wanted = name.toLowerCase();
  return request.headers.filter((header) => header.name.toLowerCase() === wanted);
}

/** application/x-www-form-urlencoded, one name or value. What is no escape stays as it is. */
function formDecode(text) {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  const bytes = [];
  const encoded = toBytes(spaced);
  for (let at = 0; at < encoded.length; at++) {
    const escape = encoded[at] === 0x25 ? String.fromCharCode(encoded[at + 1], encoded[at + 2]) : '';
    if (/^[0-9a-fA-F]{2}$/.test(escape)) {
      bytes.push(Number.parseInt(escape, 16));
      at += 2;
    } else {
      bytes.push(encoded[at]);
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
