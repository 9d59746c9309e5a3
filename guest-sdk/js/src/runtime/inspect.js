// A value as a line of a log, and an error with its stack in terms of the author's own files.

const DEPTH = 3;
const ITEMS = 100;
const LINES = '__jackfieldLines';
const SDK = Symbol('sdk');

/** What console.log makes of its arguments. */
export function format(args) {
  const rest = [...args];
  let text = '';
  if (typeof rest[0] === 'string') {
    text = rest.shift().replace(/%[sdifjoO%]/g, (directive) => {
      if (directive === '%%') return '%';
      if (rest.length === 0) return directive;
      const value = rest.shift();
      switch (directive) {
        case '%s':
          return typeof value === 'object' && value !== null ? inspect(value) : String(value);
        case '%d':
          return String(typeof value === 'bigint' ? value : Number(value));
        case '%i':
          return String(Number.parseInt(value, 10));
        case '%f':
          return String(Number.parseFloat(value));
        case '%j':
          return JSON.stringify(value);
        default:
          return inspect(value);
      }
    });
    if (rest.length > 0) text += ' ';
  }
  return text + rest.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ');
}

/** A value as its author would write it, three levels deep. */
export function inspect(value, depth = DEPTH, above = []) {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return value.prototype && /^class\b/.test(Function.prototype.toString.call(value))
        ? `[class ${value.name || 'anonymous'}]`
        : `[function ${value.name || 'anonymous'}]`;
    case 'object':
      return value === null ? 'null' : object(value, depth, above);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

function object(value, depth, above) {
  if (above.includes(value)) return '[circular]';
  if (value instanceof Error) return describe(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  const name = value.constructor?.name ?? '';
  const inner = (each) => inspect(each, depth - 1, [...above, value]);
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
  // What says how it is written, as a Connection does.
  if (typeof value.toJSON === 'function' && name !== 'Object') {
    const json = value.toJSON();
    if (json === null || typeof json !== 'object') return `${name}(${inspect(json)})`;
  }
  const isArray = Array.isArray(value);
  if (isArray || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const head = isArray ? '' : `${name}(${value.length}) `;
    return depth < 0 ? `[${name}]` : `${head}[${listed(value, value.length, inner)}]`;
  }
  if (depth < 0) return `[${name || 'object'}]`;
  if (value instanceof Map) {
    return `Map(${value.size}) {${listed(value, value.size, ([key, each]) => `${inner(key)} => ${inner(each)}`)}}`;
  }
  if (value instanceof Set) return `Set(${value.size}) {${listed(value, value.size, inner)}}`;
  const keys = Object.keys(value);
  const body = listed(keys, keys.length, (key) => {
    const shown = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? key : quoted(key);
    return `${shown}: ${inner(value[key])}`;
  });
  return `${name && name !== 'Object' ? `${name} ` : ''}{${body && ` ${body} `}}`;
}

function listed(values, length, show) {
  const shown = [];
  for (const value of values) {
    if (shown.length === ITEMS) break;
    shown.push(show(value));
  }
  if (length > shown.length) shown.push(`… ${length - shown.length} more`);
  return shown.join(', ');
}

function quoted(text) {
  return `'${text.replace(/[\\'\n\r\t]/g, (c) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[c] ?? `\\${c}`)}'`;
}

/** Name, message, stack and causes of whatever was thrown. */
export function describe(error, causes = 4) {
  if (!(error instanceof Error)) return `${inspect(error)} (thrown; only an Error has a stack)`;
  // A class of the author's own seldom sets its name.
  const name = (error.name === 'Error' && error.constructor?.name) || error.name;
  const head = error.message ? `${name}: ${error.message}` : name;
  let text = [head, ...frames(error)].join('\n');
  if (error instanceof AggregateError && causes > 0) {
    for (const each of error.errors.slice(0, ITEMS)) text += `\n  of: ${describe(each, causes - 1)}`;
  }
  if (error.cause !== undefined && causes > 0) text += `\n  caused by: ${describe(error.cause, causes - 1)}`;
  return text;
}

/** The lines of the stack that are the author's, at the places where they wrote them. */
function frames(error) {
  const lines = String(error.stack ?? '').split('\n');
  const frames = [];
  for (const line of lines.filter((line) => /^\s+at /.test(line))) {
    const at = /^(.*?)\(?([^()\s]*):(\d+):(\d+)\)?$/.exec(line);
    const place = at && globalThis[LINES] && original(Number(at[3]));
    // Not the author's: the SDK's, or the engine's way from one function to the next.
    if (place === SDK || line.endsWith('(native)')) continue;
    frames.push(place ? `${at[1].replace(/\s+$/, '')} (${place})`.replace(/^\s+/, '    ') : line.replace(/^\s+/, '    '));
  }
  return frames;
}

let table;

/** Where a line of the bundle came from; SDK for lines that the SDK or the build added. */
function original(line) {
  // "file,line" for each line of the bundle, file as an index; an empty one, or none: not the author's.
  table ??= globalThis[LINES].lines.split(';');
  const entry = table[line - 1];
  if (!entry) return SDK;
  const [file, number] = entry.split(',');
  return `${globalThis[LINES].files[Number(file)]}:${number}`;
}
