import { expect, it } from 'vitest';
import { openAdapter } from '../../src/cli/host/webgpu.ts';
import { compile, parse, profileOnDevice } from '../../src/index.ts';
import { device, missingWebGpu } from './dawn.ts';

const source = `
resource @w : f32[48] = random(1, -1, 1)
func @main(%x: tensor<3x8xf32>) -> (%y: tensor<3x6xf32>) {
  %w = nn.constant {value = @w} : tensor<8x6xf32>
  %0 = nn.matmul %x, %w : tensor<3x6xf32> loc("product")
  %1 = nn.softmax %0 {axis = 1} : tensor<3x6xf32> loc("softmax")
  nn.return %1
}
`;

it.skipIf(missingWebGpu)(
  `a device is asked for its timestamps; one without them is timed by a clock${missingWebGpu}`,
  async () => {
    const { files } = await compile(parse(source), { target: 'wgsl' });
    const host = await device();
    const { gpu, adapter } = await openAdapter();
    const plain = { gpu, device: await adapter.requestDevice() };
    try {
      const expected = host.device.features.has('timestamp-query')
        ? 'timestamps of the device'
        : 'a clock around each launch';
      for (const [one, by] of [
        [host, expected],
        [plain, 'a clock around each launch'],
      ] as const) {
        const profile = await profileOnDevice(files, one, { rounds: 4 });
        expect(profile).toMatchObject({ target: 'wgsl', by, rounds: 4 });
        expect(profile.launches.map(({ layer }) => layer)).toEqual(['product', 'softmax']);
        for (const { median, least } of profile.launches) expect(median).toBeGreaterThanOrEqual(least);
        expect(profile.total).toBeGreaterThan(0);
      }
    } finally {
      plain.device.destroy();
      host.device.destroy();
    }
  },
);
