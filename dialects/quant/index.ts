export { dcast } from './dcast.ts';
export { dynamicQcast } from './dynamicQcast.ts';
export { observe } from './observe.ts';
export { observeWindows } from './observeWindows.ts';
export { qcast } from './qcast.ts';
export { roundFloat } from './roundFloat.ts';
export { scast } from './scast.ts';
