// What the lanes of the timeline say on average, as the evaluation prints it, and now.
import { $, dot } from './page.js';

const percent = (share, digits) => `${(100 * share).toFixed(digits)} %`;

const part = (kind, words, title) => {
  const element = document.createElement('span');
  element.className = kind;
  element.textContent = words;
  element.title = title;
  return element;
};

export class Legend {
  // `isNamed`: whether a line says of whom it is.
  constructor(isNamed) {
    this.isNamed = isNamed;
    this.lines = [];
  }

  // `lanes`: as the timeline's.
  show(lanes) {
    this.lines = lanes.filter(lane => lane.meeting).map(({ name, colour, meeting }) => {
      const line = document.createElement('div'), now = document.createElement('span');
      now.className = 'now';
      if (this.isNamed) line.append(dot(colour), name);
      line.append(
        part('contact', `contact ${percent(meeting.contactFrequency, 1)}`, `CF, contact frequency: frames in which the surfaces touch, on ${meeting.metOn} points of each`),
        part('penetration', `inside ${percent(meeting.penetrationRate, 2)}`, `PR, penetration rate: share of the follower's ${meeting.metOn} points that are inside of the leader; at most ${percent(meeting.peak, 1)} in a frame`),
        now);
      return { line, now, meeting };
    });
    $('legend').replaceChildren(...this.lines.map(({ line }) => line));
  }

  update(frame) {
    for (const { now, meeting } of this.lines) {
      const { near, inside } = meeting.tally(frame);
      now.textContent = `now ${near} points touch, ${inside} inside`;
    }
  }
}
