// Runs in Deno, whose WebGPU is Naga. Arguments: files of shaders. Prints what is wrong with each, as JSON by file.
const adapter = await navigator.gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
const halves = adapter.features.has('shader-f16') ? ['shader-f16'] : [];
const device = await adapter.requestDevice({ requiredFeatures: halves });
const wrong = {};
for (const file of Deno.args) {
  device.pushErrorScope('validation');
  device.createShaderModule({ code: await Deno.readTextFile(file) });
  const error = await device.popErrorScope();
  if (error) wrong[file] = error.message;
}
console.log(JSON.stringify({ wrong, halves: halves.length > 0 }));
