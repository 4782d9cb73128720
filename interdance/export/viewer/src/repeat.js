// The stretch that is repeated, by one button: from here, to here, no longer; or by its edges.
import { $, press } from './page.js';

const SHORTEST = 0.1;  // seconds

export class Repeat {
  constructor(clock, onChange) {
    this.clock = clock;
    this.onChange = onChange;
    this.begun = null;  // where a stretch begins whose end is not known yet
    $('loop').onclick = () => this.toggle();
    $('range').onclick = () => this.mark();
    this.tell();
  }

  toggle() { this.setLoop(!this.clock.loop); }

  setLoop(value) {
    this.clock.loop = value;
    press('loop', value);
    this.onChange();
  }

  // Repeats from one time to another; all, when that is nothing.
  between(from, to) { this.set(to - from > SHORTEST ? [from, to] : null); }

  set(range) {
    this.clock.range = range;
    this.begun = null;
    if (range) this.setLoop(true);
    else this.onChange();
    this.tell();
  }

  mark() {
    const { range, time } = this.clock;
    if (range) this.set(null);
    else if (this.begun === null || time - this.begun < SHORTEST) { this.begun = time; this.tell(); }
    else this.set([this.begun, time]);
  }

  // Moves the beginning (0) or the end (1) to the present.
  setEdge(edge) {
    const { range, duration, time } = this.clock, [from, to] = range ?? [0, duration];
    const moved = edge ? [from, time] : [time, to];
    if (moved[1] - moved[0] > SHORTEST) this.set(moved);
  }

  tell() {
    const { range } = this.clock;
    press('range', Boolean(range));
    $('range').textContent = range ? 'A–B ×' : this.begun === null ? 'A–B' : 'A–…';
  }
}
