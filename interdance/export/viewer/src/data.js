// What the document holds besides the program: the take, its arrays, the song.

const KINDS = { int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array, uint8: Uint8Array, float32: Float32Array };

export function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}

// The named arrays that `take.arrays` lists, from their base64 text.
export async function readArrays(take, text) {
  const buffer = await gunzip(bytesOf(text));
  const arrays = {};
  for (const { name, kind, start, length, delta } of take.arrays) {
    const array = new KINDS[kind](buffer, start, length);
    if (delta) for (let i = 0; i < length; i += delta) for (let k = i + 1; k < i + delta; k++) array[k] += array[k - 1];
    arrays[name] = array;
  }
  return arrays;
}

// The frames on either side of a moment and how far it lies from the first to the second.
export function around(frame, count) {
  const first = Math.min(Math.max(Math.floor(frame), 0), count - 1);
  return { first, second: Math.min(first + 1, count - 1), share: Math.min(Math.max(frame - first, 0), 1) };
}
