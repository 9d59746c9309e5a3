// What a plugin may expect of its surroundings and QuickJS does not have. Evaluated before the author's module.

import { console } from './console.js';
import { Promise, queueMicrotask } from './promise.js';
import { crypto, random } from './random.js';
import { TextDecoder, TextEncoder } from './text.js';

const define = (name, value) =>
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

define('console', console);
define('crypto', crypto);
define('Promise', Promise);
define('queueMicrotask', queueMicrotask);
define('TextDecoder', TextDecoder);
define('TextEncoder', TextEncoder);
define('self', globalThis);
Math.random = random;
