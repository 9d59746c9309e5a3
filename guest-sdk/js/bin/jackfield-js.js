#!/usr/bin/env node
// The command line of the SDK: builds, checks and tests a plugin.

import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, BuildError } from '../build/build.js';
import { test } from '../build/test.js';
import { MissingTool } from '../build/tools.js';
import { checkTypes } from '../build/types.js';

const HELP = `Build and test a Jackfield plugin written in JavaScript or TypeScript

Usage: jackfield-js <COMMAND> [PROJECT] [OPTIONS]

Commands:
  build   Make the component: dist/<name>.wasm. A project with a tsconfig.json is type-checked first
  test    Run test/*.test.js and *.test.ts under Node, with a stand-in for the host
  check   Type-check only

Options:
  -e, --entry <FILE>   The plugin's module [default: "main" of package.json, or src/plugin.ts or .js]
  -o, --output <FILE>  The component
      --no-check       Do not type-check
  -h, --help           Print help

PROJECT is a folder, by default this one. Exit codes: 0 done; 1 the plugin is wrong, or a test failed;
2 the command line is wrong; 3 a tool is not installed.
`;

/** Runs a command line; gives the exit code. */
async function main(args) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        entry: { type: 'string', short: 'e' },
        output: { type: 'string', short: 'o' },
        'no-check': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\n${HELP}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [command, folder = '.', ...rest] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!['build', 'test', 'check'].includes(command) || rest.length > 0) {
    process.stderr.write(HELP);
    return 2;
  }
  const project = resolve(folder);
  if (command === 'test') return test({ project });
  if ((command === 'check' || !values['no-check']) && !checkTypes(project)) return 1;
  if (command === 'check') return 0;
  const began = performance.now();
  const made = await build({ project, entry: values.entry, output: values.output, warn: (text) => console.warn(text) });
  const shown = relative(process.cwd(), made.component);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${shown}: ${made.groups.join(', ')}; ${(made.bytes / 1e6).toFixed(2)} MB, built in ${seconds} s`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BuildError) && !(error instanceof MissingTool)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = error instanceof MissingTool ? 3 : 1;
}
