export type Element =
  | 'fp16' | 'bf16' | 'fp32' | 'fp64'
  | 'i8' | 'i16' | 'i32' | 'i64'
  | 'u8' | 'u16' | 'u32' | 'u64'
  | 'boolean' | 'text';

export interface Tensor {
  name: string;
  shape: ArrayLike<number>;
  element: Element;
  data: Uint8Array;
}

export type Values =
  | Float32Array | Float64Array
  | Int8Array | Int16Array | Int32Array
  | Uint8Array | Uint16Array | Uint32Array;

export interface Port {
  name: string;
  shape: (number | null | undefined)[];
  element: Element;
}

export interface ModelInfo {
  name: string;
  version: string;
  digest: string;
  backend: string;
  inputs: Port[];
  outputs: Port[];
}

/** The names of the models this component may use. */
export function models(): string[];

/** What is known of a model. */
export function describe(model: string): ModelInfo;

/** A tensor from a typed array. */
export function tensor(name: string, shape: number[], array: Values): Tensor;

/** Run a model; `values` is there for the element types that JavaScript has an array of. */
export function run(model: string, inputs: Tensor[], deadlineMs?: number): (Tensor & { values?: Values })[];
