/** The JavaScript of runtime/tensors.ts and runtime/relaxedDot.ts and runtime/sizes.ts and runtime/wasm.ts, without exports. Written by scripts/runtime-strings.ts. */
export const wasmRuntime = `const arrayTypes = {
	f32: Float32Array,
	f64: Float64Array,
	i8: Int8Array,
	u8: Uint8Array,
	i16: Int16Array,
	u16: Uint16Array,
	i32: Int32Array,
	u32: Uint32Array,
	i64: BigInt64Array,
	u64: BigUint64Array,
	i1: Uint8Array,
	f16: Uint16Array,
	bf16: Uint16Array,
	i4: Int8Array,
	i2: Int8Array
};
function arrayType(dtype) {
	return arrayTypes[dtype] ?? Uint8Array;
}
async function fetchFile(url) {
	if (url.protocol === "file:") {
		const host = globalThis.process;
		const files = host?.getBuiltinModule?.("node:fs/promises");
		if (files) return files.readFile(url);
	}
	const response = await fetch(url);
	if (!response.ok) throw new Error(\`\${url.href} could not be loaded: HTTP status \${response.status}\`);
	return response;
}
function isResponse(source) {
	if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return false;
	return typeof Response !== "undefined" && source instanceof Response;
}
async function bytesOf(source) {
	const data = isResponse(source) ? await source.arrayBuffer() : source;
	return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
function describe(infos) {
	return infos.map(({ address, length, sizes, ...info }) => info);
}
function kindOf(value) {
	return ArrayBuffer.isView(value) ? value.constructor.name : Array.isArray(value) ? "an array" : String(value);
}
function check(role, info, data, wanted) {
	checkType(role, info, data);
	const { length } = data;
	if (length !== wanted) {
		const shape = info.shape.join("×") || "scalar";
		throw new RangeError(\`\${role} \${JSON.stringify(info.name)} has \${length} elements; its shape \${shape} has \${wanted}\${info.sizes ? " here" : ""}\`);
	}
}
function checkType(role, info, data) {
	const type = arrayType(info.dtype);
	const clamped = type === Uint8Array && data instanceof Uint8ClampedArray;
	const name = JSON.stringify(info.name);
	if (!clamped && !(ArrayBuffer.isView(data) && data.constructor.name === type.name)) {
		throw new TypeError(\`\${role} \${name} must be a \${type.name} (\${info.dtype}), not \${kindOf(data)}\`);
	}
}
function checkNames(role, infos, given) {
	for (const name of Object.keys(given)) {
		if (infos.some((info) => info.name === name)) continue;
		const known = infos.map((info) => JSON.stringify(info.name)).join(", ");
		throw new TypeError(\`there is no \${role} \${JSON.stringify(name)}; the model has \${known || "none"}\`);
	}
}
const probeModule = "AGFzbQEAAAABBAFgAAADAgEABQQBAQEBBxACBm1lbW9yeQIAA2RvdAAACh8BHQBBMEEA/QAEAEEQ/QAEAEEg/QAEAP2TAv0LBAAL";
function fromBase64(text) {
	return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
function probeOperands(round) {
	const weights = new Int8Array(16);
	const activations = new Uint8Array(16);
	const extremes = [
		[-128, 255],
		[-128, 200],
		[127, 255],
		[127, 128],
		[-128, 128],
		[-1, 255],
		[127, 127]
	];
	const pair = extremes[round];
	for (let lane = 0; lane < 16; lane++) {
		weights[lane] = pair ? pair[0] : 37 * round + 91 * lane * lane + 13 * lane;
		activations[lane] = pair ? pair[1] : 101 * round + 59 * lane * lane + 29 * lane + 128;
	}
	if (round === extremes.length) weights.fill(-128, 0, 8).fill(127, 8);
	return [weights, activations];
}
function probeRelaxedDot() {
	try {
		const module = new WebAssembly.Module(fromBase64(probeModule));
		const { memory, dot } = new WebAssembly.Instance(module).exports;
		const bytes = new Uint8Array(memory.buffer);
		const words = new Int32Array(memory.buffer);
		let signed = true;
		let unsigned = true;
		for (let round = 0; round < 24; round++) {
			const [weights, activations] = probeOperands(round);
			bytes.set(new Uint8Array(weights.buffer), 0);
			bytes.set(activations, 16);
			for (let lane = 0; lane < 4; lane++) words[8 + lane] = 1000003 * (round - 7) * (lane + 1);
			dot();
			for (let lane = 0; lane < 4; lane++) {
				let asSigned = words[8 + lane];
				let asUnsigned = asSigned;
				for (let i = 4 * lane; i < 4 * lane + 4; i++) {
					const weight = weights[i];
					const activation = activations[i];
					asUnsigned += weight * activation;
					asSigned += weight * (activation << 24 >> 24);
				}
				const found = words[12 + lane];
				signed &&= found === asSigned;
				unsigned &&= found === asUnsigned;
			}
		}
		return signed ? 0 : unsigned ? 2155905152 | 0 : undefined;
	} catch {
		return undefined;
	}
}
const sizeFunctions = {
	"+": (a, b) => a + b,
	"*": (a, b) => a * b,
	floordiv: (a, b) => Math.floor(a / b),
	mod: (a, b) => (a % b + b) % b,
	min: Math.min,
	max: Math.max
};
function sizeIn(size, sizes) {
	if (typeof size === "number") return size;
	if (typeof size === "string") return sizes.get(size);
	const [name, a, b] = size;
	return sizeFunctions[name](sizeIn(a, sizes), sizeIn(b, sizes));
}
function lengthIn({ length, sizes: shape }, sizes) {
	return shape ? shape.reduce((n, size) => n * sizeIn(size, sizes), 1) : length;
}
function symbolsIn(size) {
	if (typeof size === "string") return [size];
	return typeof size === "number" ? [] : [...symbolsIn(size[1]), ...symbolsIn(size[2])];
}
function sizeFor(role, info, symbol, length, sizes) {
	const lengthAt = (value) => lengthIn(info, new Map(sizes).set(symbol.name, value));
	let [low, high] = [symbol.min, symbol.max];
	while (low < high) {
		const middle = Math.floor((low + high) / 2);
		if (lengthAt(middle) < length) low = middle + 1;
		else high = middle;
	}
	if (lengthAt(low) === length) return low;
	throw new RangeError(\`\${role} \${JSON.stringify(info.name)} has \${length} elements; its shape \${info.shape.join("×")} has none such for \${symbol.name} from \${symbol.min} to \${symbol.max}\`);
}
function sizesOf(info, kept, told, given) {
	const sizes = new Map(kept);
	const open = info.symbols.filter(({ name, found }) => found === undefined && !kept.has(name));
	for (const [name, size] of Object.entries(told)) {
		const symbol = open.find((one) => one.name === name);
		if (!symbol) throw new TypeError(\`there is no size \${JSON.stringify(name)} to be chosen\`);
		if (!(Number.isInteger(size) && size >= symbol.min && size <= symbol.max)) {
			throw new RangeError(\`the size \${name} is \${size}; it may be \${symbol.min} to \${symbol.max}\`);
		}
		sizes.set(name, size);
	}
	for (let before = -1; before < sizes.size;) {
		before = sizes.size;
		for (const one of info.inputs) {
			const data = given[one.name];
			const missing = new Set((one.sizes ?? []).flatMap(symbolsIn).filter((name) => !sizes.has(name)));
			const [name] = missing;
			const symbol = open.find((each) => each.name === name);
			if (data && symbol && missing.size === 1) sizes.set(symbol.name, sizeFor("input", one, symbol, data.length, sizes));
		}
	}
	const unknown = open.filter(({ name }) => !sizes.has(name)).map(({ name }) => name);
	if (unknown.length === 0) return sizes;
	throw new TypeError(\`the lengths of the inputs do not tell \${unknown.join(", ")}: say it, as in { sizes: { \${unknown.map((name) => \`\${JSON.stringify(name)}: …\`).join(", ")} } }\`);
}
function grownSizes(info, kept, loaded, given) {
	const sizes = new Map(kept);
	for (const symbol of info.symbols) {
		const shares = (one) => (one.sizes ?? []).some((size) => symbolsIn(size).includes(symbol.name));
		const first = loaded.find(shares);
		if (symbol.next === undefined || !first) continue;
		sizes.set(symbol.name, sizeFor("state", first, symbol, given[first.name].length, sizes));
		const missing = info.states.find((one) => shares(one) && !loaded.includes(one));
		if (!missing || sizes.get(symbol.name) === kept.get(symbol.name)) continue;
		throw new TypeError(\`state \${JSON.stringify(missing.name)} is missing: it grows with \${JSON.stringify(first.name)}, which has another size now\`);
	}
	return sizes;
}
function isFound({ sizes }, { symbols }) {
	const names = new Set((sizes ?? []).flatMap(symbolsIn));
	return symbols.some(({ name, found }) => found !== undefined && names.has(name));
}
function forEachPlace({ sizes, order, shape }, symbols, visit) {
	if (!order) return;
	const extents = (sizes ?? shape).map((size) => sizeIn(size, symbols));
	const steps = [];
	let count = 1;
	for (const axis of order.toReversed()) {
		steps[axis] = count;
		count *= extents[axis];
	}
	const walk = (axis, place, index) => {
		if (axis === extents.length) {
			visit(place, index);
			return;
		}
		const extent = extents[axis];
		for (let i = 0; i < extent; i++) walk(axis + 1, place + i * steps[axis], index * extent + i);
	};
	walk(0, 0, 0);
}
async function compile(source) {
	if (source instanceof WebAssembly.Module) return source;
	if (!isResponse(source)) return WebAssembly.compile(source);
	const streams = source.headers.get("content-type")?.startsWith("application/wasm");
	return streams ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer());
}
async function relaxedKernels(info, module, baseline) {
	if (info.relaxed === "none") return "this model has no relaxed SIMD kernels";
	const mask = info.relaxed === "dot" ? probeRelaxedDot() : 0;
	if (mask === undefined) return "the relaxed SIMD dot product of this machine is missing or not exact";
	const [section] = WebAssembly.Module.customSections(module, "qc.relaxed");
	if (!section) return "the module has lost its section \\"qc.relaxed\\"";
	try {
		const relaxed = await WebAssembly.compile(section);
		const instance = await WebAssembly.instantiate(relaxed, { qc: {
			...baseline,
			mask
		} });
		return {
			module: relaxed,
			mask,
			run: instance.exports.run
		};
	} catch (error) {
		return \`the relaxed SIMD kernels could not be compiled here (\${error instanceof Error ? error.message : error})\`;
	}
}
function makeModel(info, memory, simd, start) {
	const kept = new Map();
	const forget = () => {
		for (const { name, min, next } of info.symbols) if (next !== undefined) kept.set(name, min);
	};
	forget();
	const told = info.symbols.filter(({ found }) => found === undefined);
	const words = new DataView(memory.buffer);
	const last = new Map();
	const execute = (sizes) => {
		const grown = info.symbols.flatMap(({ name, max, next }) => {
			if (next === undefined) return [];
			const size = sizeIn(next, sizes);
			if (size <= max) return [[name, size]];
			throw new RangeError(\`the state is full: \${name} would be \${size}, and it may be \${max} at most; reset() begins anew\`);
		});
		start(...told.map(({ name }) => sizes.get(name)));
		for (const [name, size] of grown) kept.set(name, size);
		for (const { name, max, found } of info.symbols) {
			if (found === undefined) continue;
			const size = words.getInt32(found, true);
			if (size > max) throw new RangeError(\`the run found \${size} for \${name}; the program has room for \${max}\`);
			sizes.set(name, size);
			last.set(name, size);
		}
	};
	const view = ({ name, dtype, address, length }) => {
		const type = arrayType(dtype);
		return [name, new type(memory.buffer, address, length)];
	};
	const inputs = Object.fromEntries(info.inputs.map(view));
	const outputs = Object.fromEntries(info.outputs.map(view));
	const states = Object.fromEntries(info.states.map(view));
	return {
		signature: {
			inputs: describe(info.inputs),
			outputs: describe(info.outputs),
			states: describe(info.states),
			sizes: told.map(({ name, min, max, next }) => ({
				name,
				min,
				max,
				grows: next !== undefined
			}))
		},
		simd,
		views: {
			inputs,
			outputs
		},
		execute: (told = {}) => execute(sizesOf(info, kept, told, {})),
		reset() {
			forget();
			for (const state of Object.values(states)) new Uint8Array(state.buffer, state.byteOffset, state.byteLength).fill(0);
		},
		get sizes() {
			return Object.fromEntries([...kept, ...last]);
		},
		saveState: () => Object.fromEntries(info.states.map((one) => {
			const state = states[one.name].subarray(0, lengthIn(one, kept));
			const saved = state.slice();
			forEachPlace(one, kept, (place, i) => {
				saved[i] = state[place];
			});
			return [one.name, saved];
		})),
		loadState(given) {
			checkNames("state", info.states, given);
			const loaded = info.states.filter(({ name }) => Object.hasOwn(given, name));
			for (const one of loaded) checkType("state", one, given[one.name]);
			const grown = grownSizes(info, kept, loaded, given);
			for (const one of loaded) check("state", one, given[one.name], lengthIn(one, grown));
			for (const [name, size] of grown) kept.set(name, size);
			for (const one of loaded) {
				const [from, state] = [given[one.name], states[one.name]];
				state.set(from);
				forEachPlace(one, grown, (place, i) => {
					state[place] = from[i];
				});
			}
		},
		run(given, options) {
			if (typeof given !== "object" || given === null || ArrayBuffer.isView(given)) {
				throw new TypeError("run takes an object with an array for each input");
			}
			const into = options?.into ?? {};
			checkNames("input", info.inputs, given);
			checkNames("output", info.outputs, into);
			for (const one of info.inputs) {
				if (!Object.hasOwn(given, one.name)) throw new TypeError(\`input \${JSON.stringify(one.name)} is missing\`);
				checkType("input", one, given[one.name]);
			}
			const sizes = sizesOf(info, kept, options?.sizes ?? {}, given);
			for (const one of info.inputs) check("input", one, given[one.name], lengthIn(one, sizes));
			for (const one of info.outputs) {
				const length = isFound(one, info) ? one.length : lengthIn(one, sizes);
				if (Object.hasOwn(into, one.name)) check("output", one, into[one.name], length);
			}
			for (const { name } of info.inputs) inputs[name]?.set(given[name]);
			execute(sizes);
			const results = info.outputs.map((one) => {
				const { name } = one;
				const result = outputs[name].subarray(0, lengthIn(one, sizes));
				const own = Object.hasOwn(into, name) ? into[name] : undefined;
				if (!own) return [name, result.slice()];
				own.set(result);
				return [name, result.length < own.length ? own.subarray(0, result.length) : own];
			});
			return Object.fromEntries(results);
		}
	};
}
async function placeWeights({ weights: { address, bytes, external } }, module, memory, source) {
	const [section] = WebAssembly.Module.customSections(module, "qc.weights");
	if (!external && !section) return;
	const weights = await bytesOf(section ?? await source());
	if (weights.byteLength !== bytes) {
		throw new RangeError(\`the weights have \${weights.byteLength} bytes; the model needs \${bytes}\`);
	}
	new Uint8Array(memory.buffer).set(weights, address);
}
async function instantiate(info, defaults, options = {}, crew) {
	const { simd = "auto" } = options;
	if (![
		"auto",
		"baseline",
		"relaxed"
	].includes(simd)) {
		throw new TypeError(\`simd must be "auto", "baseline" or "relaxed", not \${JSON.stringify(simd)}\`);
	}
	const file = (source) => source instanceof URL ? fetchFile(source) : source;
	const module = await compile(await (options.wasm ?? file(defaults.wasm())));
	const instance = await WebAssembly.instantiate(module, crew && { qc: crew.imports });
	const exports = {
		...instance.exports,
		...crew?.imports
	};
	const memory = exports.memory;
	await placeWeights(info, module, memory, () => options.weights ?? file(defaults.weights()));
	const relaxed = simd === "baseline" ? "not asked for" : await relaxedKernels(info, module, exports);
	if (typeof relaxed === "string" && simd === "relaxed") throw new Error(\`relaxed SIMD can't be used: \${relaxed}\`);
	const used = typeof relaxed === "string" ? undefined : relaxed;
	const run = used?.run ?? exports.run;
	const start = crew ? await crew.begin(run, module, used) : run;
	return makeModel(info, memory, used ? "relaxed" : "baseline", start);
}
`;
