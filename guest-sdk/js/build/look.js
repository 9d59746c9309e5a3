// Looks at which hooks a plugin's module defines, by evaluating it in a thread of its own. What it prints
// while it is evaluated is dropped here: it is printed by each instance.

import { pathToFileURL } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { inspect } from '../src/hooks.js';

/** A module that is not evaluated by then waits for something that will not come. */
const TIME_MS = 30_000;

/**
 * @returns {Promise<{ groups: string[], problems: string[] }>}
 */
export function look(path) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { jackfieldLook: path },
      stdout: true,
      stderr: true,
      execArgv: ['--enable-source-maps'],
    });
    const late = setTimeout(() => {
      worker.terminate();
      reject(new Error(`the module was not evaluated within ${TIME_MS / 1000} s`));
    }, TIME_MS);
    worker.once('message', (answer) => {
      clearTimeout(late);
      worker.terminate();
      if (answer.error) reject(new Error(`the module cannot be evaluated:\n${answer.error}`));
      else resolve(answer);
    });
    worker.once('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    worker.once('exit', () => {
      clearTimeout(late);
      reject(new Error('the module ended the thread that evaluated it'));
    });
  });
}

if (workerData?.jackfieldLook) {
  try {
    const module = await import(pathToFileURL(workerData.jackfieldLook).href);
    parentPort.postMessage(inspect(module));
  } catch (error) {
    parentPort.postMessage({ error: String(error?.stack ?? error) });
  }
}
