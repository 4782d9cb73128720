// The page of a duet: reads the take embedded in the document, draws it, and keeps it in time with the song.
import { Clock } from './clock.js';
import { bytesOf, readArrays } from './data.js';
import { JointsDancer, MotionDancer } from './dancers.js';
import { Keyboard } from './keyboard.js';
import { Meeting } from './meeting.js';
import { Stage } from './stage.js';
import { Timeline } from './timeline.js';
import { minutes } from './words.js';

const $ = id => document.getElementById(id);
const PLAY = '<svg viewBox="0 0 16 16"><path d="M4 2l10 6-10 6z"/></svg>';
const PAUSE = '<svg viewBox="0 0 16 16"><path d="M3 2h4v12H3zM9 2h4v12H9z"/></svg>';
const KINDS = { motion: MotionDancer, joints: JointsDancer };
const LOOKS = ['skin', 'skeleton', 'points', 'both'];

const dot = colour => {
  const element = document.createElement('i');
  element.className = 'dot';
  element.style.setProperty('--colour', colour);
  return element;
};

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
  const followers = dancers.map((_, index) => index).slice(1);
  for (const dancer of dancers) stage.scene.add(dancer.group);

  // Who is shown: the leader and one follower at first. More followers, one on top of the other, are there at a click, and
  // `beside` holds the two of whom each has a pane of her own with the leader; null when all share one.
  const checked = dancers.map((_, index) => index < 2);
  const picked = [1, 2];
  let beside = null, isLit = true, changed = true;
  const shownIn = pane => beside ? [...(checked[0] ? [0] : []), beside[pane]] : dancers.map((_, index) => index).filter(index => checked[index]);
  const shownFollowers = () => beside ? [...new Set(beside)] : followers.filter(index => checked[index]);

  const frameNow = () => Math.min(clock.time * take.fps, take.num_frames - 1);
  const seek = time => { clock.seek(time); changed = true; };
  const press = (id, value) => { $(id).setAttribute('aria-pressed', String(value)); changed = true; };
  const setRange = range => { clock.range = range; begun = null; if (range) setLoop(true); timeline.paint(); showRange(); };
  const timeline = new Timeline(take, clock, { onScrub: seek, onRange: (from, to) => setRange(to - from > 0.1 ? [from, to] : null) });
  const toggle = () => { clock.playing ? clock.pause() : clock.play(); $('big').hidden = changed = true; };
  const step = frames => { clock.pause(); seek((Math.round(frameNow()) + frames) / take.fps + 1e-6); };

  // ------------------------------------------------------------------------------------------------------------ dancers

  take.dancers.forEach((description, index) => {
    const label = document.createElement('label'), box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = checked[index];
    label.classList.toggle('follower', index > 0);
    label.style.setProperty('--colour', description.colour);
    box.addEventListener('change', () => { checked[index] = box.checked; showWho(); });
    if (description.kind === 'joints') label.title = 'Only the joints of this dancer are known';
    label.append(box, dot(description.colour), description.name);
    $('dancers').append(label);
  });

  // The names above the two panes, to choose from when there are more than two.
  const heads = [0, 1].map(pane => {
    const head = document.createElement('div'), mark = document.createElement('b'), choice = document.createElement('select');
    head.className = 'head';
    mark.textContent = 'AB'[pane];
    choice.setAttribute('aria-label', `Follower ${'AB'[pane]}`);
    for (const index of followers) choice.add(new Option(take.dancers[index].name, index));
    choice.addEventListener('change', () => setBeside(beside.map((index, at) => at === pane ? Number(choice.value) : index)));
    const name = document.createElement('span');
    head.append(mark, dot(''), followers.length > 2 ? choice : name);
    $('heads').append(head);
    return {
      show() {
        const [left, top, wide] = stage.pane(pane), { name: words, colour } = take.dancers[beside[pane]];
        Object.assign(head.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * wide}%` });
        head.querySelector('.dot').style.setProperty('--colour', colour);
        name.textContent = words;
        choice.value = beside[pane];
      },
    };
  });

  const showWho = () => {
    document.body.classList.toggle('beside', Boolean(beside));
    document.body.classList.toggle('tall', stage.isTall);
    // Names lie above the couple where there is no room beside it.
    const isNarrow = stage.isTall || $('stage').clientHeight < 420;
    stage.split(beside ? 2 : 1, beside ? 46 : isNarrow ? $('dancers').getBoundingClientRect().bottom : 0);
    if (beside) for (const head of heads) head.show();
    timeline.show(shownFollowers().map(index => ({ ...take.dancers[index], meeting: meetings[index] })));
    explainLanes();
    changed = true;
  };
  const setBeside = value => {
    beside = followers.length > 1 ? value : null;
    if (beside) picked.splice(0, 2, ...beside);
    press('beside', Boolean(beside));
    showWho();
  };
  const toggleBeside = () => setBeside(beside ? null : [...picked]);
  $('beside').hidden = followers.length < 2;

  // What the lanes of the timeline say on average, as the evaluation prints it, and now.
  let tallies = [];
  const explainLanes = () => {
    $('legend').replaceChildren();
    tallies = [];
    for (const index of shownFollowers()) {
      const meeting = meetings[index], { name, colour } = take.dancers[index];
      if (!meeting) continue;
      const line = document.createElement('div'), now = document.createElement('span');
      const part = (kind, word, figure, title) => {
        const element = document.createElement('span');
        element.className = kind;
        element.textContent = `${word} ${figure}`;
        element.title = title;
        return element;
      };
      if (followers.length > 1) line.append(dot(colour), name);
      line.append(
        part('contact', 'contact', `${(100 * meeting.contactFrequency).toFixed(1)} %`, `CF, contact frequency: frames in which the surfaces touch, on ${meeting.metOn} points of each`),
        part('penetration', 'inside', `${(100 * meeting.penetrationRate).toFixed(2)} %`, `PR, penetration rate: share of the follower's ${meeting.metOn} points that are inside of the leader; at most ${(100 * meeting.peak).toFixed(1)} % in a frame`),
        now);
      now.className = 'now';
      $('legend').append(line);
      tallies.push(frame => {
        const { near, inside } = meeting.tally(frame);
        now.textContent = `now ${near} points touch, ${inside} inside`;
      });
    }
  };

  // ----------------------------------------------------------------------------------------------------------- controls

  const setLook = kind => { $('look').value = kind; for (const dancer of dancers) dancer.look(kind); changed = true; };
  const setLoop = value => { clock.loop = value; press('loop', value); timeline.paint(); };
  const setFollow = value => { stage.follow = value; press('follow', value); };
  const setLit = value => { isLit = value; press('lit', value); };
  const setSound = value => { if (clock.audio) clock.audio.muted = !value; press('mute', value); };
  const setSpeed = value => { clock.setSpeed(value); $('speed').value = String(value); };
  const otherSpeed = steps => {
    const { options, selectedIndex } = $('speed');
    setSpeed(Number(options[Math.min(Math.max(selectedIndex + steps, 0), options.length - 1)].value));
  };
  // The stretch that is repeated, by one button: from here, to here, no longer.
  let begun = null;
  const showRange = () => {
    $('range').setAttribute('aria-pressed', String(Boolean(clock.range)));
    $('range').textContent = clock.range ? 'A–B ×' : begun === null ? 'A–B' : 'A–…';
  };
  const markRange = () => {
    if (clock.range) setRange(null);
    else if (begun === null || clock.time - begun < 0.1) { begun = clock.time; showRange(); }
    else setRange([begun, clock.time]);
  };
  const setEdge = edge => {
    const [from, to] = clock.range ?? [0, clock.duration];
    const range = edge ? [from, clock.time] : [clock.time, to];
    if (range[1] - range[0] > 0.1) setRange(range);
  };
  const view = () => { stage.place(frameNow()); changed = true; };
  const fullScreen = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  const help = () => $('help').open ? $('help').close() : $('help').showModal();

  $('mute').hidden = !clock.audio;
  $('lit').hidden = !meetings.some(Boolean);
  if (!document.fullscreenEnabled) $('full').hidden = true;
  if (!dancers.some(dancer => dancer instanceof MotionDancer)) $('look').hidden = true;
  $('play').onclick = $('big').onclick = toggle;
  $('back').onclick = () => step(-1);
  $('forth').onclick = () => step(1);
  $('speed').onchange = event => setSpeed(Number(event.target.value));
  $('look').onchange = event => setLook(event.target.value);
  $('loop').onclick = () => setLoop(!clock.loop);
  $('range').onclick = markRange;
  $('follow').onclick = () => setFollow(!stage.follow);
  $('lit').onclick = () => setLit(!isLit);
  $('beside').onclick = toggleBeside;
  $('mute').onclick = () => setSound(clock.audio ? clock.audio.muted : true);
  $('full').onclick = fullScreen;
  $('keys').onclick = help;
  $('help').onclick = event => { if (event.target === $('help')) help(); };
  stage.renderer.domElement.addEventListener('dblclick', view);
  stage.controls.addEventListener('change', () => { changed = true; });
  new ResizeObserver(() => showWho()).observe($('stage'));

  // What was clicked lets go of the keyboard: the space bar goes on to mean play, unless one came there by keys.
  const release = () => { if (!document.activeElement?.matches(':focus-visible')) document.activeElement?.blur(); };
  document.addEventListener('change', release);
  document.addEventListener('click', event => { if (event.target.tagName !== 'SELECT') release(); });

  const keyboard = new Keyboard([
    [' ', 'Space', 'play or pause', toggle],
    ['ArrowLeft', '←', 'one frame back; with Shift a second', event => event.shiftKey ? seek(clock.time - 1) : step(-1)],
    ['ArrowRight', '→', 'one frame on; with Shift a second', event => event.shiftKey ? seek(clock.time + 1) : step(1)],
    ['Home', 'Home', 'to the beginning', () => seek(0)],
    ['End', 'End', 'to the end', () => seek(clock.duration)],
    ['-', '−', 'slower', () => otherSpeed(-1)],
    ['+', '+', 'faster', () => otherSpeed(1)],
    ['l', 'L', 'repeat', () => setLoop(!clock.loop)],
    ['[', '[', 'repeat from here', () => setEdge(0)],
    [']', ']', 'repeat to here', () => setEdge(1)],
    ['\\', '\\', 'repeat all', () => setRange(null)],
    ['m', 'M', 'sound', () => $('mute').click()],
    ['s', 'S', 'skin, skeleton, surface points, both', () => setLook(LOOKS[(LOOKS.indexOf($('look').value) + 1) % LOOKS.length])],
    ['t', 'T', 'light up what touches', () => setLit(!isLit)],
    ['c', 'C', 'the camera follows the couple', () => setFollow(!stage.follow)],
    ['r', 'R', 'the first view', view],
    ['b', 'B', 'two followers side by side', toggleBeside],
    ['1', '1 … 9', 'show or hide a dancer', null],
    ['f', 'F', 'full screen', fullScreen],
    ['?', '?', 'this list', help],
  ]);
  keyboard.list($('help').querySelector('dl'));
  keyboard.listen(number => $('dancers').querySelectorAll('input')[number - 1]?.click());

  // ------------------------------------------------------------------------------------------------------------ drawing

  // Shows in the scene who is seen in a pane, lit by the meetings of exactly those.
  const prepare = (pane, frame) => {
    const shown = shownIn(pane), met = isLit ? shown.filter(index => meetings[index]) : [];
    dancers.forEach((dancer, index) => {
      dancer.group.visible = shown.includes(index);
      if (!dancer.group.visible) return;
      dancer.light(index ? met.filter(other => other === index).map(other => meetings[other]) : met.map(other => meetings[other]), frame, index ? 'follower' : 'leader');
    });
  };
  const draw = () => {
    const frame = frameNow(), seen = new Set([...shownIn(0), ...(beside ? shownIn(1) : [])]);
    for (const index of seen) dancers[index].pose(frame);
    stage.draw(frame, pane => prepare(pane, frame));
    timeline.update();
    const number = Math.round(frame);
    for (const tell of tallies) tell(number);
    $('clock').innerHTML = `${minutes(clock.time)} / ${minutes(clock.duration)}<small>frame ${number}</small>`;
  };
  let before = performance.now(), shownPlaying = null;
  const tick = now => {
    clock.advance(Math.min((now - before) / 1000, 0.25));
    before = now;
    if (clock.playing !== shownPlaying) {
      shownPlaying = clock.playing;
      $('play').innerHTML = shownPlaying ? PAUSE : PLAY;
      $('play').setAttribute('aria-label', shownPlaying ? 'Pause' : 'Play');
    }
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
  showRange();
  setBeside(take.beside ? [1, 2] : null);
  draw();
  requestAnimationFrame(tick);

  // A handle for whoever embeds or tests the page.
  window.__interdance = {
    ready: true, take, dancers, meetings, clock, stage, timeline,
    get frame() { return frameNow(); },
    get time() { return clock.time; },
    get duration() { return clock.duration; },
    play: () => clock.play(), pause: () => clock.pause(),
    seek(time) { clock.seek(time); draw(); },
    look(kind) { setLook(kind); draw(); },
    beside(a, b) { setBeside(a ? [a, b] : null); draw(); },
    vertex: (dancer, index) => dancers[dancer].vertex(index),
    ball: (dancer, joint) => dancers[dancer].figure.ball(joint),
  };
}

main().catch(error => {
  document.getElementById('notice').textContent = /WebGL/i.test(error.message) ? 'This page needs WebGL, which this browser has switched off.' : error.message;
  window.__interdance = { ready: false, error: String(error) };
});
