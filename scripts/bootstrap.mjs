// Makes a fresh clone ready: installs the packages of the lock file when they are missing or stale, checks that the
// scripts run under the project's own Node, and with `--tools` installs the system tools that the tests call.
// Plain JavaScript, since it runs on the host's Node before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const projectNode = join(root, 'node_modules', '.bin', 'node');

/** System tools that tests call, and the Debian packages that bring them. */
const tools = [{ command: 'gcc', packages: ['gcc', 'libc6-dev'] }];

/** Optional native parts that installs would otherwise download: the CPU library is inside the package. */
const installEnvironment = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args, env = process.env) {
  // Standard output stays free for the script that follows: progress of an installation goes to standard error.
  return spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] }).status === 0;
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

function packagesOf(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, 'utf8')).packages : {};
}

/** True when a package that the lock file asks for is absent from node_modules or there in another version. */
function packagesAreStale() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  return Object.entries(wanted).some(
    ([path, entry]) => path !== '' && !entry.optional && installed[path]?.version !== entry.version,
  );
}

function installPackages() {
  console.error('Installing the packages of package-lock.json …');
  if (!run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], installEnvironment)) {
    fail('The packages could not be installed: see the messages of npm ci above.');
  }
}

function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'node_modules', 'node', 'package.json'), 'utf8')).version;
  const found = existsSync(projectNode)
    ? spawnSync(projectNode, ['--version'], { encoding: 'utf8' }).stdout.trim()
    : '';
  if (found !== `v${wanted}`) {
    fail(
      `The scripts need Node ${wanted} in node_modules/.bin and found ${found || 'none'}: run "npm ci" without --ignore-scripts.`,
    );
  }
}

function installTools() {
  const missing = tools.filter(({ command }) => !has(command));
  if (missing.length === 0) return;
  const names = missing.map(({ command }) => command).join(', ');
  const packages = missing.flatMap((tool) => tool.packages);
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    console.error(
      `Not installed: ${names}. Tests that need it are skipped (Debian: apt-get install ${packages.join(' ')}).`,
    );
    return;
  }
  console.error(`Installing ${names} …`);
  const installed =
    run('apt-get', ['update', '-qq']) &&
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
  if (!installed) console.error(`${names} could not be installed: tests that need it are skipped.`);
}

if (packagesAreStale()) installPackages();
checkNode();
if (process.argv.includes('--tools')) installTools();
