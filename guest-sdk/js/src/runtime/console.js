// console: what it prints ends, line by line, in the host's log with the plugin's name and the connection.
// debug, info and log go to stdout, which the host logs as INFO; warn, error and trace to stderr, as WARN.

import { getStderr } from 'wasi:cli/stderr@0.2.0';
import { getStdout } from 'wasi:cli/stdout@0.2.0';
import { describe, format } from './inspect.js';

/** What WASI takes in one write (wasi:io/streams, blocking-write-and-flush). */
const WRITE_BYTES = 4096;
/** What is printed while the module is evaluated, at build time, is kept for the instance's first call. */
const EARLY_LINES = 1000;

let streams;
let early = [];
const counts = new Map();
const times = new Map();

/** From now on there is a host to print to. */
export function begin() {
  if (streams) return;
  streams = { stdout: getStdout(), stderr: getStderr() };
  const lines = early;
  early = [];
  for (const [stream, text] of lines) print(stream, text);
}

function print(stream, text) {
  if (!streams) {
    if (early.length < EARLY_LINES) early.push([stream, text]);
    return;
  }
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
    streams[stream].blockingWriteAndFlush(bytes.slice(at, at + WRITE_BYTES));
  }
}

const out = (...args) => print('stdout', format(args));
const err = (...args) => print('stderr', format(args));

export const console = {
  log: out,
  info: out,
  debug: out,
  dir: (value) => out(value),
  group: out,
  groupEnd() {},
  warn: err,
  error: err,
  trace(...args) {
    const stack = describe(new Error('trace')).split('\n').slice(1).join('\n');
    print('stderr', `Trace: ${format(args)}\n${stack}`);
  },
  assert(condition, ...args) {
    if (!condition) err(args.length > 0 ? `Assertion failed: ${format(args)}` : 'Assertion failed');
  },
  count(label = 'default') {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    out(`${label}: ${counts.get(label)}`);
  },
  countReset(label = 'default') {
    counts.delete(label);
  },
  time(label = 'default') {
    times.set(label, performance.now());
  },
  timeLog(label = 'default', ...args) {
    if (times.has(label)) out(`${label}: ${(performance.now() - times.get(label)).toFixed(3)} ms`, ...args);
  },
  timeEnd(label = 'default') {
    console.timeLog(label);
    times.delete(label);
  },
};
