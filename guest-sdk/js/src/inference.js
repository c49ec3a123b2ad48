import * as inference from 'gg:host/inference@0.1.0';
import { call } from './host.js';

const ARRAYS = {
  fp32: Float32Array, fp64: Float64Array,
  i8: Int8Array, i16: Int16Array, i32: Int32Array,
  u8: Uint8Array, u16: Uint16Array, u32: Uint32Array,
};

/** The names of the models this component may use. */
export function models() {
  return call(() => inference.models());
}

/** What is known of a model. */
export function describe(model) {
  return call(() => inference.describe(model));
}

/** A tensor from a typed array. */
export function tensor(name, shape, array) {
  const element = Object.keys(ARRAYS).find((key) => array instanceof ARRAYS[key]);
  if (element === undefined) throw new TypeError('a tensor needs a typed array');
  return { name, shape, element, data: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) };
}

/** Run a model. Each output has its elements as a typed array in `values`, where there is one. */
export function run(model, inputs, deadlineMs) {
  return call(() => inference.run(model, inputs, deadlineMs)).map((output) => {
    const Values = ARRAYS[output.element];
    // A copy, because the bytes may not be aligned.
    const values = Values && new Values(output.data.slice().buffer);
    return { ...output, values };
  });
}
