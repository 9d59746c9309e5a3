// The smallest plugin: every message goes back to where it came from, text as text, binary as binary.

/**
 * @param {import('jackfield-guest').Connection} connection
 * @param {import('jackfield-guest').Message} message
 */
export function businessHandler(connection, message) {
  connection.send(message);
}
