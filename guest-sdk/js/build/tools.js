// Finds the packages that a build needs: beside the SDK, in the project, or in the shared folder of tools.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The SDK's own folder. */
export const SDK = dirname(dirname(fileURLToPath(import.meta.url)));

/** What to install when a package is missing. Versions as in the SDK's package.json, and tested with it. */
const VERSIONS = { 'componentize-qjs': '0.4.5', esbuild: '0.28.2', typescript: '7.0.2' };

/** Where `jackfield` keeps tools of its own: JACKFIELD_TOOLS, or the user's cache. */
export function toolsFolder() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return process.env.JACKFIELD_TOOLS || join(cache, 'jackfield-tools', 'lang');
}

/** The path of a file of a package; undefined when it is not installed. */
export function find(specifier, project) {
  for (const folder of [SDK, project, toolsFolder()]) {
    try {
      return createRequire(pathToFileURL(join(folder, 'package.json'))).resolve(specifier);
    } catch (error) {
      if (!['MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes(error.code)) throw error;
    }
  }
  return undefined;
}

/**
 * Imports a package.
 *
 * @throws {Error} with the command that installs it.
 */
export async function load(name, project) {
  const path = find(name, project);
  if (!path) throw new MissingTool(name);
  const module = await import(pathToFileURL(path).href);
  return module.default ?? module;
}

/** A package that is not installed. */
export class MissingTool extends Error {
  constructor(name) {
    const wanted = `${name}@${VERSIONS[name]}`;
    super(
      `the package ${name} is not installed. Install it in the project:\n` +
        `    npm install --save-dev ${wanted}\n` +
        `or once for every project:\n` +
        `    npm install --prefix "${toolsFolder()}" ${wanted}`,
    );
  }
}

/** The first of these files that exists in a folder. */
export function first(folder, names) {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}
