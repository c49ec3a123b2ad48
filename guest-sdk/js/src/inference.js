import * as inference from 'gg:host/inference@0.1.0';
import { call } from './host.js';
import { decode, encode } from './utf8.js';

const ARRAYS = {
  fp32: Float32Array, fp64: Float64Array,
  i8: Int8Array, i16: Int16Array, i32: Int32Array, i64: BigInt64Array,
  u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, u64: BigUint64Array,
};

/** A named array of numbers, which are `data` as bytes. */
export class Tensor {
  constructor({ name, shape, element, data }) {
    this.name = name;
    this.shape = shape;
    this.element = element;
    this.data = data;
  }

  /** The elements; throws a `TypeError` where they are not of the type that is asked for. */
  values(element = this.element) {
    const { name, data } = this;
    if (element !== this.element) throw new TypeError(`${name} holds ${this.element}, not ${element}`);
    if (element === 'text') return texts(data);
    if (element === 'boolean') return Array.from(data, (byte) => byte !== 0);
    // A copy, because the bytes may not be aligned.
    const { buffer } = data.slice();
    const half = HALVES[element];
    return half ? Float32Array.from(new Uint16Array(buffer), half.widen) : new ARRAYS[element](buffer);
  }
}

/** The names of the models this component may use. */
export function models() {
  return call(() => inference.models());
}

/** What is known of a model. Loads it, if it is not loaded. */
export function describe(model) {
  return call(() => inference.describe(model));
}

/**
 * A tensor of a typed array, or of a list of numbers, booleans or strings, in row-major order.
 * Numbers in a list are `fp32`, unless it is said.
 */
export function tensor(name, shape, values, element = elementOf(values)) {
  const room = shape.reduce((room, length) => room * length, 1);
  if (room !== values.length) throw new RangeError(`${name} has the shape [${shape}] and ${values.length} elements`);
  return new Tensor({ name, shape, element, data: bytesOf(values, element) });
}

/** Run a model on every input once; gives its outputs by their names. */
export function run(model, inputs, { deadlineMs } = {}) {
  const raw = inputs.map(({ name, shape, element, data }) => ({ name, shape, element, data }));
  const outputs = call(() => inference.run(model, raw, deadlineMs));
  return Object.fromEntries(outputs.map((output) => [output.name, new Tensor(output)]));
}

/** Scores as shares that add up to 1. One that is not a number makes them all so. */
export function softmax(scores) {
  const most = scores.reduce((most, score) => (score > most ? score : most), -Infinity);
  // The greatest ones count 1, also where they are infinite.
  const weights = Array.from(scores, (score) => (score === most ? 1 : Math.exp(score - most)));
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The place of the greatest score, the first one of equal ones; `undefined` where none is a number. */
export function argmax(scores) {
  return topK(scores, 1)[0]?.index;
}

/**
 * The `k` greatest scores and their places, greatest first and the first one of equal ones. Those
 * that are not numbers are left out.
 */
export function topK(scores, k) {
  const places = Array.from(scores, (score, index) => ({ index, score }));
  const best = places.filter(({ score }) => !Number.isNaN(score));
  return best.sort((one, other) => (other.score > one.score) - (other.score < one.score)).slice(0, k);
}

/** The labels in a text that has one a line. */
export function labels(text) {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** As `topK`, with labels, of which there must be as many as scores. */
export function topLabels(labels, scores, k) {
  if (labels.length !== scores.length) throw new RangeError(`${labels.length} labels for ${scores.length} scores`);
  return topK(scores, k).map(({ index, score }) => ({ label: labels[index], score }));
}

function elementOf(values) {
  const element = Object.keys(ARRAYS).find((key) => values instanceof ARRAYS[key]);
  if (element !== undefined) return element;
  return { string: 'text', boolean: 'boolean', bigint: 'i64' }[typeof values[0]] ?? 'fp32';
}

function bytesOf(values, element) {
  if (element === 'text') return textBytes(values);
  if (element === 'boolean') return Uint8Array.from(values, Number);
  const half = HALVES[element];
  const Elements = half ? Uint16Array : ARRAYS[element];
  if (Elements === undefined) throw new TypeError(`${element} is no type of elements`);
  const array = half ? Elements.from(values, half.round) : values instanceof Elements ? values : Elements.from(values);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

// A string is a 32-bit length, and so many bytes of UTF-8.
function textBytes(strings) {
  const parts = strings.map(encode);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    new DataView(bytes.buffer).setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

function texts(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const strings = [];
  for (let at = 0; at < data.length; ) {
    const start = at + 4;
    at = start + view.getUint32(at, true);
    if (at > data.length) throw new RangeError('a string is cut off');
    strings.push(decode(data.subarray(start, at)));
  }
  return strings;
}

const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);

function bitsOf(value) {
  number[0] = value;
  return bits[0];
}

function ofBits(value) {
  bits[0] = value;
  return number[0];
}

// Floats of 16 bits, which not every engine has. They round to the nearest, and where two are as
// near, to the even one.
const HALVES = {
  bf16: {
    widen: (half) => ofBits(half << 16),
    round(value) {
      const wide = bitsOf(value);
      return value !== value ? (wide >>> 16) | 0x40 : (wide + 0x7fff + ((wide >>> 16) & 1)) >>> 16;
    },
  },
  fp16: {
    widen(half) {
      const sign = half & 0x8000 ? -1 : 1;
      const exponent = (half >> 10) & 0x1f;
      const fraction = half & 0x3ff;
      if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
      // The smallest ones have no leading 1.
      return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
    },
    round(value) {
      const wide = bitsOf(value);
      const sign = (wide >>> 16) & 0x8000;
      const magnitude = wide & 0x7fffffff;
      if (magnitude > 0x7f800000) return sign | 0x7e00;
      // From halfway between the largest one and the next there would be.
      if (magnitude >= 0x477ff000) return sign | 0x7c00;
      // Added to 0.5, whose last bit counts as much as the smallest one.
      if (magnitude < 0x38800000) return sign | (bitsOf(ofBits(magnitude) + 0.5) - 0x3f000000);
      return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13);
    },
  },
};
