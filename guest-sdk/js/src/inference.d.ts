export type Element =
  | 'fp16' | 'bf16' | 'fp32' | 'fp64'
  | 'i8' | 'i16' | 'i32' | 'i64'
  | 'u8' | 'u16' | 'u32' | 'u64'
  | 'boolean' | 'text';

/** The elements of a tensor, by their type. */
export interface Values {
  fp16: Float32Array;
  bf16: Float32Array;
  fp32: Float32Array;
  fp64: Float64Array;
  i8: Int8Array;
  i16: Int16Array;
  i32: Int32Array;
  i64: BigInt64Array;
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  u64: BigUint64Array;
  boolean: boolean[];
  text: string[];
}

/** A named array of numbers. */
export class Tensor {
  readonly name: string;
  readonly shape: ArrayLike<number>;
  readonly element: Element;
  /** The elements as bytes, numbers little-endian. */
  readonly data: Uint8Array;
  /** The elements; throws a `TypeError` where they are not of the type that is asked for. */
  values<E extends Element>(element?: E): Values[E];
}

export interface Port {
  name: string;
  /** Left out where the model says nothing of it; a dimension, where any length will do. */
  shape?: (number | null | undefined)[];
  element: Element;
}

export interface ModelInfo {
  name: string;
  version: string;
  digest: string;
  /** What runs it, for example `tract`. */
  backend: string;
  /** Where it runs, for example `cpu`. */
  device: string;
  /** How many threads a prediction takes. */
  threads: number;
  inputs: Port[];
  outputs: Port[];
}

/** The names of the models this component may use. */
export function models(): string[];

/** What is known of a model. Loads it, if it is not loaded. */
export function describe(model: string): ModelInfo;

/**
 * A tensor of a typed array, or of a list of numbers, booleans or strings, in row-major order.
 * Numbers in a list are `fp32`, unless it is said.
 */
export function tensor(
  name: string,
  shape: number[],
  values: Values[Element] | number[] | bigint[],
  element?: Element,
): Tensor;

/** Run a model on every input once; gives its outputs by their names. */
export function run(model: string, inputs: Tensor[], options?: { deadlineMs?: number }): Record<string, Tensor>;

/** Scores, as lists or typed arrays. */
export type Scores = number[] | Float32Array | Float64Array;

/** Scores as shares that add up to 1. One that is not a number makes them all so. */
export function softmax(scores: Scores): number[];

/** The place of the greatest score, the first one of equal ones; `undefined` where none is a number. */
export function argmax(scores: Scores): number | undefined;

/**
 * The `k` greatest scores and their places, greatest first and the first one of equal ones. Those
 * that are not numbers are left out.
 */
export function topK(scores: Scores, k: number): { index: number; score: number }[];

/** The labels in a text that has one a line. */
export function labels(text: string): string[];

/** As `topK`, with labels, of which there must be as many as scores. */
export function topLabels(labels: string[], scores: Scores, k: number): { label: string; score: number }[];
