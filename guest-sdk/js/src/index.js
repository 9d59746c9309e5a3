// What a plugin imports. The documentation of every name is in index.d.ts.

export { plugin } from './hooks.js';
export { Connection } from './connection.js';
export { AttributeError, CloseError, SendError } from './errors.js';
export { Rejection, UpgradeRequest } from './request.js';
