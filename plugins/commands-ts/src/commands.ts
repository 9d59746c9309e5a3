// What a client may ask for, as JSON: checked by hand, so that nothing a stranger sends is taken for more than it is.

/** A request that was understood. `id`, when given, comes back with the answer. */
export type Command =
  | { id: Id; do: 'join'; room: string; name: string }
  | { id: Id; do: 'leave' }
  | { id: Id; do: 'say'; text: string }
  | { id: Id; do: 'who' };

/** What a client calls its request. */
export type Id = string | number | undefined;

/** Why a request was not understood or cannot be done; sent to the client. */
export class Refusal extends Error {
  readonly id: Id;
  readonly code: 'not-json' | 'unknown-command' | 'bad-field' | 'not-in-a-room' | 'full';

  constructor(code: Refusal['code'], message: string, id?: Id) {
    super(message);
    this.code = code;
    this.id = id;
  }
}

const FORMS: Record<Command['do'], Record<string, number>> = {
  join: { room: 64, name: 32 },
  leave: {},
  say: { text: 4096 },
  who: {},
};

/**
 * Reads a request.
 *
 * @throws {Refusal} when it is none.
 */
export function parse(text: string): Command {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Refusal('not-json', 'a message is an object in JSON');
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new Refusal('not-json', 'a message is an object in JSON');
  }
  const { id, do: name, ...fields } = given as Record<string, unknown>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    throw new Refusal('bad-field', 'id is text or a number');
  }
  if (typeof id === 'string' && id.length > 64) throw new Refusal('bad-field', 'id has at most 64 characters');
  if (typeof name !== 'string' || !Object.hasOwn(FORMS, name)) {
    throw new Refusal('unknown-command', `do is one of ${Object.keys(FORMS).join(', ')}`, id);
  }
  const form = FORMS[name as Command['do']];
  for (const field of Object.keys(fields)) {
    if (!Object.hasOwn(form, field)) throw new Refusal('bad-field', `${name} has no ${JSON.stringify(field.slice(0, 64))}`, id);
  }
  for (const [field, most] of Object.entries(form)) {
    const value = fields[field];
    if (typeof value !== 'string' || value === '' || value.length > most) {
      throw new Refusal('bad-field', `${field} is text of 1 to ${most} characters`, id);
    }
  }
  return { id, do: name, ...fields } as Command;
}
