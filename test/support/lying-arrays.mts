// Typed arrays that lie about their properties, in every way that JavaScript allows.

export type Numbers = Float32Array | Uint8Array | Uint8ClampedArray | Uint16Array;

/** Returns the constructor of a typed array; all have the same parameters. */
function kindOf(array: Numbers): Float32ArrayConstructor {
  return globalThis[array[Symbol.toStringTag]] as unknown as Float32ArrayConstructor;
}

function other(array: Numbers, claimed: number): Numbers {
  return new (kindOf(array))(new ArrayBuffer(claimed * array.BYTES_PER_ELEMENT), 0, claimed);
}

/** Each function makes an array claim another number of elements, or other elements. */
export const LIES: Record<string, (array: Numbers, claimed: number) => Numbers> = {
  nothing: (array) => array,
  'its length': (array, claimed) => Object.defineProperty(array, 'length', { value: claimed }),
  'its byteLength': (array, claimed) =>
    Object.defineProperty(array, 'byteLength', { value: claimed * array.BYTES_PER_ELEMENT }),
  'its byteOffset': (array) => Object.defineProperty(array, 'byteOffset', { value: 4096 }),
  'its buffer': (array, claimed) =>
    Object.defineProperty(array, 'buffer', { value: other(array, claimed).buffer }),
  'all of it, by getters of its class': (array, claimed) => {
    class Lying extends kindOf(array) {}
    Object.defineProperties(Lying.prototype, {
      length: { get: () => claimed },
      byteLength: { get: () => claimed * array.BYTES_PER_ELEMENT },
    });
    return new Lying(array.buffer as ArrayBuffer, array.byteOffset, array.length);
  },
  'its species': (array, claimed) => {
    class Lying extends kindOf(array) {}
    const value = function species() {
      return other(array, claimed);
    };
    Object.defineProperty(Lying, Symbol.species, { value });
    return new Lying(array.buffer as ArrayBuffer, array.byteOffset, array.length);
  },
  'its constructor': (array, claimed) => {
    const value = function another() {
      return other(array, claimed);
    };
    return Object.defineProperty(array, 'constructor', { value });
  },
  'its parts, by methods of its own': (array, claimed) => {
    const value = () => other(array, claimed);
    for (const name of ['subarray', 'slice', 'map', 'set', 'fill', 'at', 'entries', 'values']) {
      Object.defineProperty(array, name, { value });
    }
    return Object.defineProperty(array, Symbol.iterator, { value });
  },
  'its prototype': (array, claimed) => {
    const length = { value: claimed };
    return Object.setPrototypeOf(array, Object.create(other(array, claimed), { length }));
  },
};
