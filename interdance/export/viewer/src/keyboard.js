// What keys do, and the list of it.
export class Keyboard {
  // `entries`: [key, what is printed on it, what it does in words, what it does]; null for what `listen` gets.
  constructor(entries) {
    this.entries = entries;
  }

  list(element) {
    for (const [, label, words] of this.entries) {
      const term = document.createElement('dt'), detail = document.createElement('dd'), key = document.createElement('kbd');
      key.textContent = label;
      term.append(key);
      detail.textContent = words;
      element.append(term, detail);
    }
  }

  listen(onNumber) {
    const actions = Object.fromEntries(this.entries.map(([key, , , action]) => [key, action]));
    window.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'SELECT') return;
      const key = event.key === '=' ? '+' : event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (key >= '1' && key <= '9') return onNumber(Number(key));
      const action = actions[key];
      // A button that has the focus is pressed by the space bar itself.
      if (!action || (key === ' ' && event.target.tagName === 'BUTTON' && event.target.id !== 'play')) return;
      event.preventDefault();
      action(event);
    });
    // What was clicked lets go of the keyboard: the space bar goes on to mean play, unless one came there by keys.
    const release = () => { if (!document.activeElement?.matches(':focus-visible')) document.activeElement?.blur(); };
    document.addEventListener('change', release);
    document.addEventListener('click', event => { if (event.target.tagName !== 'SELECT') release(); });
  }
}
