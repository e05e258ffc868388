export { decodeModel } from './decode.ts';
export { elementStorage } from './dtypes.ts';
export { encodeModel, encodeTensorFile, tensorInfo, tensorProto } from './encode.ts';
export type { ExternalData, ExternalRange } from './externalData.ts';
export type * from './model.ts';
export { hostTensor, type OnnxTensor, type OnnxTensorData, readTensor, tensorReader } from './tensor.ts';
export { decodeTensorFile } from './tensorMessage.ts';
