// Makes a fresh clone ready: installs the packages of the lock file when they are missing or stale, checks that the
// scripts run under the project's own Node, and with `--tools` installs the system tools that the tests call.
// Plain JavaScript, since it runs on the host's Node before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const projectNode = join(root, 'node_modules', '.bin', 'node');

/** System tools that tests call, and the Debian packages that bring them. */
const tools = [
  { command: 'gcc', packages: ['gcc', 'libc6-dev'] },
  { command: 'chromium', packages: ['chromium'] },
  { command: 'clang-16', packages: ['clang-16'] },
  { command: 'cmake', packages: ['cmake', 'make', 'g++'] },
  { command: 'arm-none-eabi-gcc', packages: ['gcc-arm-none-eabi', 'libnewlib-arm-none-eabi'] },
  { command: 'qemu-system-arm', packages: ['qemu-system-arm'] },
  { command: 'aarch64-linux-gnu-gcc', packages: ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'] },
  { command: 'riscv64-linux-gnu-gcc', packages: ['gcc-riscv64-linux-gnu', 'libc6-dev-riscv64-cross'] },
  { command: 'qemu-aarch64', packages: ['qemu-user'] },
];

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
      `Not installed: ${names}. Tests that need them are skipped (Debian: apt-get install ${packages.join(' ')}).`,
    );
    return;
  }
  console.error(`Installing ${names} …`);
  const installed =
    run('apt-get', ['update', '-qq']) &&
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
  if (!installed) console.error(`${names} could not be installed: tests that need them are skipped.`);
}

/** A Vulkan driver that computes on the CPU, and the loader that finds it: parts of Debian's chromium-common. */
const swiftshader = {
  folder: join(root, '.cache', 'swiftshader'),
  package: 'chromium-common',
  files: ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'],
};

/** Unpacks the driver for tests of WGSL; without it they are skipped. */
function installVulkan() {
  const { folder, files, package: name } = swiftshader;
  if (files.every((file) => existsSync(join(folder, file)))) return;
  const missing = `No Vulkan driver in .cache/swiftshader: tests of WGSL are skipped`;
  if (process.platform !== 'linux' || !has('apt-get') || !has('dpkg-deb')) {
    console.error(`${missing} (it is unpacked from Debian's ${name}).`);
    return;
  }
  mkdirSync(folder, { recursive: true });
  const unpack = [
    `apt-get download -qq ${name} || { apt-get update -qq && apt-get download -qq ${name}; }`,
    `for package in ${name}_*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x --wildcards ${files.map((file) => `'*/${file}'`).join(' ')} --transform 's,.*/,,'; done`,
    `rm -f ${name}_*.deb`,
  ].join(' && ');
  console.error(`Unpacking a Vulkan driver from ${name} …`);
  const done = spawnSync('sh', ['-c', unpack], { cwd: folder, stdio: ['ignore', 2, 2] }).status === 0;
  if (!done) console.error(`${missing}: ${name} could not be unpacked.`);
}

if (packagesAreStale()) installPackages();
checkNode();
if (process.argv.includes('--tools')) {
  installTools();
  installVulkan();
}
