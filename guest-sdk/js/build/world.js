// The world of one plugin: the imports that the SDK uses, and an export for each group of hooks it defines.

import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SDK } from './tools.js';

const CONTRACT = 'jackfield:plugin';
const VERSION = '0.1.0';

/** The text of the world. */
export function world(groups) {
  const lines = [
    'import wasi:cli/stdout@0.2.0;',
    'import wasi:cli/stderr@0.2.0;',
    'import wasi:cli/exit@0.2.0;',
    'import wasi:random/random@0.2.0;',
    `import ${CONTRACT}/connections@${VERSION};`,
    ...groups.map((group) => `export ${CONTRACT}/${group}@${VERSION};`),
  ];
  return `package jackfield:project;\n\nworld plugin {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`;
}

/** Writes the world and all that it names into a new folder. */
export function writeWorld(folder, groups) {
  const copy = (from, to) => {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from).filter((name) => name.endsWith('.wit'))) {
      copyFileSync(join(from, name), join(to, name));
    }
  };
  copy(join(SDK, 'wit'), join(folder, 'deps', 'jackfield'));
  for (const name of readdirSync(join(SDK, 'wasi'))) {
    const to = join(folder, 'deps', basename(name, '.wit'));
    mkdirSync(to, { recursive: true });
    copyFileSync(join(SDK, 'wasi', name), join(to, name));
  }
  writeFileSync(join(folder, 'world.wit'), world(groups));
}
