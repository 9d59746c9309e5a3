/**
 * Write the business logic of a Jackfield WebSocket server in JavaScript or TypeScript.
 *
 * A plugin is a module that exports hooks: functions with the names of {@link Hooks}. Only the groups of hooks
 * that are there enter the component; the host never calls the others.
 *
 * ```js
 * export function businessHandler(connection, message) {
 *   connection.send(message);
 * }
 * ```
 *
 * With state, or in TypeScript, an object is more pleasant; see {@link plugin}.
 *
 * @module
 */

/** A message: a string is a text message, anything else a binary one. Hooks are given strings and `Uint8Array`s. */
export type Message = string | Uint8Array;

/** What can be sent as bytes: a string goes as its UTF-8. */
export type Bytes = string | ArrayBuffer | ArrayBufferView;

/** What is answered where the contract allows waiting: a promise is driven to its end within the call. */
export type MaybePromise<T> = T | PromiseLike<T>;

/**
 * The hooks, all of them optional. `async` functions may be used: the SDK runs every job before the call ends.
 * There are no timers and no I/O to wait for, so a promise that is still pending then fails the call.
 *
 * An error that leaves a hook is written to the host's log with its stack, and costs the plugin's instance:
 * the connection of the call is closed with 1011 (in the handshake: refused with 500), the others go on with
 * a fresh instance.
 */
export interface Hooks {
  /**
   * Called when an upgrade request passed every check of RFC 6455 section 4.2.1. What is returned is added to
   * the 101 response; a {@link Rejection}, returned or thrown, refuses the upgrade and is sent as the HTTP
   * response.
   *
   * It fails closed: an error is answered with 500, running out of time with 503. With several plugins on a
   * route, the first rejection ends it. Nothing can be sent yet, but attributes can be set.
   */
  checkCustomHeader?(request: UpgradeRequest): MaybePromise<Headers | Rejection | void>;

  /**
   * Chooses one of the subprotocols that the client offered, in its order of preference, or none. Not called
   * when it offered none. With several plugins on a route, the first answer wins.
   *
   * An answer that was not offered fails the upgrade with 500. Mind that a browser that offered subprotocols
   * gives up a connection whose response names none.
   */
  selectProtocol?(connection: Connection, offered: string[]): MaybePromise<string | null | undefined | void>;

  /**
   * Called with each message, reassembled from its fragments, one call at a time per connection, in the order
   * of arrival. With several plugins on a route, the first that has this hook gets the message.
   */
  businessHandler?(connection: Connection, message: Message): MaybePromise<void>;

  /** The 101 response is in the outgoing buffer; no message was delivered yet. The first moment to send. */
  onHandshakeSuccess?(connection: Connection): MaybePromise<void>;

  /** The connection ended; nothing more can be sent. Attributes can still be read. */
  onDisconnected?(connection: Connection, ending: Ending): MaybePromise<void>;

  /**
   * A socket was accepted; nothing of a request has been read yet. `peer` is its address and port, or those that
   * a PROXY protocol header named. The route is not known yet, so a plugin with any of the hooks from here to
   * `onError` hears of every socket.
   */
  onConnected?(connection: Connection, peer: string): MaybePromise<void>;

  /** A part of the upgrade request arrived, and the request is not complete; `received` bytes so far. */
  onUpgradePartReceive?(connection: Connection, received: number): MaybePromise<void>;

  /** The upgrade was refused with this HTTP status; 0 when the peer left before an answer. */
  onHandshakeFailure?(connection: Connection, status: number, reason: string): MaybePromise<void>;

  /** The socket is closed and the id is gone. Called once for each `onConnected`. */
  onAfterRemoveSocket?(connection: Connection): MaybePromise<void>;

  /** Something went wrong on a socket; what follows (close frame, removal) is reported by itself. */
  onError?(connection: Connection, kind: ErrorKind, detail: string): MaybePromise<void>;

  /**
   * Called after a health check that found connections of this plugin's routes unhealthy: no traffic within
   * the interval, or no answer to a ping. They are being closed.
   */
  onAfterHealthCheck?(unhealthy: Connection[]): MaybePromise<void>;

  /** Called once on each instance before any other hook. */
  onStarted?(): MaybePromise<void>;

  /**
   * The server is stopping, or this instance is being replaced; connections are still open. The call has a
   * time budget of its own.
   */
  onShutdown?(): MaybePromise<void>;

  /**
   * What the next version must know when the plugin is swapped. It is read by another version: give it a format
   * that can grow. An error keeps this version serving. Goes together with `restore`.
   */
  save?(): MaybePromise<Bytes>;

  /**
   * Called on the new instance after `onStarted` and before any other hook, with what `save` gave and the
   * version (digest) that gave it. An error keeps the old version serving.
   */
  restore?(fromVersion: string, state: Uint8Array): MaybePromise<void>;
}

/**
 * Gives a plugin's hooks as one object, so that their types are checked and `this` is the object; an instance
 * of a class will do. To be the default export.
 *
 * ```ts
 * export default plugin({
 *   rooms: new Map<string, Set<Connection>>(),
 *   onHandshakeSuccess(connection) {
 *     connection.send('welcome');
 *   },
 * });
 * ```
 */
export function plugin<T extends Hooks & ThisType<T>>(hooks: T): T;

/**
 * One connection, by its id. There is one object for each, as long as it is held: connections can be compared
 * with `===` and be keys of a `Map`.
 *
 * A plugin reaches the connections of the routes that it serves, not only the one that a hook is called for; on
 * any other id everything fails with `gone`. Nothing here waits for the network: what is sent goes into the
 * connection's bounded outgoing buffer, in order. So the error that every sender must think about is
 * `backlog-full`, the peer that reads too slowly.
 */
export class Connection {
  private constructor(id: number);

  /**
   * The connection with this id, as from an attribute or a saved state. One that names no connection of this
   * plugin is answered with `gone`.
   *
   * @throws {TypeError} for what is no integer from 0 to 2^53 - 1.
   */
  static fromId(id: number): Connection;

  /** The id: opaque, below 2^53, never used again while the server process lives. */
  readonly id: number;

  /**
   * Sends one message in one frame: a string as text, anything else as binary. It is queued behind everything
   * sent before; for a connection that another worker thread owns, it was handed to that worker. Half a
   * surrogate pair goes out as U+FFFD.
   *
   * @throws {SendError} with any code but `control-too-large`; `fragment-order`: a message begun with
   * `sendFragment` is still open.
   */
  send(message: Bytes): void;

  /**
   * Sends one message as `send` does, but not compressed, whatever the route compresses. For what must not be
   * compressed together with text that a stranger chooses, such as secrets (RFC 7692 section 8: its length would
   * tell of its content), and for what is compressed already.
   *
   * @throws {SendError} as `send`.
   */
  sendUncompressed(message: Bytes): void;

  /**
   * Sends a part of a message as a fragment (RFC 6455 section 5.4). The first part begins the message and gives
   * its kind, every part is of that kind, and `last` ends it. Until then no other message can be sent on the
   * connection; pings, pongs and a close can.
   *
   * @throws {SendError} with any code but `control-too-large`; `fragment-order`: a part of the other kind.
   */
  sendFragment(part: Bytes, last: boolean): void;

  /**
   * Sends a ping with a payload of at most 125 bytes (RFC 6455 section 5.5.2). The answer counts as a sign of
   * life for the host's health check; no hook hears of it.
   *
   * @throws {SendError} `control-too-large`, `gone` or `backlog-full`.
   */
  ping(payload?: Bytes): void;

  /**
   * Sends a pong that nobody asked for, with a payload of at most 125 bytes (RFC 6455 section 5.5.3). Pings are
   * answered by the host.
   *
   * @throws {SendError} `control-too-large`, `gone` or `backlog-full`.
   */
  pong(payload?: Bytes): void;

  /**
   * Starts the closing handshake, after everything sent so far (RFC 6455 section 7.1.2). Messages that the peer
   * still sends are no longer delivered; `onDisconnected` tells how it ended.
   *
   * 1000, the default, is the normal closure, 1008 a broken rule of yours, 1011 a failure of yours; 3000 to 4999
   * are free for applications. A reason above 123 bytes is cut on a character boundary.
   *
   * @throws {CloseError} `invalid-code`, or `gone` when it is closing already.
   */
  close(code?: number, reason?: string): void;

  /**
   * Ends the TCP connection without a close frame and without waiting; what is queued is dropped.
   *
   * @throws {CloseError} `gone`.
   */
  disconnect(): void;

  /**
   * The value of an attribute; undefined when it is not set. Attributes live in the host: they survive errors
   * and swaps of the plugin, and every plugin of the route sees them. They can be written from
   * `checkCustomHeader` on, and still be read in `onDisconnected`.
   *
   * @throws {AttributeError} `gone`.
   */
  attribute(name: string): Uint8Array | undefined;

  /**
   * Sets an attribute, replacing its value. Names and values of a connection together are bounded (16 KiB
   * unless the host is configured otherwise): keep a key here, not a document.
   *
   * @throws {AttributeError} `too-large` (the old value is kept), or `gone`.
   */
  setAttribute(name: string, value: Bytes): void;

  /**
   * Removes an attribute; also when it was not set.
   *
   * @throws {AttributeError} `gone`.
   */
  removeAttribute(name: string): void;

  /** What the host knows about the connection; undefined when there is no such connection. */
  info(): ConnectionInfo | undefined;

  /** The id in decimal. */
  toString(): string;

  /** The id. */
  toJSON(): number;
}

/** What the host knows about a connection. */
export interface ConnectionInfo {
  /** Address and port of the peer. */
  peer: string;
  /** Whether the connection is encrypted. */
  secure: boolean;
  /** The path of the route that it was accepted on. */
  route: string;
  /** The subprotocol agreed on, if any. */
  protocol: string | undefined;
  /** Milliseconds since the socket was accepted. */
  ageMs: number;
  /** Milliseconds since the last byte from the peer. */
  idleMs: number;
  /** Bytes waiting in the outgoing buffer. */
  backlog: number;
}

/** Why something could not be sent. */
export class SendError extends Error {
  constructor(code: SendError['code']);
  /**
   * - `gone`: there is no such open connection: it ended, is closing, or was never this plugin's.
   * - `backlog-full`: the outgoing buffer is full: the peer reads too slowly. Nothing was queued.
   * - `too-large`: the message is above the largest that the host sends.
   * - `fragment-order`: a fragmented message is open, and this is not a part of it; or of the other kind.
   * - `control-too-large`: a ping's or pong's payload is above 125 bytes (RFC 6455 section 5.5).
   */
  readonly code: 'gone' | 'backlog-full' | 'too-large' | 'fragment-order' | 'control-too-large';
}

/** Why a connection could not be closed as asked. */
export class CloseError extends Error {
  constructor(code: CloseError['code']);
  /**
   * - `gone`: there is no such open connection, or it is closing already.
   * - `invalid-code`: the code may not be sent (RFC 6455 section 7.4): below 1000, 1004 to 1006, 1010, 1015 to
   *   2999, 5000 and up.
   */
  readonly code: 'gone' | 'invalid-code';
}

/** Why an attribute could not be read or written. */
export class AttributeError extends Error {
  constructor(code: AttributeError['code']);
  /**
   * - `gone`: there is no such connection.
   * - `too-large`: names and values together would exceed the connection's limit. The old value is kept.
   */
  readonly code: 'gone' | 'too-large';
}

/** One HTTP field line. Names come in lower case; values are the bytes as received. */
export interface Header {
  /** The field's name. */
  name: string;
  /** Its value, without the whitespace around it. */
  value: Uint8Array;
}

/** Fields for a response: an object, pairs for names that come twice, or {@link Header}s. */
export type Headers =
  | Record<string, Bytes | number>
  | ReadonlyArray<readonly [name: string, value: Bytes | number]>
  | readonly Header[];

/** An upgrade request that passed every check of RFC 6455 section 4.2.1. */
export class UpgradeRequest {
  private constructor();
  /** The connection that asks; it keeps its id when the upgrade succeeds. Attributes can be set on it now. */
  readonly connection: Connection;
  /** Address and port of the peer, as `192.0.2.1:5000` or `[2001:db8::1]:5000`. */
  readonly peer: string;
  /** Whether the connection is encrypted (`wss`). */
  readonly secure: boolean;
  /** The Host field: host and optional port. */
  readonly authority: string;
  /** The path of the request target, percent-encoding untouched. */
  readonly path: string;
  /** What follows the first `?` of the target; undefined when there is no `?`. */
  readonly query: string | undefined;
  /** Every field line, in the order received. */
  readonly headers: Header[];
  /** The subprotocols offered (Sec-WebSocket-Protocol), in the client's order of preference. */
  readonly protocols: string[];

  /**
   * The value of the first field of this name, in whatever case; undefined when there is no such field, or when
   * the value is not UTF-8.
   */
  header(name: string): string | undefined;

  /**
   * The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1); undefined also when there are several
   * Authorization fields, of which nobody can say which one counts.
   */
  bearerToken(): string | undefined;

  /** The value of a cookie (RFC 6265 section 4.2.1), as it was sent; of several of the same name, the first. */
  cookie(name: string): string | undefined;

  /**
   * The value of a parameter of the query, decoded as a form's is: `+` is a space, `%41` is `A`, bytes that are
   * not UTF-8 become U+FFFD. Of several of the same name, the first.
   *
   * Queries end up in the logs of whatever stands between the client and here: no place for secrets.
   */
  queryParameter(name: string): string | undefined;
}

/** Why an upgrade is refused; sent as the HTTP response. Returned from `checkCustomHeader` or thrown in it. */
export class Rejection {
  /**
   * @param status 400 to 599.
   * @param body Sent as `text/plain; charset=utf-8` unless `headers` say otherwise.
   * @param headers Extra fields. Framing and connection fields, and values with CR, LF or NUL, are dropped and
   * logged by the host.
   * @throws {TypeError} for another status.
   */
  constructor(status: number, body?: string, headers?: Headers);
  /** The HTTP status. */
  readonly status: number;
  /** The response's body. */
  readonly body: string;
  /** The extra fields. */
  readonly headers: Headers;
}

/** How a connection ended (RFC 6455 sections 7.1.5 and 7.1.6). */
export interface Ending {
  /**
   * The close code received, or 1005 when the peer's close frame had none, or 1006 when the connection ended
   * without a close frame from the peer.
   */
  code: number;
  /** The reason received; empty when there was none. */
  reason: string;
  /** Whether both close frames were exchanged. */
  clean: boolean;
}

/**
 * What went wrong on a socket: reading or writing failed (`transport`), the peer broke RFC 6455 (`protocol`), a
 * plugin's call failed or ran out of time (`plugin`), or a limit was met (`limit`).
 */
export type ErrorKind = 'transport' | 'protocol' | 'plugin' | 'limit';

/*
 * What a component has beside the language itself (ECMAScript 2023). Only where no other declarations, such
 * as those of "dom" or Node, bring the same names.
 */
declare global {
  /** Prints to the host's log: log, info and debug at INFO; warn, error and trace at WARN. */
  var console: Console;
  interface Console {
    log(...data: any[]): void;
    info(...data: any[]): void;
    debug(...data: any[]): void;
    warn(...data: any[]): void;
    error(...data: any[]): void;
    trace(...data: any[]): void;
    dir(value?: any): void;
    assert(condition?: boolean, ...data: any[]): void;
    count(label?: string): void;
    countReset(label?: string): void;
    time(label?: string): void;
    timeLog(label?: string, ...data: any[]): void;
    timeEnd(label?: string): void;
    group(...data: any[]): void;
    groupEnd(): void;
  }

  /** UTF-8 from text. */
  var TextEncoder: { new (): TextEncoder; prototype: TextEncoder };
  interface TextEncoder {
    readonly encoding: string;
    encode(text?: string): Uint8Array<ArrayBuffer>;
  }

  /** Text from UTF-8. */
  var TextDecoder: {
    new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
    prototype: TextDecoder;
  };
  interface TextDecoder {
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(input?: ArrayBuffer | ArrayBufferView | null, options?: { stream?: boolean }): string;
  }

  /** The host's randomness; in hooks only, as there is none while the component is built. */
  var crypto: Crypto;
  interface Crypto {
    getRandomValues<T extends ArrayBufferView>(array: T): T;
    randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  }

  /** Runs a function before the call ends. */
  function queueMicrotask(callback: () => void): void;
}
