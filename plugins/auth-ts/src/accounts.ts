// Who has which token. A sample's table: replace this file by whatever your users are kept in.

/** What an account may do: connect, or, though it is known, not. */
export type Standing = 'welcome' | 'barred';

/** A user, by the token. */
export interface Account {
  user: string;
  standing: Standing;
}

const ACCOUNTS: readonly (readonly [token: string, user: string, standing: Standing])[] = [
  ['let-me-in', 'ada', 'welcome'],
  ['me-too', 'grace', 'welcome'],
  ['keep-me-out', 'mallory', 'barred'],
];

/**
 * The account with this token.
 *
 * Every account is compared, and each of them to its last character: how long it takes tells a guesser little but the
 * lengths of the tokens.
 */
export function find(token: string): Account | undefined {
  let found: Account | undefined;
  for (const [candidate, user, standing] of ACCOUNTS) {
    if (areEqual(candidate, token)) found = { user, standing };
  }
  return found;
}

function areEqual(ours: string, theirs: string): boolean {
  if (ours.length !== theirs.length) return false;
  let difference = 0;
  for (let at = 0; at < ours.length; at++) difference |= ours.charCodeAt(at) ^ theirs.charCodeAt(at);
  return difference === 0;
}
