// The smallest plugin: every message goes back to where it came from, text as text, binary as binary.

import type { Connection, Message } from 'jackfield-guest';

export function businessHandler(connection: Connection, message: Message): void {
  connection.send(message);
}
