import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Connection } from 'jackfield-guest';
import * as testing from 'jackfield-guest/testing';
import plugin from '../src/plugin.ts';

beforeEach(() => plugin.members.clear());

/** Says something, and gives what one is told then. */
function say(connection: Connection, command: unknown): unknown[] {
  plugin.businessHandler(connection, typeof command === 'string' ? command : JSON.stringify(command));
  return told(connection);
}

function told(connection: Connection): unknown[] {
  return testing.sent(connection).map((message) => JSON.parse(message as string));
}

function joined(name: string, room = 'tea'): Connection {
  const connection = testing.connect();
  say(connection, { do: 'join', room, name });
  return connection;
}

test('what is said in a room is heard in that room', () => {
  const [ada, grace, other] = [joined('ada'), joined('grace'), joined('joan', 'coffee')];
  assert.deepEqual(told(ada), [{ event: 'joined', room: 'tea', name: 'grace' }]);
  const said = { event: 'said', room: 'tea', name: 'ada', text: 'hello' };
  assert.deepEqual(say(ada, { id: 7, do: 'say', text: 'hello' }), [said, { id: 7, ok: true }]);
  assert.deepEqual(told(grace), [said]);
  assert.deepEqual(told(other), []);
  assert.deepEqual(say(grace, { do: 'who' }), [{ ok: true, names: ['ada', 'grace'] }]);
});

test('leaving, by command, by another room, and by going away', () => {
  const [ada, grace] = [joined('ada'), joined('grace')];
  told(ada);
  say(grace, { do: 'leave' });
  assert.deepEqual(told(ada), [{ event: 'left', room: 'tea', name: 'grace' }]);
  assert.equal((say(grace, { do: 'leave' })[0] as { code: string }).code, 'not-in-a-room');
  say(grace, { do: 'join', room: 'tea', name: 'grace' });
  say(grace, { do: 'join', room: 'coffee', name: 'grace' });
  assert.equal(told(ada).length, 2);
  testing.end(grace);
  plugin.onDisconnected(grace);
  assert.deepEqual([...plugin.members.keys()], [ada]);
});

test('every mistake is answered', () => {
  const connection = testing.connect();
  const codes: [unknown, string][] = [
    ['', 'not-json'],
    ['{', 'not-json'],
    ['[]', 'not-json'],
    ['null', 'not-json'],
    ['"join"', 'not-json'],
    [{}, 'unknown-command'],
    [{ do: 'shout' }, 'unknown-command'],
    [{ do: 'toString' }, 'unknown-command'],
    ['{"__proto__": {"do": "who"}}', 'unknown-command'],
    [{ do: 'say' }, 'bad-field'],
    [{ do: 'say', text: 5 }, 'bad-field'],
    [{ do: 'say', text: '' }, 'bad-field'],
    [{ do: 'say', text: 'x'.repeat(4097) }, 'bad-field'],
    [{ do: 'join', room: 'tea' }, 'bad-field'],
    [{ do: 'who', more: 1 }, 'bad-field'],
    [{ do: 'who', id: {} }, 'bad-field'],
    [{ do: 'say', text: 'alone' }, 'not-in-a-room'],
    [{ do: 'who' }, 'not-in-a-room'],
  ];
  for (const [command, code] of codes) {
    const [answer, ...more] = say(connection, command) as { ok: boolean; code: string }[];
    assert.deepEqual([answer?.ok, answer?.code, more], [false, code, []], JSON.stringify(command));
  }
  assert.deepEqual(say(connection, { id: 'a', do: 'who' }), [
    { id: 'a', ok: false, code: 'not-in-a-room', error: 'join a room first' },
  ]);
  plugin.businessHandler(connection, Uint8Array.of(1));
  assert.deepEqual(testing.sent(connection), [{ close: 1003, reason: 'commands are text' }]);
});

test('a room is full at a hundred, and who is in it may come again', () => {
  const first = joined('first');
  for (let count = 1; count < 100; count++) joined(`n${count}`);
  const [answer] = say(testing.connect(), { do: 'join', room: 'tea', name: 'late' }) as { code: string }[];
  assert.equal(answer?.code, 'full');
  told(first);
  assert.deepEqual(say(first, { do: 'join', room: 'tea', name: 'again' }).at(-1), { ok: true });
});

test('who reads too slowly does not stop the others', () => {
  const [ada, grace] = [joined('ada'), joined('grace')];
  told(ada);
  testing.refuseSends(ada, 'backlog-full');
  assert.equal(say(grace, { do: 'say', text: 'hello' }).length, 2);
});

test('rooms survive a swap', () => {
  const ada = joined('ada');
  const state = new TextEncoder().encode(plugin.save());
  plugin.members.clear();
  plugin.restore('v1', state);
  assert.deepEqual([...plugin.members], [[ada, { room: 'tea', name: 'ada' }]]);
  assert.throws(() => plugin.restore('v1', new TextEncoder().encode('{"format":2}')), /format 2/);
});
