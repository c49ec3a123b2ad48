// What `@gg-host/sdk/inference` does on its own: tensors from and to arrays, and what is made of
// scores.
import { defineService, log } from '@gg-host/sdk';
import { argmax, labels, softmax, Tensor, tensor, topK, topLabels } from '@gg-host/sdk/inference';

const ELEMENTS = {
  fp16: [2 ** -24, -65504],
  bf16: [2 ** -133, -3.3895313892515355e38],
  fp32: [0.5, -3.4028234663852886e38],
  fp64: [0.1, -Number.MAX_VALUE],
  i8: [-128, 127],
  i16: [-32768, 32767],
  i32: [-2147483648, 2147483647],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u8: [0, 255],
  u16: [0, 65535],
  u32: [0, 4294967295],
  u64: [0n, 2n ** 64n - 1n],
  boolean: [true, false],
  text: ['', '°C'],
};

const HALVES = [
  ['bf16', 1.00390625, 1],
  ['bf16', 1.01171875, 1.015625],
  ['fp16', 0.1, 0.0999755859375],
  ['fp16', 65519.9, 65504],
  ['fp16', 65520, Infinity],
  ['fp16', 2.9802322e-8, 0],
  ['fp16', 2.980233e-8, 2 ** -24],
  ['fp16', 1 + 1 / 2048, 1],
  ['fp16', 1 + 3 / 2048, 1 + 2 / 1024],
];

function check(holds, what) {
  if (!holds) throw new Error(what);
}

function same(found, wanted) {
  const text = ([...values]) => values.map((value) => (typeof value === 'object' ? JSON.stringify(value) : `${value}`)).join();
  check(text(found) === text(wanted), `${text(found)} is not ${text(wanted)}`);
}

function close(shares, wanted) {
  const all = shares.length === wanted.length && shares.every((share, i) => Math.abs(share - wanted[i]) < 1e-6);
  check(all, `${shares} is not ${wanted}`);
}

function fails(message, f) {
  let said = 'nothing';
  try {
    f();
  } catch (error) {
    said = error.message;
  }
  check(said === message, `${said} is not ${message}`);
}

export const run = defineService(() => {
  for (const [element, values] of Object.entries(ELEMENTS)) {
    same(tensor('x', [2, 1], values, element).values(element), values);
    const again = tensor('x', [2, 1], tensor('x', [2], values, element).values());
    check(again.element === (/^(bf|fp)16$/.test(element) ? 'fp32' : element), again.element);
  }
  for (const [element, number, wanted] of HALVES) same(tensor('x', [], [number], element).values(), [wanted]);
  for (const element of ['bf16', 'fp16']) {
    same(tensor('x', [3], [NaN, -0, -Infinity], element).values().map((value) => 1 / value), [NaN, -Infinity, -0]);
  }
  const part = new Float32Array([1, 2, 3]).subarray(1);
  same(tensor('x', [2], part).data, [0, 0, 0, 64, 0, 0, 64, 64]);
  same(new Tensor({ name: 'x', element: 'i16', data: new Uint8Array([0, 1, 0]).subarray(1) }).values(), [1]);
  same(tensor('x', [2], ELEMENTS.text).data, [0, 0, 0, 0, 3, 0, 0, 0, 0xc2, 0xb0, 67]);
  fails('x has the shape [1,8] and 7 elements', () => tensor('x', [1, 8], new Float32Array(7)));
  fails('y holds fp32, not i64', () => tensor('y', [1], [1]).values('i64'));
  fails('a string is cut off', () => new Tensor({ element: 'text', data: new Uint8Array([2, 0, 0, 0, 97]) }).values());

  close(softmax([1, 2, 3]), [0.09003057, 0.24472847, 0.66524096]);
  close(softmax(new Float32Array([1000, 1001])), [0.26894143, 0.7310586]);
  close(softmax([Infinity, 1, Infinity]), [0.5, 0, 0.5]);
  close(softmax([-Infinity, -Infinity]), [0.5, 0.5]);
  same(softmax([1, NaN]), [NaN, NaN]);
  same(softmax([]), []);

  const scores = [0.2, NaN, 0.5, 0.2, -0, 0];
  same(topK(scores, 3), [{ index: 2, score: 0.5 }, { index: 0, score: 0.2 }, { index: 3, score: 0.2 }]);
  same(topK(scores, 9).map(({ index }) => index), [2, 0, 3, 4, 5]);
  same([topK(scores, 0).length, argmax(scores), argmax([NaN]), argmax([])], [0, 2, undefined, undefined]);

  const names = labels('cat\r\n\nred panda\n');
  same(names, ['cat', '', 'red panda']);
  same([labels('').length], [0]);
  same(topLabels(names, [0.1, 0.2, 0.7], 2), [{ label: 'red panda', score: 0.7 }, { label: '', score: 0.2 }]);
  fails('3 labels for 1 scores', () => topLabels(names, [0.1], 2));
  log.info('all well');
});
