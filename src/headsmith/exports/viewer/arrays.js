// The page's arrays: one block of bytes in base64, and a list of what lies where.

const READERS = {f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array};

// Names to {shape, values}; float16 becomes float32.
function unpackArrays(listing, text) {
  const block = decodeBase64(text);
  const found = {};
  for (const {name, kind, shape, start} of listing) {
    const count = shape.reduce((product, side) => product * side, 1);
    const values = kind === "f2" ? widen(new Uint16Array(block, start, count)) : new READERS[kind](block, start, count);
    found[name] = {shape, values};
  }
  return found;
}

function decodeBase64(text) {
  const letters = atob(text.trim());
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  return bytes.buffer;
}

// IEEE 754 half precision to single: sign 1 bit, exponent 5, fraction 10.
function widen(halves) {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else table[bits] = sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
  }
  const wide = new Float32Array(halves.length);
  for (let place = 0; place < wide.length; place++) wide[place] = table[halves[place]];
  return wide;
}
