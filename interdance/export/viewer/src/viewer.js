// The page of a duet: reads the take embedded in the document, draws it, and keeps it in time with the song.
import { Cast } from './cast.js';
import { Clock } from './clock.js';
import { bytesOf, readArrays } from './data.js';
import { JointsDancer, MotionDancer } from './dancers.js';
import { Keyboard } from './keyboard.js';
import { Legend } from './legend.js';
import { Meeting } from './meeting.js';
import { $, press } from './page.js';
import { Player } from './player.js';
import { Repeat } from './repeat.js';
import { Stage } from './stage.js';
import { Timeline } from './timeline.js';

const KINDS = { motion: MotionDancer, joints: JointsDancer };
const LOOKS = ['skin', 'skeleton', 'points', 'both'];

async function main() {
  const take = JSON.parse($('take').textContent);
  $('title').textContent = take.title;
  if (!window.DecompressionStream) throw new Error('This browser is too old for this page: use Chrome 80, Safari 16.4, Firefox 113 or later.');
  const arrays = await readArrays(take, $('arrays').textContent);
  const song = $('music').textContent.trim();
  const clock = new Clock(take.num_frames / take.fps, song && URL.createObjectURL(new Blob([bytesOf(song)], { type: take.music })));
  const stage = new Stage(take, arrays.path, $('stage'));
  // The first dancer leads; a meeting is the leader's with one of the others.
  const dancers = take.dancers.map(description => new KINDS[description.kind](description, take, arrays));
  const meetings = take.dancers.map(description => Meeting.of(description, take, arrays));
  for (const dancer of dancers) stage.scene.add(dancer.group);

  let isLit = true, changed = true;
  const redraw = () => { changed = true; };
  const player = new Player(take, clock, redraw);
  const repeat = new Repeat(clock, () => timeline.paint());
  const timeline = new Timeline(take, clock, { onScrub: time => player.seek(time), onRange: (from, to) => repeat.between(from, to) });
  const legend = new Legend(take.dancers.length > 2);
  const cast = new Cast(take.dancers, stage, () => {
    const lanes = cast.shown.filter(index => index).map(index => ({ ...take.dancers[index], meeting: meetings[index] }));
    timeline.show(lanes);
    legend.show(lanes);
    redraw();
  });

  // ----------------------------------------------------------------------------------------------------------- controls

  const setLook = kind => { $('look').value = kind; for (const dancer of dancers) dancer.look(kind); redraw(); };
  const toggleFollow = () => { stage.follow = !stage.follow; press('follow', stage.follow); redraw(); };
  const toggleLit = () => { isLit = !isLit; press('lit', isLit); redraw(); };
  const view = () => { stage.place(player.frame); redraw(); };
  const fullScreen = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  const help = () => $('help').open ? $('help').close() : $('help').showModal();

  $('lit').hidden = !meetings.some(Boolean);
  if (!document.fullscreenEnabled) $('full').hidden = true;
  if (!dancers.some(dancer => dancer instanceof MotionDancer)) $('look').hidden = true;
  $('look').onchange = event => setLook(event.target.value);
  $('follow').onclick = toggleFollow;
  $('lit').onclick = toggleLit;
  $('full').onclick = fullScreen;
  $('keys').onclick = help;
  $('help').onclick = event => { if (event.target === $('help')) help(); };
  stage.renderer.domElement.addEventListener('dblclick', view);
  stage.controls.addEventListener('change', redraw);

  const keyboard = new Keyboard([
    [' ', 'Space', 'play or pause', () => player.toggle()],
    ['ArrowLeft', '←', 'one frame back; with Shift a second', event => event.shiftKey ? player.seek(clock.time - 1) : player.step(-1)],
    ['ArrowRight', '→', 'one frame on; with Shift a second', event => event.shiftKey ? player.seek(clock.time + 1) : player.step(1)],
    ['Home', 'Home', 'to the beginning', () => player.seek(0)],
    ['End', 'End', 'to the end', () => player.seek(clock.duration)],
    ['-', '−', 'slower', () => player.otherSpeed(-1)],
    ['+', '+', 'faster', () => player.otherSpeed(1)],
    ['l', 'L', 'repeat', () => repeat.toggle()],
    ['[', '[', 'repeat from here', () => repeat.setEdge(0)],
    [']', ']', 'repeat to here', () => repeat.setEdge(1)],
    ['\\', '\\', 'repeat all', () => repeat.set(null)],
    ['m', 'M', 'sound', () => player.toggleSound()],
    ['s', 'S', 'skin, skeleton, surface points, both', () => setLook(LOOKS[(LOOKS.indexOf($('look').value) + 1) % LOOKS.length])],
    ['t', 'T', 'light up what touches', toggleLit],
    ['c', 'C', 'the camera follows the couple', toggleFollow],
    ['r', 'R', 'the first view', view],
    ['b', 'B', 'two followers side by side', () => cast.toggleBeside()],
    ['1', '1 … 9', 'show or hide a dancer', null],
    ['f', 'F', 'full screen', fullScreen],
    ['?', '?', 'this list', help],
  ]);
  keyboard.list($('help').querySelector('dl'));
  keyboard.listen(number => cast.toggle(number - 1));

  // ------------------------------------------------------------------------------------------------------------ drawing

  // Shows in the scene who is seen in a pane, lit by the meetings of exactly those.
  const prepare = (pane, frame) => {
    const shown = cast.inPane(pane), met = isLit ? shown.filter(index => meetings[index]) : [];
    dancers.forEach((dancer, index) => {
      dancer.group.visible = shown.includes(index);
      if (!dancer.group.visible) return;
      dancer.light(index ? met.filter(other => other === index).map(other => meetings[other]) : met.map(other => meetings[other]), frame, index ? 'follower' : 'leader');
    });
  };
  const draw = () => {
    const { frame } = player;
    for (const index of cast.shown) dancers[index].pose(frame);
    stage.draw(frame, pane => prepare(pane, frame));
    timeline.update();
    legend.update(Math.round(frame));
    player.update();
  };
  let before = performance.now();
  const tick = now => {
    player.advance(Math.min((now - before) / 1000, 0.25));
    before = now;
    if (clock.playing || changed) {
      changed = false;
      draw();
    } else {
      stage.controls.update();
    }
    requestAnimationFrame(tick);
  };
  $('notice').textContent = '';
  $('big').hidden = false;
  cast.setBeside(take.beside ? [1, 2] : null);
  draw();
  requestAnimationFrame(tick);

  // A handle for whoever embeds or tests the page.
  window.__interdance = {
    ready: true, take, dancers, meetings, clock, stage, timeline,
    get frame() { return player.frame; },
    get time() { return clock.time; },
    get duration() { return clock.duration; },
    play: () => clock.play(), pause: () => clock.pause(),
    seek(time) { clock.seek(time); draw(); },
    look(kind) { setLook(kind); draw(); },
    beside(a, b) { cast.setBeside(a ? [a, b] : null); draw(); },
    vertex: (dancer, index) => dancers[dancer].vertex(index),
    ball: (dancer, joint) => dancers[dancer].figure.ball(joint),
  };
}

main().catch(error => {
  $('notice').textContent = /WebGL/i.test(error.message) ? 'This page needs WebGL, which this browser has switched off.' : error.message;
  window.__interdance = { ready: false, error: String(error) };
});
