// The buttons that move the time, and what is said of it.
import { $, press } from './page.js';
import { minutes } from './words.js';

const PLAY = '<svg viewBox="0 0 16 16"><path d="M4 2l10 6-10 6z"/></svg>';
const PAUSE = '<svg viewBox="0 0 16 16"><path d="M3 2h4v12H3zM9 2h4v12H9z"/></svg>';

export class Player {
  constructor(take, clock, onChange) {
    this.take = take;
    this.clock = clock;
    this.onChange = onChange;
    this.toldPlaying = null;
    $('mute').hidden = !clock.audio;
    $('play').onclick = $('big').onclick = () => this.toggle();
    $('back').onclick = () => this.step(-1);
    $('forth').onclick = () => this.step(1);
    $('speed').onchange = event => this.setSpeed(Number(event.target.value));
    $('mute').onclick = () => this.toggleSound();
  }

  get frame() { return Math.min(this.clock.time * this.take.fps, this.take.num_frames - 1); }

  seek(time) {
    this.clock.seek(time);
    this.onChange();
  }

  toggle() {
    this.clock.playing ? this.clock.pause() : this.clock.play();
    $('big').hidden = true;
    this.onChange();
  }

  step(frames) {
    this.clock.pause();
    this.seek((Math.round(this.frame) + frames) / this.take.fps + 1e-6);
  }

  setSpeed(value) {
    this.clock.setSpeed(value);
    $('speed').value = String(value);
  }

  otherSpeed(steps) {
    const { options, selectedIndex } = $('speed');
    this.setSpeed(Number(options[Math.min(Math.max(selectedIndex + steps, 0), options.length - 1)].value));
  }

  toggleSound() {
    const { audio } = this.clock;
    if (audio) audio.muted = !audio.muted;
    press('mute', !audio?.muted);
  }

  advance(elapsed) {
    this.clock.advance(elapsed);
    if (this.clock.playing === this.toldPlaying) return;
    this.toldPlaying = this.clock.playing;
    $('play').innerHTML = this.toldPlaying ? PAUSE : PLAY;
    $('play').setAttribute('aria-label', this.toldPlaying ? 'Pause' : 'Play');
  }

  update() {
    const { time, duration } = this.clock;
    $('clock').innerHTML = `${minutes(time)} / ${minutes(duration)}<small>frame ${Math.round(this.frame)}</small>`;
  }
}
