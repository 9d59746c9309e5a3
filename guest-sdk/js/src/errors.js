// Why the host did not do what a plugin asked for: the error enums of wit/connections.wit as classes.

class HostError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const SEND = {
  gone: 'there is no such open connection',
  'backlog-full': "the connection's outgoing buffer is full",
  'too-large': 'the message is above the largest that the host sends',
  'fragment-order': 'not a part of the fragmented message that is open',
  'control-too-large': 'the payload of a ping or pong is above 125 bytes',
};

const CLOSE = {
  gone: 'there is no such open connection',
  'invalid-code': 'a close code that may not be sent',
};

const ATTRIBUTE = {
  gone: 'there is no such connection',
  'too-large': "the connection's attributes would exceed their limit",
};

export class SendError extends HostError {
  constructor(code) {
    super(code, SEND[code] ?? code);
    this.name = 'SendError';
  }
}

export class CloseError extends HostError {
  constructor(code) {
    super(code, CLOSE[code] ?? code);
    this.name = 'CloseError';
  }
}

export class AttributeError extends HostError {
  constructor(code) {
    super(code, ATTRIBUTE[code] ?? code);
    this.name = 'AttributeError';
  }
}
