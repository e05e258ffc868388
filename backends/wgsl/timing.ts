import type { WgslModel } from './host.ts';

/** Microseconds of one launch after the other, once. */
export type TimeLaunches = () => Promise<number[]>;

/** Launches that one set of queries can time: each takes two of at most 4096. */
const timedAtOnce = 2048;
const usages = { mapRead: 1, copySource: 4, copyTarget: 8, queryResolve: 512 } as const;

/** Each launch as a pass of its own, between two timestamps of the device. The device has `timestamp-query`. */
export function timeByQueries(model: WgslModel, device: GPUDevice): TimeLaunches {
  const count = Math.max(1, Math.min(model.launches, timedAtOnce));
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * count });
  const resolved = device.createBuffer({ size: 16 * count, usage: usages.queryResolve | usages.copySource });
  const staging = device.createBuffer({ size: 16 * count, usage: usages.mapRead | usages.copyTarget });
  const timePart = async (first: number): Promise<number[]> => {
    const launches = Math.min(count, model.launches - first);
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < launches; i++) {
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      model.encodeLaunch(pass, first + i);
      pass.end();
    }
    encoder.resolveQuerySet(querySet, 0, 2 * launches, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16 * launches);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(1, 0, 16 * launches);
    const stamps = new BigUint64Array(staging.getMappedRange(0, 16 * launches).slice(0));
    staging.unmap();
    return Array.from({ length: launches }, (_, i) => {
      const nanoseconds = (stamps[2 * i + 1] as bigint) - (stamps[2 * i] as bigint);
      return Math.max(0, Number(nanoseconds)) / 1000;
    });
  };
  return async () => {
    const times: number[] = [];
    while (times.length < model.launches) times.push(...(await timePart(times.length)));
    return times;
  };
}

/** Each launch handed to the device alone and waited for: its time holds the way there and back. */
export function timeByClock(model: WgslModel, device: GPUDevice): TimeLaunches {
  return async () => {
    const times: number[] = [];
    for (let i = 0; i < model.launches; i++) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      model.encodeLaunch(pass, i);
      pass.end();
      const commands = encoder.finish();
      const start = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      times.push(1000 * (performance.now() - start));
    }
    return times;
  };
}
