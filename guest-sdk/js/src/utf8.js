/** Text as UTF-8; a lone surrogate becomes U+FFFD. */
export function encode(text) {
  if (typeof TextEncoder === 'function') return new TextEncoder().encode(text);
  const bytes = [];
  for (const char of text) {
    let code = char.codePointAt(0);
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return new Uint8Array(bytes);
}

function tail(code) {
  return 0x80 | (code & 0x3f);
}

/** UTF-8 as text; throws a `TypeError` if it is not. */
export function decode(bytes) {
  if (typeof TextDecoder === 'function') return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  // Bounded pieces: every code point is an argument of `fromCodePoint`.
  let text = '';
  let codes = [];
  for (let i = 0; i < bytes.length; ) {
    const [code, length] = decodeOne(bytes, i);
    codes.push(code);
    i += length;
    if (codes.length === 4096) {
      text += String.fromCodePoint(...codes);
      codes = [];
    }
  }
  return text + String.fromCodePoint(...codes);
}

function decodeOne(bytes, start) {
  const first = bytes[start];
  if (first < 0x80) return [first, 1];
  // Length, and the smallest code point that needs it.
  const [length, least] = first < 0xc2 ? [0, 0] : first < 0xe0 ? [2, 0x80] : first < 0xf0 ? [3, 0x800] : [4, 0x10000];
  if (length === 0 || first > 0xf4 || start + length > bytes.length) throw invalid(start);
  let code = first & (0x7f >> length);
  for (let i = start + 1; i < start + length; i++) {
    if ((bytes[i] & 0xc0) !== 0x80) throw invalid(start);
    code = (code << 6) | (bytes[i] & 0x3f);
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw invalid(start);
  return [code, length];
}

function invalid(position) {
  return new TypeError(`not UTF-8 at byte ${position}`);
}
