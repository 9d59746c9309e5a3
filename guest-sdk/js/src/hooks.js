// The hooks: which there are, to which interface of the contract each belongs, and which a module defines.

/** Interfaces of wit/hooks.wit and their functions, as a plugin writes them. */
export const GROUPS = {
  handshake: ['checkCustomHeader', 'selectProtocol'],
  handler: ['businessHandler'],
  'connection-events': ['onHandshakeSuccess', 'onDisconnected'],
  'socket-events': ['onConnected', 'onUpgradePartReceive', 'onHandshakeFailure', 'onAfterRemoveSocket', 'onError'],
  'health-events': ['onAfterHealthCheck'],
  'server-events': ['onStarted', 'onShutdown'],
  state: ['save', 'restore'],
};

/** Groups that mean nothing in part. In the others, what is missing does what the contract calls nothing. */
const WHOLE = ['state'];

const NAMES = Object.values(GROUPS).flat();

export function plugin(hooks) {
  if (hooks === null || typeof hooks !== 'object') {
    throw new TypeError('plugin(…) takes an object whose methods are hooks');
  }
  return hooks;
}

/** The object whose methods are the hooks: the default export, or the module itself. */
export function hooksOf(module) {
  return module.default !== null && typeof module.default === 'object' ? module.default : module;
}

/**
 * Which groups a plugin's module defines, and what is wrong with it.
 *
 * @returns {{ groups: string[], problems: string[] }}
 */
export function inspect(module) {
  const hooks = hooksOf(module);
  const problems = [];
  for (const name of namesOf(hooks)) {
    if (NAMES.includes(name)) {
      if (typeof hooks[name] !== 'function') problems.push(`${name} is a hook's name, but not a function`);
    } else if (typeof hooks[name] === 'function') {
      const near = NAMES.find((hook) => isNear(hook, name));
      if (near) problems.push(`there is no hook ${name}; did you mean ${near}?`);
    }
  }
  if (hooks !== module) {
    const outside = NAMES.filter((name) => typeof module[name] === 'function');
    if (outside.length > 0) {
      problems.push(`${outside.join(', ')}: exported beside a default export that holds the hooks; move it there`);
    }
  }
  const groups = Object.keys(GROUPS).filter((group) => GROUPS[group].some((name) => name in hooks));
  for (const group of WHOLE.filter((group) => groups.includes(group))) {
    const missing = GROUPS[group].filter((name) => typeof hooks[name] !== 'function');
    if (missing.length > 0) problems.push(`${GROUPS[group].join(' and ')} go together: ${missing.join(', ')} is missing`);
  }
  if (groups.length === 0 && problems.length === 0) {
    problems.push(`no hook is exported. The hooks are: ${NAMES.join(', ')}`);
  }
  return { groups, problems };
}

function namesOf(hooks) {
  const names = new Set(Object.keys(hooks));
  // The methods of a class are on its prototype.
  for (let at = Object.getPrototypeOf(hooks); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor') names.add(name);
    }
  }
  return [...names].filter((name) => name !== 'default');
}

/** Whether one is the other but for case and a letter, or two of a long name: a slip, not a name of its own. */
function isNear(hook, name) {
  const [a, b] = [hook.toLowerCase(), name.toLowerCase().replaceAll(/[-_]/g, '')];
  const slips = hook.length > 10 ? 2 : hook.length > 6 ? 1 : 0;
  return Math.abs(a.length - b.length) <= slips && distance(a, b) <= slips;
}

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
