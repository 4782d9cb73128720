// Pieces of the document that several parts of the program have to do with.
export const $ = id => document.getElementById(id);

export const press = (id, value) => $(id).setAttribute('aria-pressed', String(value));

export const dot = colour => {
  const element = document.createElement('i');
  element.className = 'dot';
  element.style.setProperty('--colour', colour);
  return element;
};
