/** The JavaScript of runtime/threads.ts, without exports. Written by scripts/runtime-strings.ts. */
export const threadsRuntime = `const mostThreads = 8;
function work() {
	const host = globalThis;
	const port = host.process?.getBuiltinModule?.("node:worker_threads").parentPort ?? host;
	const begin = async ({ module, relaxed, memory, thread, threads, told }) => {
		const shared = {
			memory,
			thread,
			threads,
			sleeps: 1
		};
		let { exports } = await WebAssembly.instantiate(module, { qc: shared });
		if (relaxed) {
			const qc = {
				...exports,
				...shared,
				mask: relaxed.mask
			};
			exports = (await WebAssembly.instantiate(relaxed.module, { qc })).exports;
		}
		const run = exports.run;
		let number = Atomics.load(told, 0);
		port.postMessage("ready");
		for (;;) {
			Atomics.wait(told, 0, number);
			number = Atomics.load(told, 0);
			run(...told.subarray(1));
		}
	};
	if (port.on) port.on("message", begin);
	else port.onmessage = ({ data }) => begin(data);
	port.postMessage("here");
}
function nextOf(listen) {
	const [messages, waiting] = [[], []];
	let fail = () => {};
	const failed = new Promise((_, reject) => {
		fail = reject;
	});
	failed.catch(() => {});
	listen("message", (message) => {
		const next = waiting.shift();
		if (next) next(message);
		else messages.push(message);
	});
	listen("error", fail);
	return () => messages.length > 0 ? Promise.resolve(messages.shift()) : Promise.race([failed, new Promise((resolve) => waiting.push(resolve))]);
}
function hire() {
	const source = \`(\${work})()\`;
	const host = globalThis;
	const node = host.process?.getBuiltinModule?.("node:worker_threads");
	if (node) {
		const worker = new node.Worker(source, { eval: true });
		const heard = nextOf((event, listener) => worker.on(event, listener));
		return {
			postMessage: (message) => worker.postMessage(message),
			terminate: () => worker.terminate(),
			heard,
			rest: () => worker.unref()
		};
	}
	const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
	const worker = new Worker(url);
	const heard = nextOf((event, listener) => {
		worker.addEventListener(event, (what) => {
			if (event === "message") return listener(what.data);
			what.preventDefault();
			listener(new Error(what.message || "a worker could not be started: the page's policy may forbid it"));
		});
	});
	return {
		postMessage: (message) => worker.postMessage(message),
		terminate: () => worker.terminate(),
		heard,
		rest() {}
	};
}
async function hireAll(count) {
	const { crossOriginIsolated = true } = globalThis;
	if (!crossOriginIsolated) {
		return "memory can be shared only in pages that are cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)";
	}
	const hired = [];
	try {
		for (let i = 0; i < count; i++) hired.push(hire());
		await Promise.all(hired.map((one) => one.heard()));
		return hired;
	} catch (error) {
		for (const one of hired) one.terminate();
		return error instanceof Error ? error.message : \`\${error}\`;
	}
}
const trials = 8;
function faster(ways, now = () => performance.now()) {
	const times = [[], []];
	const middle = (way) => times[way].sort((a, b) => a - b)[trials >> 1];
	let chosen;
	let runs = 0;
	return (...sizes) => {
		if (chosen) return chosen(...sizes);
		const way = runs % 2 === 0 ? 0 : 1;
		const start = now();
		ways[way](...sizes);
		const took = now() - start;
		runs++;
		if (runs > 2 * trials) times[way].push(took);
		if (runs === 4 * trials) chosen = ways[middle(0) <= middle(1) ? 0 : 1];
	};
}
async function runAlone(imports, module, relaxed) {
	const shared = {
		...imports,
		threads: 1
	};
	const { exports } = await WebAssembly.instantiate(module, { qc: shared });
	if (!relaxed) return exports.run;
	const qc = {
		...exports,
		...shared,
		mask: relaxed.mask
	};
	return (await WebAssembly.instantiate(relaxed.module, { qc })).exports.run;
}
function asked({ threads = "auto" }) {
	if (threads === "auto") return Math.min(mostThreads, globalThis.navigator?.hardwareConcurrency ?? 1);
	if (Number.isInteger(threads) && threads >= 1) return threads;
	throw new TypeError(\`threads must be "auto" or a whole number from 1 on, not \${JSON.stringify(threads)}\`);
}
async function instantiateThreaded(info, defaults, options = {}) {
	const wanted = asked(options);
	const found = wanted === 1 ? [] : await hireAll(wanted - 1);
	if (typeof found === "string" && typeof options.threads === "number") {
		throw new Error(\`\${wanted} threads can't be used: \${found}\`);
	}
	const colleagues = typeof found === "string" ? [] : found;
	const threads = colleagues.length + 1;
	const memory = new WebAssembly.Memory({
		initial: info.pages,
		maximum: info.pages,
		shared: true
	});
	let isOpen = true;
	const close = () => {
		isOpen = false;
		for (const one of colleagues) one.terminate();
	};
	const crew = {
		imports: {
			memory,
			thread: 0,
			threads,
			sleeps: typeof document === "undefined" ? 1 : 0
		},
		async begin(run, module, relaxed) {
			if (threads === 1) return run;
			const told = new Int32Array(new SharedArrayBuffer(4 * (1 + info.symbols.length)));
			colleagues.forEach((one, i) => {
				const used = relaxed && {
					module: relaxed.module,
					mask: relaxed.mask
				};
				one.postMessage({
					module,
					relaxed: used,
					memory,
					thread: i + 1,
					threads,
					told
				});
			});
			await Promise.all(colleagues.map((one) => one.heard()));
			for (const one of colleagues) one.rest();
			const together = (...sizes) => {
				told.set(sizes, 1);
				Atomics.add(told, 0, 1);
				Atomics.notify(told, 0);
				run(...sizes);
			};
			const isAlike = info.symbols.length === 0;
			const way = isAlike ? faster([together, await runAlone(crew.imports, module, relaxed)]) : together;
			return (...sizes) => {
				if (!isOpen) throw new Error("the model is closed");
				way(...sizes);
			};
		}
	};
	try {
		return Object.assign(await instantiate(info, defaults, options, crew), {
			threads,
			close
		});
	} catch (error) {
		close();
		throw error;
	}
}
`;
