// A whole Millrace for one test: `dagctl up` with its own state, data and ports in a temporary folder. stop() leaves nothing.
import {spawn, spawnSync} from 'node:child_process';
import {cp, mkdir, mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const kStartTime = 90_000;
const kStopTime = 60_000;

async function until(what, deadline, look) {
  for (const end = Date.now() + deadline; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what} did not happen within ${deadline / 1000} s`);
}

// bin: where dagctl and the programs are; dist: the built dashboard; dags: the DAG folder, which is copied; prepare: fills the data
// folder, may add to the copy, and returns what the programs need in their environment.
export async function startInstallation({bin, dist, dags, prepare}) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-up-'));
  const state = join(folder, 'state');
  const root = join(folder, 'data');
  await mkdir(root, {recursive: true});
  await cp(dags, join(folder, 'dags'), {recursive: true});
  const environment = {...process.env, ...(await prepare(root, join(folder, 'dags')))};
  let output = '';
  const up = spawn(join(bin, 'dagctl'), ['up', '--state', state, '--dags', join(folder, 'dags'), '--root', root, '--webui', dist, '--port', '0', '--workers', '2', '--slots', '4'],
    {env: environment, stdio: ['ignore', 'pipe', 'pipe']});
  for (const stream of [up.stdout, up.stderr]) stream.on('data', (data) => (output += data));
  const ended = new Promise((resolve) => up.on('close', (code, signal) => resolve({code, signal})));
  const stop = async () => {
    if (up.exitCode === null && up.signalCode === null) {
      up.kill('SIGTERM');
      const last = setTimeout(() => up.kill('SIGKILL'), kStopTime);
      await ended;
      clearTimeout(last);
    }
    await rm(folder, {recursive: true, force: true});
    return output;
  };
  try {
    const url = await until('the scheduler serving', kStartTime, async () => {
      if (up.exitCode !== null) throw new Error(`dagctl up ended with status ${up.exitCode}:\n${output}`);
      return /Dashboard:\s*(\S+)/.exec(output)?.[1];
    });
    const password = (await readFile(join(state, 'admin.password'), 'utf8')).trim();
    return {
      url, password, state, root, stop,
      dags: join(folder, 'dags'),
      // Runs dagctl against it and gives what it printed.
      dagctl: (...args) => {
        const result = spawnSync(join(bin, 'dagctl'), ['--state', state, ...args], {env: environment, encoding: 'utf8'});
        if (result.status !== 0) throw new Error(`dagctl ${args.join(' ')}: ${result.stderr}${result.stdout}`);
        return result.stdout;
      },
    };
  } catch (error) {
    const log = await readFile(join(state, 'scheduler.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`${error.message}\n${output}\n${log.slice(-4000)}`);
  }
}
