// Time: the song's own clock when there is one, the wall's otherwise.
export class Clock {
  constructor(duration, source) {
    this.duration = duration;
    this.time = 0;
    this.playing = false;
    this.speed = 1;
    this.loop = true;
    this.range = null;  // [start, end] in seconds, of what is repeated; null for all
    this.audio = null;
    if (source) {
      this.audio = new Audio(source);
      this.audio.preload = 'auto';
      this.audio.addEventListener('error', () => { this.audio = null; });
    }
  }

  get start() { return this.loop && this.range ? this.range[0] : 0; }
  get end() { return this.loop && this.range ? this.range[1] : this.duration; }

  play() {
    if (this.time >= this.end - 1e-3) this.seek(this.start);
    this.playing = true;
    if (!this.audio) return;
    this.audio.playbackRate = this.speed;
    this.audio.play().catch(error => {
      // Refused for want of a click: wait for one. Anything else: dance on without the song.
      if (error.name === 'NotAllowedError') this.playing = false;
      else if (error.name !== 'AbortError') this.audio = null;
    });
  }

  pause() {
    this.playing = false;
    if (!this.audio) return;
    this.audio.pause();
    // What is seen when the dance stops is what was heard last.
    if (!this.audio.ended) this.time = Math.min(this.audio.currentTime, this.duration);
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.duration);
    if (this.audio) this.audio.currentTime = this.time;
  }

  setSpeed(speed) {
    this.speed = speed;
    if (this.audio) this.audio.playbackRate = speed;
  }

  // Called once per drawn picture with the seconds since the last.
  advance(elapsed) {
    if (!this.playing) return;
    this.time += elapsed * this.speed;
    if (this.audio && !this.audio.seeking && !this.audio.ended) {
      // The song's clock ticks in coarse steps in some browsers: lean towards it, jump only when far off.
      const difference = this.audio.currentTime - this.time;
      this.time += Math.abs(difference) > 0.12 ? difference : 0.15 * difference;
    }
    if (this.time < this.end) return;
    if (this.loop) {
      this.seek(this.start);
      if (this.audio && this.audio.paused) this.audio.play().catch(() => {});
    } else {
      this.pause();
      this.time = this.duration;
    }
  }
}
