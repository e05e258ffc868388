/** The JavaScript of runtime/tensors.ts and runtime/webgpu.ts, without exports. Written by scripts/runtime-strings.ts. */
export const webgpuRuntime = `const arrayTypes = {
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
const placesStride = 256;
const widestDispatch = 65535;
const padded = (bytes) => Math.max(16, Math.ceil(bytes / 4) * 4);
const isBuffer = (data) => typeof data === "object" && data !== null && "mapAsync" in data && "usage" in data;
const usages = {
	mapRead: 1,
	copySource: 4,
	copyTarget: 8,
	uniform: 64,
	storage: 128
};
function checkLimits(info, { limits }) {
	const needs = [["memory", padded(info.memoryBytes)], ["weights", padded(info.weightsBytes)]];
	for (const [what, bytes] of needs) {
		for (const name of ["maxStorageBufferBindingSize", "maxBufferSize"]) {
			if (bytes <= limits[name]) continue;
			throw new RangeError(\`the model's \${what} takes \${bytes} bytes, \${bytes - limits[name]} more than this device's \${name} of \${limits[name]}: \` + \`ask for it with requestDevice({ requiredLimits: { \${name}: \${bytes} } }) where the adapter has it\`);
		}
	}
}
async function requestDevice(info) {
	const gpu = globalThis.navigator?.gpu;
	if (!gpu) throw new Error("there is no WebGPU here: navigator.gpu is missing (it needs a secure context)");
	const adapter = await gpu.requestAdapter();
	if (!adapter) throw new Error("WebGPU found no adapter on this machine");
	const most = Math.max(padded(info.memoryBytes), padded(info.weightsBytes));
	const requiredLimits = {};
	for (const [name, usual] of [["maxStorageBufferBindingSize", 2 ** 27], ["maxBufferSize", 2 ** 28]]) {
		if (most <= usual) continue;
		if (most > adapter.limits[name]) {
			const [missing, limit] = [most - adapter.limits[name], adapter.limits[name]];
			throw new RangeError(\`the model needs a buffer of \${most} bytes, \${missing} more than this adapter's \${name} of \${limit}\`);
		}
		requiredLimits[name] = most;
	}
	const used = info.exchanges.flatMap(({ feature, has }) => has && adapter.features.has(feature) ? [feature] : []);
	return adapter.requestDevice({
		requiredLimits,
		requiredFeatures: [...new Set(used)]
	});
}
async function upload(source, bytes, write) {
	let at = 0;
	let rest = new Uint8Array(0);
	const put = (chunk, last) => {
		const all = new Uint8Array(rest.length + chunk.length);
		all.set(rest);
		all.set(chunk, rest.length);
		const whole = last ? Math.ceil(all.length / 4) * 4 : all.length - all.length % 4;
		const data = new Uint8Array(whole);
		data.set(all.subarray(0, whole));
		if (whole > 0 && at + all.length <= bytes) write(at, data);
		rest = all.slice(whole);
		at += whole;
	};
	if (isResponse(source) && source.body) {
		const reader = source.body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			put(value, false);
		}
		put(new Uint8Array(0), true);
	} else {
		put(await bytesOf(source), true);
	}
	if (at !== padded4(bytes)) throw new RangeError(\`the weights have \${at} bytes; the model needs \${bytes}\`);
}
const padded4 = (bytes) => Math.ceil(bytes / 4) * 4;
async function makePipelines(device, layout, code, kernels) {
	device.pushErrorScope("validation");
	const module = device.createShaderModule({ code });
	const error = await device.popErrorScope();
	if (error) throw new Error(\`this device does not take the model's shader: \${error.message}\`);
	const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
	return Promise.all(kernels.map((entryPoint) => device.createComputePipelineAsync({
		layout: pipelineLayout,
		compute: {
			module,
			entryPoint
		}
	})));
}
function layoutOf(device) {
	const entry = (binding, buffer) => ({
		binding,
		visibility: 4,
		buffer
	});
	return device.createBindGroupLayout({ entries: [
		entry(0, { type: "read-only-storage" }),
		entry(1, { type: "storage" }),
		entry(2, {
			type: "uniform",
			hasDynamicOffset: true,
			minBindingSize: placesStride
		})
	] });
}
function placesOf(launches) {
	const words = new Uint32Array(Math.max(1, launches.length) * placesStride / 4);
	launches.forEach(([, , ...places], i) => {
		words.set(places, i * placesStride / 4);
	});
	return words;
}
async function instantiate(info, defaults, device, options = {}) {
	checkLimits(info, device);
	const gpu = globalThis.navigator?.gpu;
	const features = options.languageFeatures ?? gpu?.wgslLanguageFeatures;
	const text = await (options.shader ?? readText(defaults.shader()));
	const has = (feature) => (features?.has(feature) ?? false) || device.features.has(feature);
	const code = info.exchanges.filter((one) => has(one.feature) === one.has).reduce((shader, { from, to }) => shader.replace(from, () => to), text);
	const layout = layoutOf(device);
	const pipelines = await makePipelines(device, layout, code, info.kernels);
	const { storage, uniform, copySource, copyTarget, mapRead } = usages;
	const make = (bytes, usage) => device.createBuffer({
		size: padded(bytes),
		usage
	});
	const memory = make(info.memoryBytes, storage | copySource | copyTarget);
	const weights = make(info.weightsBytes, storage | copyTarget);
	const words = placesOf(info.launches);
	const places = make(words.byteLength, uniform | copyTarget);
	device.queue.writeBuffer(places, 0, words);
	if (info.weightsBytes > 0) {
		const source = await (options.weights ?? fetchFile(defaults.weights()));
		await upload(source, info.weightsBytes, (at, data) => device.queue.writeBuffer(weights, at, data));
	}
	const group = device.createBindGroup({
		layout,
		entries: [
			{
				binding: 0,
				resource: { buffer: weights }
			},
			{
				binding: 1,
				resource: { buffer: memory }
			},
			{
				binding: 2,
				resource: {
					buffer: places,
					size: placesStride
				}
			}
		]
	});
	let lost;
	void device.lost.then((reason) => {
		lost = reason;
	});
	const checkDevice = () => {
		if (lost) throw new Error(\`the device was lost (\${lost.reason}): \${lost.message || "load the model on another one"}\`);
	};
	const write = (one, data) => {
		const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
		if (bytes.length % 4 === 0) {
			device.queue.writeBuffer(memory, one.address, bytes);
			return;
		}
		const whole = new Uint8Array(padded4(bytes.length));
		whole.set(bytes);
		device.queue.writeBuffer(memory, one.address, whole);
	};
	const bytesIn = (one) => padded4(one.length * arrayType(one.dtype).BYTES_PER_ELEMENT);
	const read = async (encoder, tensors) => {
		const total = tensors.reduce((sum, one) => sum + bytesIn(one), 0);
		const staging = total > 0 ? make(total, mapRead | copyTarget) : undefined;
		let at = 0;
		for (const one of tensors) {
			encoder.copyBufferToBuffer(memory, one.address, staging, at, bytesIn(one));
			at += bytesIn(one);
		}
		device.queue.submit([encoder.finish()]);
		if (!staging) return {};
		try {
			await staging.mapAsync(1);
		} catch (error) {
			checkDevice();
			throw error;
		}
		const all = staging.getMappedRange().slice(0);
		staging.destroy();
		let from = 0;
		const found = {};
		for (const one of tensors) {
			found[one.name] = new (arrayType(one.dtype))(all, from, one.length).slice();
			from += bytesIn(one);
		}
		return found;
	};
	const encodeLaunch = (pass, i) => {
		const [kernel, workgroups] = info.launches[i];
		pass.setPipeline(pipelines[kernel]);
		pass.setBindGroup(0, group, [i * placesStride]);
		pass.dispatchWorkgroups(Math.min(workgroups, widestDispatch), Math.ceil(workgroups / widestDispatch));
	};
	const encodeLaunches = (encoder) => {
		const pass = encoder.beginComputePass();
		for (let i = 0; i < info.launches.length; i++) encodeLaunch(pass, i);
		pass.end();
	};
	const zeroStates = () => {
		for (const one of info.states) write(one, new (arrayType(one.dtype))(new ArrayBuffer(bytesIn(one)), 0, one.length));
	};
	const checkPort = (role, one, data) => {
		if (!isBuffer(data)) check(role, one, data, one.length);
		else if (data.size < bytesIn(one)) {
			throw new RangeError(\`\${role} \${JSON.stringify(one.name)} is a buffer of \${data.size} bytes; it takes \${bytesIn(one)}\`);
		}
	};
	return {
		signature: {
			inputs: describe(info.inputs),
			outputs: describe(info.outputs),
			states: describe(info.states),
			sizes: []
		},
		device,
		async run(given, runOptions) {
			checkDevice();
			const into = runOptions?.into ?? {};
			checkNames("input", info.inputs, given);
			checkNames("output", info.outputs, into);
			for (const one of info.inputs) {
				if (!Object.hasOwn(given, one.name)) throw new TypeError(\`input \${JSON.stringify(one.name)} is missing\`);
				checkPort("input", one, given[one.name]);
			}
			for (const one of info.outputs) if (Object.hasOwn(into, one.name)) checkPort("output", one, into[one.name]);
			const encoder = device.createCommandEncoder();
			for (const one of info.inputs) {
				const data = given[one.name];
				if (isBuffer(data)) encoder.copyBufferToBuffer(data, 0, memory, one.address, bytesIn(one));
				else write(one, data);
			}
			encodeLaunches(encoder);
			const results = {};
			const wanted = [];
			for (const one of info.outputs) {
				const target = into[one.name];
				if (isBuffer(target)) {
					encoder.copyBufferToBuffer(memory, one.address, target, 0, bytesIn(one));
					results[one.name] = target;
				} else wanted.push(one);
			}
			const arrays = await read(encoder, wanted);
			for (const { name } of wanted) {
				const own = into[name];
				own?.set(arrays[name]);
				results[name] = own ?? arrays[name];
			}
			return Object.fromEntries(info.outputs.map(({ name }) => [name, results[name]]));
		},
		reset: zeroStates,
		saveState: () => read(device.createCommandEncoder(), info.states),
		loadState(states) {
			checkNames("state", info.states, states);
			for (const one of info.states) if (Object.hasOwn(states, one.name)) check("state", one, states[one.name], one.length);
			for (const one of info.states) if (Object.hasOwn(states, one.name)) write(one, states[one.name]);
		},
		launches: info.launches.length,
		encodeLaunch,
		destroy() {
			for (const buffer of [
				memory,
				weights,
				places
			]) buffer.destroy();
		}
	};
}
async function readText(url) {
	return new TextDecoder().decode(await bytesOf(await fetchFile(url)));
}
`;
