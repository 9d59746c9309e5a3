// Rooms, by commands in JSON: {"do": "join", "room": "tea", "name": "ada"}, {"do": "say", "text": "hello"}, …
//
// Every command is answered, {"ok": true} or {"ok": false, "code": …, "error": …}; what happens in a room is told to everyone
// in it, {"event": "said", …}.

import { Connection, SendError, plugin } from 'jackfield-guest';
import { Refusal, parse, type Command } from './commands.ts';

/** So many may be in a room: each message goes to everyone. */
const MEMBERS_MAX = 100;

interface Member {
  room: string;
  name: string;
}

export default plugin({
  /** Who is in a room. A room is there as long as someone is in it. */
  members: new Map<Connection, Member>(),

  businessHandler(connection, message) {
    if (typeof message !== 'string') {
      // RFC 6455 section 7.4.1: 1003 is a kind of data that cannot be accepted.
      connection.close(1003, 'commands are text');
      return;
    }
    try {
      const command = parse(message);
      tell(connection, { id: command.id, ok: true, ...this.obey(connection, command) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tell(connection, { id: error.id, ok: false, code: error.code, error: error.message });
    }
  },

  onDisconnected(connection) {
    this.leave(connection);
  },

  /** Does it, and gives what is added to the answer. */
  obey(connection: Connection, command: Command): object {
    switch (command.do) {
      case 'join': {
        const others = this.inRoom(command.room).filter((each) => each !== connection);
        if (others.length >= MEMBERS_MAX) throw new Refusal('full', `${command.room} is full`, command.id);
        this.leave(connection);
        this.members.set(connection, { room: command.room, name: command.name });
        this.announce(command.room, { event: 'joined', room: command.room, name: command.name });
        return {};
      }
      case 'leave':
        this.memberOf(connection, command);
        this.leave(connection);
        return {};
      case 'say': {
        const { room, name } = this.memberOf(connection, command);
        this.announce(room, { event: 'said', room, name, text: command.text });
        return {};
      }
      case 'who': {
        const { room } = this.memberOf(connection, command);
        return { names: this.inRoom(room).map((each) => this.members.get(each)!.name) };
      }
    }
  },

  memberOf(connection: Connection, command: Command): Member {
    const member = this.members.get(connection);
    if (!member) throw new Refusal('not-in-a-room', 'join a room first', command.id);
    return member;
  },

  inRoom(room: string): Connection[] {
    return [...this.members].filter(([, member]) => member.room === room).map(([connection]) => connection);
  },

  leave(connection: Connection): void {
    const member = this.members.get(connection);
    if (!member) return;
    this.members.delete(connection);
    this.announce(member.room, { event: 'left', ...member });
  },

  announce(room: string, event: object): void {
    for (const each of this.inRoom(room)) tell(each, event);
  },

  // A new version takes the rooms over, on the same connections: their ids are what is saved of them.

  save(): string {
    const members = [...this.members].map(([connection, member]) => [connection.id, member]);
    return JSON.stringify({ format: 1, members });
  },

  restore(fromVersion: string, state: Uint8Array): void {
    const saved = JSON.parse(new TextDecoder().decode(state));
    if (saved.format !== 1) throw new Error(`version ${fromVersion} saved format ${saved.format}; this one knows 1`);
    this.members = new Map(
      saved.members.map(([id, member]: [number, Member]) => [Connection.fromId(id), member] as const),
    );
  },
});

/** Who reads too slowly misses this; the host closes that one if it goes on. */
function tell(connection: Connection, what: object): void {
  try {
    connection.send(JSON.stringify(what));
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    console.warn(`${connection} was not told: ${error.code}`);
  }
}
