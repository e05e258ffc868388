/** The JavaScript of runtime/reportData.ts and runtime/reportCharts.ts and runtime/report.ts, without exports. Written by scripts/runtime-strings.ts. */
export const reportRuntime = `const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent ?? "");
function make(tag, attributes, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
	made.append(...children);
	return made;
}
const decibel = (fidelity) => fidelity === undefined ? "" : fidelity.snr === null ? "exact" : \`\${fidelity.snr.toFixed(1)} dB\`;
const percent = (share) => \`\${(100 * share).toFixed(1)} %\`;
const count = (n) => n.toLocaleString("en");
function gridOf({ storage, scale, zeroPoint }) {
	const bits = Number(/\\d+/.exec(storage)?.[0] ?? 0);
	if (typeof scale !== "number" || bits === 0 || bits > 8) return [];
	const lowest = storage.startsWith("u") ? 0 : -(2 ** (bits - 1));
	return Array.from({ length: 2 ** bits }, (_, i) => (lowest + i - zeroPoint) * scale);
}
function histogramChart(title, histogram, grid, detail) {
	const { min, max, counts } = histogram;
	const width = (max - min) / counts.length || 1;
	const bars = counts.map((n, i) => ({
		from: min + i * width,
		to: min + (i + 1) * width,
		n
	}));
	const inside = grid.filter((value) => value >= min - width && value <= max + width);
	const chart = Plot.plot({
		width: 420,
		height: 150,
		marginLeft: 48,
		ariaLabel: title,
		y: {
			type: "sqrt",
			label: "values",
			ticks: 3
		},
		x: { label: null },
		marks: [
			Plot.rectY(bars, {
				x1: "from",
				x2: "to",
				y: "n",
				fill: "var(--accent)"
			}),
			Plot.ruleX(inside, {
				stroke: "currentColor",
				strokeOpacity: .25,
				strokeWidth: .5
			}),
			Plot.ruleY([0])
		]
	});
	return make("figure", {}, make("figcaption", {}, \`\${title}\${detail ? \`: \${detail}\` : ""}\`), chart);
}
function codesText(one) {
	if (!one) return "";
	const { storage, scale, zeroPoint } = one;
	const text = typeof scale === "number" ? scale.toPrecision(4) : \`\${scale.min.toPrecision(3)} … \${scale.max.toPrecision(3)}\`;
	return \`\${storage}, scale \${text}\${zeroPoint ? \`, zero point \${zeroPoint}\` : ""}\`;
}
function precisionChart(precision) {
	const points = precision.filter(({ snr }) => snr !== null);
	const chart = Plot.plot({
		width: 420,
		height: 150,
		marginLeft: 48,
		ariaLabel: "weights by width",
		x: {
			label: "bits",
			ticks: points.map(({ bits }) => bits),
			tickFormat: "d"
		},
		y: {
			label: "dB",
			grid: true
		},
		marks: [Plot.lineY(points, {
			x: "bits",
			y: "snr",
			stroke: "var(--accent)"
		}), Plot.dot(points, {
			x: "bits",
			y: "snr",
			fill: "var(--accent)",
			tip: true
		})]
	});
	return make("figure", {}, make("figcaption", {}, "Sensitivity: what 2 to 8 bits leave of the weights, a scale for each output"), chart);
}
function memoryChart() {
	const { buffers, bytes, launches } = data.arena;
	const boxes = buffers.map((one) => ({
		...one,
		end: one.to + 1,
		top: one.offset + one.bytes
	}));
	element("memory").append(Plot.plot({
		width: 900,
		height: 320,
		marginLeft: 70,
		ariaLabel: "the arena over time",
		x: {
			label: "launch",
			domain: [0, launches]
		},
		y: {
			label: "byte of the arena",
			domain: [0, bytes],
			grid: true
		},
		color: { scheme: "tableau10" },
		marks: [Plot.rect(boxes, {
			x1: "from",
			x2: "end",
			y1: "offset",
			y2: "top",
			fill: "var(--accent)",
			fillOpacity: .6,
			stroke: "currentColor",
			strokeOpacity: .5
		}), Plot.tip(boxes, Plot.pointer({
			x1: "from",
			x2: "end",
			y1: "offset",
			y2: "top",
			title: (box) => \`\${box.layer}\\n\${count(box.bytes)} bytes\`
		}))]
	}));
}
function timeChart() {
	const rows = data.launches.map((one, i) => ({
		...one,
		label: \`\${i}  \${one.layer || one.op}\`
	})).sort((a, b) => b.median - a.median).slice(0, 40);
	element("time").append(Plot.plot({
		width: 900,
		height: 40 + 18 * rows.length,
		marginLeft: 260,
		ariaLabel: "time by launch",
		x: {
			label: "µs, median of runs; the line is what the roofline model predicts",
			grid: true,
			axis: "both"
		},
		y: {
			label: null,
			domain: rows.map(({ label }) => label)
		},
		marks: [Plot.barX(rows, {
			x: "median",
			y: "label",
			fill: "var(--accent)",
			title: (row) => \`\${row.op}\\n\${row.kernel}\`
		}), Plot.tickX(rows, {
			x: "predicted",
			y: "label",
			stroke: "currentColor",
			strokeWidth: 2
		})]
	}));
}
let movePicture = () => {};
const layers = new Map(data.layers.map((layer) => [layer.layer, layer]));
const diagnoses = new Map(data.diagnosis.map((one) => [one.node, one]));
const codes = new Map(data.quantization.map((one) => [one.node, one]));
function facts(rows) {
	const filled = rows.filter(([, value]) => value !== "");
	return make("dl", {}, ...filled.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}
function showLayer(name) {
	const layer = layers.get(name);
	if (!layer) return;
	const [diagnosis, own] = [diagnoses.get(name), codes.get(name)];
	const launches = data.launches.filter((one) => one.layer === name);
	const microseconds = launches.reduce((sum, { median }) => sum + median, 0);
	const weightCodes = own?.operands.w ?? own?.operands.b;
	const pane = element("layer");
	pane.replaceChildren(make("h2", { tabindex: "-1" }, name || "(no name)"), facts([
		["operations", layer.ops.join(", ")],
		["gives", layer.type],
		["multiply-adds", layer.multiplyAdds ? count(layer.multiplyAdds) : ""],
		["weights", layer.weightCount ? count(layer.weightCount) : ""],
		["time", launches.length > 0 ? \`\${microseconds.toFixed(1)} µs in \${launches.map(({ kernel }) => kernel).join(", ")}\` : ""],
		["instruction", launches.flatMap(({ instruction }) => instruction ?? []).join(", ")],
		["error alone", decibel(diagnosis?.isolated)],
		["error with all", decibel(diagnosis?.cumulative)],
		["what it alone does to the output", decibel(diagnosis?.damage)],
		["weights that become 0", diagnosis ? percent(diagnosis.zeroWeights) : ""],
		["values that become 0", diagnosis ? percent(diagnosis.zeroValues) : ""],
		["values clipped", diagnosis ? percent(diagnosis.clippedValues) : ""]
	]), ...layer.weights ? [histogramChart("Weights", layer.weights, weightCodes ? gridOf(weightCodes) : [], codesText(weightCodes))] : [], ...layer.values ? [histogramChart("Values", layer.values, own?.result ? gridOf(own.result) : [], codesText(own?.result))] : [], ...layer.precision ? [precisionChart(layer.precision)] : []);
	for (const row of document.querySelectorAll("#layers tr")) {
		row.classList.toggle("chosen", row.dataset.layer === name);
	}
	for (const node of document.querySelectorAll("#graph g.node")) {
		node.classList.toggle("chosen", node.dataset.layer === name);
	}
}
function showGraph(picture) {
	const template = element(\`graph-\${picture}\`);
	const pane = element("graph");
	pane.replaceChildren(template.content.cloneNode(true));
	element("back").hidden = picture === "main";
	const svg = pane.querySelector("svg");
	if (!svg) return;
	const inner = svg.querySelector("g");
	const start = inner.getAttribute("transform") ?? "";
	svg.setAttribute("width", "100%");
	svg.setAttribute("height", "100%");
	const zoom = d3.zoom();
	zoom.on("zoom", ({ transform }) => inner.setAttribute("transform", \`\${transform} \${start}\`));
	d3.select(svg).call(zoom);
	const { width, height } = svg.viewBox.baseVal;
	const fitted = Math.min(pane.clientWidth / width, pane.clientHeight / height);
	if (fitted < 1) {
		const scale = Math.min(1 / fitted, pane.clientWidth / width / fitted);
		const start = d3.zoomIdentity.translate(width * (1 - scale) / 2, 0).scale(scale);
		d3.select(svg).call(zoom.transform, start);
	}
	movePicture = (x, y) => d3.select(svg).call(zoom.translateBy, x, y);
	for (const id of ["closer", "further"]) {
		element(id).onclick = () => d3.select(svg).call(zoom.scaleBy, id === "closer" ? 1.5 : 1 / 1.5);
	}
	for (const node of svg.querySelectorAll("g.node")) {
		const id = node.querySelector("title")?.textContent ?? "";
		const name = data.nodes[picture]?.[id] ?? "";
		const opens = document.getElementById(\`graph-\${id}\`) !== null && picture === "main";
		node.dataset.layer = name;
		node.setAttribute("tabindex", "0");
		node.setAttribute("role", "button");
		node.setAttribute("aria-label", opens ? \`open \${name}\` : name);
		const act = () => opens ? showGraph(id) : showLayer(name);
		node.addEventListener("click", act);
		node.addEventListener("keydown", (event) => {
			if (event.key !== "Enter" && event.key !== " ") return;
			event.preventDefault();
			act();
		});
	}
}
function pictureOf(name) {
	return Object.keys(data.nodes).find((picture) => Object.values(data.nodes[picture] ?? {}).includes(name)) ?? "main";
}
function choose(name) {
	showGraph(pictureOf(name));
	showLayer(name);
	centre(document.querySelector("#graph g.chosen"));
	document.querySelector(".panes")?.scrollIntoView({ block: "nearest" });
}
function centre(node) {
	const matrix = (node?.parentNode)?.getScreenCTM();
	if (!node || !matrix) return;
	const [shown, pane] = [node.getBoundingClientRect(), element("graph").getBoundingClientRect()];
	const x = pane.left + pane.width / 2 - (shown.left + shown.width / 2);
	const y = pane.top + pane.height / 2 - (shown.top + shown.height / 2);
	movePicture(x / matrix.a, y / matrix.d);
}
function fillTable() {
	const body = element("layers").querySelector("tbody");
	const time = new Map();
	for (const { layer, median } of data.launches) time.set(layer, (time.get(layer) ?? 0) + median);
	const rows = data.layers.map(({ layer, ops, multiplyAdds, weightCount }) => {
		const diagnosis = diagnoses.get(layer);
		const cells = [
			layer || "(no name)",
			ops.join(" "),
			multiplyAdds ? count(multiplyAdds) : "",
			weightCount ? count(weightCount) : "",
			time.has(layer) ? time.get(layer).toFixed(1) : "",
			...diagnoses.size > 0 ? [
				diagnosis?.isolated,
				diagnosis?.cumulative,
				diagnosis?.damage
			].map(decibel) : []
		];
		const row = make("tr", {
			tabindex: "0",
			"data-layer": layer
		}, ...cells.map((cell) => make("td", {}, cell)));
		row.addEventListener("click", () => choose(layer));
		row.addEventListener("keydown", ({ key }) => {
			if (key === "Enter") choose(layer);
			const next = key === "ArrowDown" ? row.nextElementSibling : key === "ArrowUp" ? row.previousElementSibling : null;
			next?.focus();
		});
		return row;
	});
	body.replaceChildren(...rows);
	const heads = [...element("layers").querySelectorAll("th button")];
	heads.forEach((head, column) => {
		let upward = true;
		head.onclick = () => {
			const key = (row) => row.children[column]?.textContent ?? "";
			const number = (text) => text === "" ? Number.NEGATIVE_INFINITY : Number.parseFloat(text.replaceAll(",", ""));
			const sorted = [...body.children].sort((a, b) => {
				const [x, y] = [key(a), key(b)];
				return column < 2 ? x.localeCompare(y) : number(x) - number(y);
			});
			upward = !upward;
			body.replaceChildren(...upward ? sorted.reverse() : sorted);
		};
	});
}
function search(text) {
	const wanted = text.toLowerCase();
	const fits = (name) => (name ?? "").toLowerCase().includes(wanted);
	for (const row of document.querySelectorAll("#layers tbody tr")) row.hidden = !fits(row.textContent ?? "");
	for (const node of document.querySelectorAll("#graph g.node")) {
		const inside = Object.values(data.nodes[node.querySelector("title")?.textContent ?? ""] ?? {});
		node.classList.toggle("faint", wanted !== "" && ![node.textContent ?? "", ...inside].some(fits));
	}
}
showGraph("main");
fillTable();
memoryChart();
timeChart();
const worst = data.diagnosis.find(({ node }) => layers.has(node))?.node;
const first = worst ?? data.layers[0]?.layer;
if (first !== undefined) showLayer(first);
element("back").onclick = () => showGraph("main");
const box = element("search");
box.oninput = () => search(box.value);
box.onkeydown = ({ key }) => {
	const found = document.querySelector("#layers tbody tr:not([hidden])");
	if (key === "Enter" && found) choose(found.dataset.layer ?? "");
};
addEventListener("keydown", (event) => {
	if (event.key === "Escape" && document.activeElement !== box) showGraph("main");
	if (event.key !== "/" || document.activeElement === box) return;
	event.preventDefault();
	box.focus();
});
`;
