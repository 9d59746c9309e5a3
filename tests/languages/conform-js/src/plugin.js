// The conformance plugin in JavaScript; what it does is in ../../README.md.

import { CloseError, Rejection, plugin } from 'jackfield-guest';

function deepFault() {
  throw new Error('on purpose');
}

export default plugin({
  count: 0,

  checkCustomHeader(request) {
    if (request.header('x-fault')) deepFault();
    if (request.header('x-refuse')) return new Rejection(403, 'refused by js\n', { 'x-lang': 'js' });
    request.connection.setAttribute('who', request.path);
    return { 'x-lang': 'js' };
  },

  selectProtocol(_connection, offered) {
    const last = offered.at(-1);
    return last === 'none' ? undefined : last;
  },

  onHandshakeSuccess(connection) {
    connection.send('welcome');
  },

  onDisconnected(_connection, ending) {
    console.log(`ended ${ending.code} ${ending.reason}`);
  },

  businessHandler(connection, message) {
    this.count += 1;
    switch (message) {
      case 'who':
        return connection.send(new TextDecoder().decode(connection.attribute('who')));
      case 'info': {
        const { route, protocol } = connection.info();
        return connection.send(`${route} ${protocol ?? ''}`);
      }
      case 'fragments':
        connection.sendFragment('a', false);
        connection.sendFragment('b', false);
        return connection.sendFragment('c', true);
      case 'print':
        return console.log('printed by js');
      case 'warn':
        return console.error('warned by js');
      case 'close':
        return connection.close(4001, 'bye');
      case 'bad close':
        try {
          connection.close(1005);
        } catch (error) {
          if (error instanceof CloseError && error.code === 'invalid-code') connection.send('refused');
        }
        return;
      case 'count':
        return connection.send(String(this.count));
      case 'churn':
        for (let at = 0; at < 64; at++) new Uint8Array(4096).fill(at);
        return connection.send('churned');
      case 'fault':
        return deepFault();
      default:
        return connection.send(message);
    }
  },

  save() {
    return String(this.count);
  },

  restore(_version, saved) {
    this.count = Number(new TextDecoder().decode(saved));
  },
});
