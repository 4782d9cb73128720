// Times in words.
export const minutes = time => {
  const tenths = Math.floor(time * 10 + 1e-6);
  return `${Math.floor(tenths / 600)}:${(tenths % 600 / 10).toFixed(1).padStart(4, '0')}`;
};
