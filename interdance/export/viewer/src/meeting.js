// Where the leader and one follower meet: which sampled surface points of each touch the partner or are inside of the partner.
import { around } from './data.js';

export class Meeting {
  // Null when nothing is known of a follower's surface.
  static of(description, take, arrays) {
    return description.met_on ? new Meeting(description, take, arrays) : null;
  }

  constructor(description, take, arrays) {
    this.count = take.num_frames;
    this.metOn = description.met_on;
    const part = name => arrays[`${description.key}.${name}`];
    this.contact = part('contact');          // 1 in frames with contact: the mean is CF
    this.penetration = part('penetration');  // share of the follower's points inside of the leader: the mean is PR
    this.bits = {
      leader: { near: part('leader_near'), inside: part('leader_inside') },
      follower: { near: part('follower_near'), inside: part('follower_inside') },
    };
    this.stride = Math.ceil(this.count / 8);
    this.numPoints = this.bits.leader.near.length / this.stride;
    const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
    this.contactFrequency = mean(this.contact);
    this.penetrationRate = mean(this.penetration);
    this.peak = this.penetration.reduce((a, b) => Math.max(a, b), 0);
  }

  // Raises `out.near` and `out.inside` (0..1 per point) to the light of one dancer's points; blends between frames, exact at each.
  shine(role, frame, out) {
    const { first, second, share } = around(frame, this.count);
    for (const kind of ['near', 'inside']) {
      const bits = this.bits[role][kind], light = out[kind];
      for (let point = 0; point < light.length; point++) {
        const row = point * this.stride;
        const before = bits[row + (first >> 3)] >> (first & 7) & 1, after = bits[row + (second >> 3)] >> (second & 7) & 1;
        const value = before + share * (after - before);
        if (value > light[point]) light[point] = value;
      }
    }
  }

  // How many points of either dancer touch, and are inside of the partner, in a frame.
  tally(frame) {
    const sum = kind => ['leader', 'follower'].reduce((total, role) => {
      const bits = this.bits[role][kind];
      for (let byte = frame >> 3; byte < bits.length; byte += this.stride) total += bits[byte] >> (frame & 7) & 1;
      return total;
    }, 0);
    return { near: sum('near'), inside: sum('inside') };
  }
}
