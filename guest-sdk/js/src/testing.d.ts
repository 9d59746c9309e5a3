/**
 * A stand-in for the host, so that a plugin's logic can be tested under Node without a server.
 *
 * There is a host only inside a component. Under Node, every call on a `Connection` comes here instead, to a
 * small host that keeps the contract's rules (order of fragments, close codes, sizes of control frames and
 * attributes) and remembers what was sent.
 *
 * ```js
 * import * as testing from 'jackfield-guest/testing';
 * import { businessHandler } from '../src/plugin.js';
 *
 * const connection = testing.connect();
 * businessHandler(connection, 'hello');
 * assert.deepEqual(testing.sent(connection), ['hello']);
 * ```
 *
 * @module
 */

import type { Connection, Headers, Message, SendError, UpgradeRequest } from './index.d.ts';

/** Something that a plugin had sent, or done to a connection; a message is itself. */
export type Sent =
  | Message
  | { fragment: Message; last: boolean }
  | { ping: Uint8Array }
  | { pong: Uint8Array }
  | { close: number; reason: string }
  | { disconnect: true };

/** A new open connection, from 192.0.2.1; on the route `/` unless told otherwise. */
export function connect(route?: string): Connection;

/**
 * An upgrade request for a target such as `/chat?room=1`, of a new connection that is not open yet. The offered
 * subprotocols are read from the `sec-websocket-protocol` fields.
 */
export function request(target: string, headers?: Headers): UpgradeRequest;

/** Completes the upgrade of a connection that `request` made: from now on it can be sent to. */
export function accept(connection: Connection, protocol?: string): void;

/** Takes what was sent on a connection since the last time. */
export function sent(connection: Connection): Sent[];

/** From now on, sends of every kind on this connection fail with this code; undefined ends that. */
export function refuseSends(connection: Connection, code: SendError['code'] | undefined): void;

/** The connection ended: nothing more can be sent, attributes can still be read. */
export function end(connection: Connection): void;
