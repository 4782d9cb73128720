// The timeline: beats, and for every follower who is shown a lane with contact (bars) and penetration (a curve).
import { CONTACT_BAR, PENETRATION_BAR } from './colours.js';
import { minutes } from './words.js';

const LANE_HEIGHTS = [30, 46, 34, 26];  // pixels of a lane, by how many there are; of the timeline without any
const THIN = 20, HIGHEST = 200;  // pixels of a lane where there are more, and of all of them at most
const LEGIBLE = 16;  // pixels of a lane that is as high as a name
const SNAP = 5;  // pixels: a click as near as this to a beat means the beat

export class Timeline {
  constructor(take, clock, { onScrub, onRange }) {
    this.take = take;
    this.clock = clock;
    this.lanes = [];
    this.box = document.getElementById('timeline');
    this.canvas = this.box.querySelector('canvas');
    this.head = document.getElementById('head');
    this.bubble = document.getElementById('bubble');
    this.box.setAttribute('aria-valuemax', clock.duration.toFixed(2));
    this.listen(onScrub, onRange);
    new ResizeObserver(() => this.paint()).observe(this.box);
  }

  listen(onScrub, onRange) {
    let held = null;  // where a drag with shift began, 'scrub' for one without, null for none
    const at = event => {
      const { left, width } = this.box.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - left) / width, 0), 1) * this.clock.duration;
    };
    this.box.addEventListener('pointerdown', event => {
      held = event.shiftKey ? at(event) : 'scrub';
      try { this.box.setPointerCapture(event.pointerId); } catch { /* a synthetic pointer */ }
      if (held === 'scrub') onScrub(this.beatNear(at(event)) ?? at(event));
    });
    this.box.addEventListener('pointermove', event => {
      if (held === 'scrub') onScrub(at(event));
      else if (held !== null) onRange(Math.min(held, at(event)), Math.max(held, at(event)));
      this.explain(at(event));
    });
    for (const end of ['pointerup', 'pointercancel']) this.box.addEventListener(end, () => { held = null; });
    this.box.addEventListener('pointerleave', () => { this.bubble.hidden = true; });
  }

  beatNear(time) {
    const reach = SNAP / this.box.clientWidth * this.clock.duration;
    return this.take.beats.find(beat => Math.abs(beat - time) < reach);
  }

  // What is there under the pointer, in words.
  explain(time) {
    const frame = Math.min(Math.floor(time * this.take.fps), this.take.num_frames - 1);
    const lines = this.lanes.filter(lane => lane.meeting).map(({ name, meeting }) =>
      `${this.lanes.length > 1 ? name + ': ' : ''}${meeting.contact[frame] ? 'contact' : 'no contact'}, ${(100 * meeting.penetration[frame]).toFixed(1)} % inside`);
    this.bubble.textContent = [minutes(time), ...lines].join('\n');
    this.bubble.hidden = false;
    const { clientWidth } = this.box, half = this.bubble.offsetWidth / 2;
    const x = time / this.clock.duration * clientWidth;
    this.bubble.style.left = `${Math.min(Math.max(x, half), clientWidth - half)}px`;
  }

  // `lanes`: [{ name, colour, meeting }], of the followers who are shown.
  show(lanes) {
    this.lanes = lanes;
    const count = lanes.some(lane => lane.meeting) ? lanes.length : 0;
    this.box.style.setProperty('--lanes', count);
    this.box.style.setProperty('--lane', `${LANE_HEIGHTS[count] ?? Math.min(THIN, HIGHEST / count)}px`);
    this.paint();
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.width = Math.max(1, Math.round(this.box.clientWidth * ratio));
    const height = this.canvas.height = Math.max(1, Math.round(this.box.clientHeight * ratio));
    const pen = this.canvas.getContext('2d');
    const across = time => time / this.clock.duration * width;
    pen.fillStyle = '#e4e9ee';
    pen.fillRect(0, 0, width, height);
    const { range, loop } = this.clock;
    if (range) {
      pen.fillStyle = loop ? 'rgba(31, 111, 235, .2)' : 'rgba(91, 103, 115, .18)';
      pen.fillRect(across(range[0]), 0, across(range[1]) - across(range[0]), height);
    }
    const isDense = across(1) * (this.take.beats.length / this.clock.duration) ** -1 < 8 * ratio;
    pen.fillStyle = isDense ? 'rgba(74, 96, 120, .2)' : 'rgba(74, 96, 120, .34)';
    for (const beat of this.take.beats) pen.fillRect(Math.round(across(beat)), 0, ratio, height);
    const known = this.lanes.filter(lane => lane.meeting);
    const top = Math.max(...known.map(lane => lane.meeting.peak), 1e-9);  // one scale, so that lanes can be compared
    if (known.length) this.lanes.forEach((lane, index) => this.paintLane(pen, lane, top, ratio, width, height, index));
    pen.fillStyle = '#8a96a3';
    const every = this.clock.duration > 90 ? 10 : this.clock.duration > 20 ? 5 : 1;
    for (let second = 0; second <= this.clock.duration; second += every) pen.fillRect(across(second), height - 5 * ratio, ratio, 5 * ratio);
    if (!range) return;
    pen.fillStyle = '#1f6feb';
    for (const time of range) pen.fillRect(across(time) - ratio, 0, 2 * ratio, height);
  }

  paintLane(pen, { name, meeting }, top, ratio, width, height, index) {
    const high = height / this.lanes.length, start = index * high, bar = 7 * ratio, floor = start + high - ratio;
    pen.fillStyle = '#fff';
    if (index) pen.fillRect(0, start - ratio, width, ratio);
    if (meeting) {
      const { contact, penetration } = meeting, count = contact.length;
      const columns = Array.from({ length: width }, (_, column) => {
        // A column of pixels shows the largest penetration beneath it, so that short events are seen, and how much contact.
        const first = Math.floor(column / width * count), last = Math.max(first + 1, Math.floor((column + 1) / width * count));
        let touching = 0, deepest = 0;
        for (let frame = first; frame < last; frame++) {
          touching += contact[frame];
          deepest = Math.max(deepest, penetration[frame]);
        }
        return { touching: touching / (last - first), deepest };
      });
      pen.fillStyle = CONTACT_BAR;
      columns.forEach(({ touching }, column) => {
        if (!touching) return;
        pen.globalAlpha = 0.35 + 0.65 * touching;
        pen.fillRect(column, start + ratio, 1, bar);
      });
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.moveTo(0, floor);
      columns.forEach(({ deepest }, column) => pen.lineTo(column + 0.5, floor - deepest / top * (high - bar - 5 * ratio)));
      pen.lineTo(width, floor);
      pen.fillStyle = PENETRATION_BAR;
      pen.globalAlpha = 0.3;
      pen.fill();
      pen.globalAlpha = 1;
      pen.strokeStyle = PENETRATION_BAR;
      pen.lineWidth = 1.2 * ratio;
      pen.stroke();
    }
    if (this.lanes.length < 2 || high < LEGIBLE * ratio) return;
    pen.font = `600 ${10 * ratio}px system-ui, sans-serif`;
    pen.textBaseline = 'top';
    pen.fillStyle = '#1f2933';
    pen.strokeStyle = 'rgba(250, 251, 252, .85)';
    pen.lineWidth = 3 * ratio;
    pen.lineJoin = 'round';
    const text = meeting ? name : `${name}: contact is not known`;
    pen.strokeText(text, 5 * ratio, start + bar + 3 * ratio);
    pen.fillText(text, 5 * ratio, start + bar + 3 * ratio);
  }

  update() {
    const { time, duration } = this.clock;
    this.head.style.left = `${100 * time / duration}%`;
    this.box.setAttribute('aria-valuenow', time.toFixed(2));
    this.box.setAttribute('aria-valuetext', minutes(time));
  }
}
