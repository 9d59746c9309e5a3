// Decides who may connect, by a token, and remembers the user for the plugins behind it on the route.
//
// It looks at the handshake only. Who the tokens belong to is in accounts.ts, the part to replace.

import { AttributeError, Rejection, type Connection, type UpgradeRequest } from 'jackfield-guest';
import { find } from './accounts.ts';

/** The attribute that holds the user's name, for every plugin of the route to read. */
export const USER = 'user';

/** The cookie that may hold the token. */
const COOKIE = 'token';

/**
 * What a token begins with that is offered as a subprotocol, the one thing that a page can put into the handshake by
 * itself: `new WebSocket(url, ["chat.v1", "token.let-me-in"])`.
 */
const TOKEN_PROTOCOL = 'token.';

export function checkCustomHeader(request: UpgradeRequest): Rejection | undefined {
  const token = tokenOf(request);
  // RFC 6750 section 3: without a token, the challenge carries no error code.
  if (token === undefined) return unauthorized('Bearer realm="jackfield"', 'a token is needed');
  const account = find(token);
  if (!account) return unauthorized('Bearer realm="jackfield", error="invalid_token"', 'nobody has this token');
  if (account.standing === 'barred') return new Rejection(403, 'this account may not connect\n');
  // Whoever relies on the attribute must find it: without it, nobody comes in.
  try {
    request.connection.setAttribute(USER, account.user);
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error;
    console.error('the user could not be remembered:', error.message);
    return new Rejection(503, 'try again\n');
  }
  return undefined;
}

/**
 * The client's favourite among the real protocols. The token is never echoed: a response header ends up in places where
 * a secret has no business.
 */
export function selectProtocol(_connection: Connection, offered: string[]): string | undefined {
  return offered.find((protocol) => !protocol.startsWith(TOKEN_PROTOCOL));
}

/**
 * The token of a request: of the Authorization field, else of the cookie, else of a subprotocol. One that is there
 * decides; a wrong one is not made good by another.
 */
function tokenOf(request: UpgradeRequest): string | undefined {
  if (request.headers.some((field) => field.name === 'authorization')) return request.bearerToken();
  const offered = request.protocols.find((protocol) => protocol.startsWith(TOKEN_PROTOCOL));
  return request.cookie(COOKIE) ?? offered?.slice(TOKEN_PROTOCOL.length);
}

/** RFC 9110 section 15.5.2: a 401 "MUST send a WWW-Authenticate header field". */
function unauthorized(challenge: string, reason: string): Rejection {
  const body =
    `${reason}: as 'Authorization: Bearer <token>', as cookie '${COOKIE}', or as subprotocol ` +
    `'${TOKEN_PROTOCOL}<token>'\n`;
  return new Rejection(401, body, { 'www-authenticate': challenge });
}
