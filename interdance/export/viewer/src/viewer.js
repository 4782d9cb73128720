// The page of a duet: reads the take embedded in the document, draws it, and keeps it in time with the song.
import * as THREE from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';

const $ = id => document.getElementById(id);
const PLAY = '<svg viewBox="0 0 16 16"><path d="M4 2l10 6-10 6z"/></svg>';
const PAUSE = '<svg viewBox="0 0 16 16"><path d="M3 2h4v12H3zM9 2h4v12H9z"/></svg>';
const CURVE_COLOURS = { contact: '#d99a1c', penetration: '#d33a3a' };
const OTHER_CURVES = ['#5f6bc9', '#2a9187', '#8a6a4f', '#7a8794'];

// Vertices of a body follow up to eight joints; three.js skins with four, so its shader learns the other four.
const chunk = THREE.ShaderChunk;
chunk.skinning_pars_vertex = chunk.skinning_pars_vertex.replace('uniform mat4 bindMatrix;',
  'attribute vec4 skinIndexMore;\nattribute vec4 skinWeightMore;\nuniform mat4 bindMatrix;');
chunk.skinbase_vertex = `
#ifdef USE_SKINNING
  mat4 skinSum = skinWeight.x * getBoneMatrix( skinIndex.x ) + skinWeight.y * getBoneMatrix( skinIndex.y )
    + skinWeight.z * getBoneMatrix( skinIndex.z ) + skinWeight.w * getBoneMatrix( skinIndex.w );
  if ( skinWeightMore.x > 0.0 ) {
    skinSum += skinWeightMore.x * getBoneMatrix( skinIndexMore.x ) + skinWeightMore.y * getBoneMatrix( skinIndexMore.y )
      + skinWeightMore.z * getBoneMatrix( skinIndexMore.z ) + skinWeightMore.w * getBoneMatrix( skinIndexMore.w );
  }
#endif
`;
chunk.skinnormal_vertex = `
#ifdef USE_SKINNING
  objectNormal = mat3( skinSum ) * objectNormal;
#endif
`;
chunk.skinning_vertex = `
#ifdef USE_SKINNING
  transformed = ( skinSum * vec4( transformed, 1.0 ) ).xyz;
#endif
`;

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}

const KINDS = { int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array, uint8: Uint8Array, float32: Float32Array };

async function readArrays(take) {
  const buffer = await gunzip(bytesOf($('arrays').textContent));
  const arrays = {};
  for (const { name, kind, start, length, delta } of take.arrays) {
    const array = new KINDS[kind](buffer, start, length);
    if (delta) for (let i = 0; i < length; i += delta) for (let k = i + 1; k < i + delta; k++) array[k] += array[k - 1];
    arrays[name] = array;
  }
  return arrays;
}

// The frames on either side of a moment and how far it lies from the first to the second.
function around(frame, count) {
  const first = Math.min(Math.max(Math.floor(frame), 0), count - 1);
  return { first, second: Math.min(first + 1, count - 1), share: Math.min(Math.max(frame - first, 0), 1) };
}

// Joints as balls, with sticks to their parents; thin in the face and the fingers.
class Figure {
  constructor(colour, parents) {
    this.parents = parents;
    const paint = new THREE.MeshStandardMaterial({ color: colour, roughness: 0.5 });
    this.balls = new THREE.InstancedMesh(new THREE.SphereGeometry(1, 14, 10), paint, parents.length);
    this.sticks = new THREE.InstancedMesh(new THREE.CylinderGeometry(1, 1, 1, 10), paint, parents.length - 1);
    this.group = new THREE.Group();
    for (const part of [this.balls, this.sticks]) {
      part.castShadow = true;
      part.frustumCulled = false;
      this.group.add(part);
    }
  }

  // `place(joint, out)` sets a vector to where that joint is.
  draw(place) {
    const matrix = new THREE.Matrix4(), turn = new THREE.Quaternion(), up = new THREE.Vector3(0, 1, 0);
    const from = new THREE.Vector3(), to = new THREE.Vector3(), way = new THREE.Vector3(), size = new THREE.Vector3();
    this.parents.forEach((parent, j) => {
      const radius = j >= 22 ? 0.007 : 0.02;
      place(j, to);
      this.balls.setMatrixAt(j, matrix.compose(to, turn.identity(), size.setScalar(radius)));
      if (parent < 0) return;
      place(parent, from);
      way.subVectors(to, from);
      const length = Math.max(way.length(), 1e-6);
      turn.setFromUnitVectors(up, way.divideScalar(length));
      from.addScaledVector(way, length / 2);
      this.sticks.setMatrixAt(j - 1, matrix.compose(from, turn, size.set(radius * 0.55, length, radius * 0.55)));
    });
    this.balls.instanceMatrix.needsUpdate = this.sticks.instanceMatrix.needsUpdate = true;
  }

  // Where a ball was drawn last: for tests.
  ball(joint) {
    const matrix = new THREE.Matrix4();
    this.balls.getMatrixAt(joint, matrix);
    return new THREE.Vector3().setFromMatrixPosition(matrix).toArray();
  }
}

// A dancer known by joint positions alone: a figure whatever the look, for there is no skin to show.
class JointsDancer {
  constructor(description, take, arrays) {
    this.name = description.name;
    this.count = take.num_frames;
    this.places = arrays[description.key + '.joints'];
    this.scale = description.scale;
    this.offset = description.offset;
    this.figure = new Figure(description.colour, take.parents);
    this.group = this.figure.group;
  }

  look() {}

  pose(frame) {
    const { first, second, share } = around(frame, this.count);
    const { places, scale, offset, count } = this;
    const along = (j, axis) => {
      const row = (j * 3 + axis) * count, a = places[row + first], b = places[row + second];
      return offset[axis] + scale * (a + share * (b - a));
    };
    this.figure.draw((j, out) => out.set(along(j, 0), along(j, 1), along(j, 2)));
  }
}

// A dancer known by body parameters: a skinned body, its figure, and the frames of the motion.
class MotionDancer {
  constructor(description, take, arrays) {
    this.name = description.name;
    this.take = take;
    this.quaternions = arrays[description.key + '.quaternions'];
    this.pelvis = arrays[description.key + '.pelvis'];
    this.group = new THREE.Group();
    const rest = description.rest_joints;
    this.bones = rest.map(() => new THREE.Bone());
    this.bones.forEach((bone, j) => {
      const parent = take.parents[j];
      if (parent < 0) return;
      bone.position.set(...rest[j].map((value, axis) => value - rest[parent][axis]));
      this.bones[parent].add(bone);
    });
    const inverses = rest.map(place => new THREE.Matrix4().makeTranslation(-place[0], -place[1], -place[2]));

    const geometry = new THREE.BufferGeometry();
    const quantised = arrays[description.key + '.vertices'];
    const positions = new Float32Array(quantised.length);
    for (let i = 0; i < positions.length; i++) positions[i] = quantised[i] * description.scale + description.offset[i % 3];
    geometry.setAttribute('position', new THREE.BufferAttribute(positions, 3));
    geometry.setIndex(new THREE.BufferAttribute(arrays.faces, 1));
    geometry.setAttribute('skinIndex', new THREE.BufferAttribute(arrays.joints_first, 4));
    geometry.setAttribute('skinWeight', new THREE.BufferAttribute(arrays.weights_first, 4, true));
    geometry.setAttribute('skinIndexMore', new THREE.BufferAttribute(arrays.joints_more, 4));
    geometry.setAttribute('skinWeightMore', new THREE.BufferAttribute(arrays.weights_more, 4, true));
    geometry.computeVertexNormals();

    this.material = new THREE.MeshPhysicalMaterial({ color: description.colour, roughness: 0.58, sheen: 0.35,
      sheenRoughness: 0.5, sheenColor: new THREE.Color(0xffffff) });
    this.mesh = new THREE.SkinnedMesh(geometry, this.material);
    this.mesh.castShadow = this.mesh.receiveShadow = true;
    this.mesh.frustumCulled = false;
    this.mesh.add(this.bones[0]);
    this.mesh.bind(new THREE.Skeleton(this.bones, inverses), new THREE.Matrix4());
    this.group.add(this.mesh);

    this.figure = new Figure(description.colour, take.parents);
    this.group.add(this.figure.group);
    this.look('skin');
  }

  look(kind) {
    this.mesh.visible = kind !== 'skeleton';
    this.figure.group.visible = kind !== 'skin';
    this.material.transparent = kind === 'both';
    this.material.opacity = kind === 'both' ? 0.35 : 1;
    this.material.depthWrite = kind !== 'both';
    this.material.needsUpdate = true;
  }

  pose(frame) {
    const count = this.take.num_frames;
    const { first, second, share } = around(frame, count);
    const q = this.quaternions;
    this.bones.forEach((bone, j) => {
      const x = j * 4 * count + first, step = second - first;
      const [a, b, c, d] = [x, x + count, x + 2 * count, x + 3 * count].map(i => q[i] + share * (q[i + step] - q[i]));
      bone.quaternion.set(a, b, c, d).normalize();
    });
    const p = this.pelvis;
    this.bones[0].position.set(...[0, 1, 2].map(axis => p[first * 3 + axis] + share * (p[second * 3 + axis] - p[first * 3 + axis])));
    this.mesh.updateMatrixWorld(true);
    if (this.figure.group.visible) this.figure.draw((j, out) => out.setFromMatrixPosition(this.bones[j].matrixWorld));
  }

  // Where a vertex is now, computed off the graphics card: for tests.
  vertex(index) {
    const { skinIndex, skinWeight, skinIndexMore, skinWeightMore, position } = this.mesh.geometry.attributes;
    const rest = new THREE.Vector3().fromBufferAttribute(position, index), sum = new THREE.Vector3();
    for (const [joints, weights] of [[skinIndex, skinWeight], [skinIndexMore, skinWeightMore]]) {
      for (let k = 0; k < 4; k++) {
        const joint = joints.getComponent(index, k);
        const matrix = new THREE.Matrix4().multiplyMatrices(this.bones[joint].matrixWorld, this.mesh.skeleton.boneInverses[joint]);
        sum.addScaledVector(rest.clone().applyMatrix4(matrix), weights.getComponent(index, k));
      }
    }
    return sum.toArray();
  }
}

// Time: the song's own clock when there is one, the wall's otherwise.
class Clock {
  constructor(duration, source) {
    this.duration = duration;
    this.time = 0;
    this.playing = false;
    this.speed = 1;
    this.loop = true;
    this.audio = null;
    if (source) {
      this.audio = new Audio(source);
      this.audio.preload = 'auto';
      this.audio.addEventListener('error', () => { this.audio = null; });
    }
  }

  play() {
    if (this.time >= this.duration - 1e-3) this.seek(0);
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
    if (this.time < this.duration) return;
    if (this.loop) {
      this.seek(0);
      if (this.audio && this.audio.paused) this.audio.play().catch(() => {});
    } else {
      this.pause();
      this.time = this.duration;
    }
  }
}

class Stage {
  constructor(take, arrays) {
    this.path = arrays.path;
    this.take = take;
    const renderer = this.renderer = new THREE.WebGLRenderer({ antialias: true, powerPreference: 'high-performance' });
    renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    renderer.shadowMap.enabled = true;
    renderer.shadowMap.type = THREE.PCFShadowMap;
    renderer.toneMapping = THREE.NoToneMapping;
    $('stage').prepend(renderer.domElement);
    const air = new THREE.Color('#dbe1e8');
    const scene = this.scene = new THREE.Scene();
    scene.background = air;
    scene.fog = new THREE.Fog(air, 7, 16);

    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 256;
    const paint = canvas.getContext('2d');
    for (const [x, y] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
      paint.fillStyle = (x + y) % 2 ? '#cdd3da' : '#e2e6ea';
      paint.fillRect(x * 128, y * 128, 128, 128);
    }
    const texture = new THREE.CanvasTexture(canvas);
    texture.colorSpace = THREE.SRGBColorSpace;
    texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
    texture.anisotropy = renderer.capabilities.getMaxAnisotropy();
    texture.repeat.set(60, 60);
    const plane = new THREE.PlaneGeometry(60, 60).rotateX(-Math.PI / 2);
    const floor = new THREE.Mesh(plane, new THREE.MeshBasicMaterial({ map: texture }));
    const shade = new THREE.Mesh(plane, new THREE.ShadowMaterial({ opacity: 0.32, polygonOffset: true, polygonOffsetFactor: -1 }));
    shade.receiveShadow = true;
    shade.position.y = 0.001;
    scene.add(floor, shade);

    scene.add(new THREE.HemisphereLight('#f4f8ff', '#a7a29c', 1.55));
    const sun = this.sun = new THREE.DirectionalLight('#fffaf2', 2.1);
    sun.castShadow = true;
    sun.shadow.mapSize.set(2048, 2048);
    sun.shadow.radius = 2.5;
    sun.shadow.bias = -0.0004;
    sun.shadow.normalBias = 0.02;
    Object.assign(sun.shadow.camera, { left: -2.6, right: 2.6, top: 2.6, bottom: -2.6, near: 0.5, far: 14 });
    const rim = this.rim = new THREE.DirectionalLight('#dfe9ff', 0.7);
    scene.add(sun, sun.target, rim, rim.target);

    this.camera = new THREE.PerspectiveCamera(30, 1, 0.05, 60);
    const controls = this.controls = new OrbitControls(this.camera, renderer.domElement);
    controls.enableDamping = true;
    controls.dampingFactor = 0.12;
    controls.maxPolarAngle = Math.PI * 0.497;
    controls.minDistance = 0.6;
    controls.maxDistance = 14;
    this.centre = new THREE.Vector3();
    this.follow = true;
    // The light comes over the left shoulder of whoever looks from the first view.
    const up = new THREE.Vector3(0, 1, 0), first = take.azimuth + THREE.MathUtils.degToRad(30);
    this.sunPlace = new THREE.Vector3(-2.4, 5.2, 2.2).applyAxisAngle(up, first);
    this.rimPlace = new THREE.Vector3(2.8, 2.2, -3.6).applyAxisAngle(up, first);
    this.resize();
    this.place();
    new ResizeObserver(() => this.resize()).observe($('stage'));
  }

  at(frame, out) {
    const index = Math.min(Math.max(Math.round(frame), 0), this.take.num_frames - 1) * 3;
    return out.set(this.path[index], this.path[index + 1], this.path[index + 2]);
  }

  // The first view: the whole couple from three quarters, whatever the shape of the window.
  place() {
    this.at(0, this.centre);
    const half = Math.tan(THREE.MathUtils.degToRad(this.camera.fov / 2));
    const reach = this.take.reach, tall = this.take.height / 2 + 0.15;
    const far = Math.max(tall / half + reach * 0.4, reach / (half * this.camera.aspect) + reach * 0.4);
    const turn = this.take.azimuth + THREE.MathUtils.degToRad(30), rise = THREE.MathUtils.degToRad(12);
    this.controls.target.copy(this.centre);
    this.camera.position.set(Math.sin(turn) * Math.cos(rise), Math.sin(rise), Math.cos(turn) * Math.cos(rise)).multiplyScalar(far).add(this.centre);
    this.controls.update();
  }

  resize() {
    const { clientWidth, clientHeight } = $('stage');
    if (!clientWidth || !clientHeight) return;
    const before = this.camera.aspect;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    this.camera.updateProjectionMatrix();
    if (Math.abs(before - this.camera.aspect) > 0.3) this.place();
  }

  draw(frame) {
    const centre = this.at(frame, new THREE.Vector3());
    if (this.follow) {
      const step = centre.clone().sub(this.centre);
      this.camera.position.add(step);
      this.controls.target.add(step);
    }
    this.centre.copy(centre);
    this.sun.target.position.copy(centre).setY(0);
    this.sun.position.copy(this.sun.target.position).add(this.sunPlace);
    this.rim.target.position.copy(centre);
    this.rim.position.copy(centre).add(this.rimPlace);
    this.controls.update();
    this.renderer.render(this.scene, this.camera);
  }
}

class Timeline {
  constructor(take, arrays, clock, onScrub) {
    this.take = take;
    this.clock = clock;
    this.box = $('timeline');
    this.canvas = this.box.querySelector('canvas');
    this.curves = take.curves.map((name, index) => ({
      name, values: arrays['curve.' + name], colour: CURVE_COLOURS[name] || OTHER_CURVES[index % OTHER_CURVES.length],
    }));
    this.box.classList.toggle('tall', this.curves.length > 0);
    for (const { name, values, colour } of this.curves) {
      const entry = document.createElement('span'), swatch = document.createElement('i');
      swatch.style.setProperty('--colour', colour);
      const peak = values.reduce((a, b) => Math.max(a, b), 0);
      entry.append(swatch, `${name} (peak ${peak >= 100 ? peak.toFixed(0) : peak.toPrecision(2)})`);
      $('legend').append(entry);
    }
    this.box.setAttribute('aria-valuemax', clock.duration.toFixed(2));
    const scrub = event => {
      const { left, width } = this.box.getBoundingClientRect();
      onScrub((event.clientX - left) / width * clock.duration);
    };
    let held = false;
    this.box.addEventListener('pointerdown', event => {
      held = true;
      try { this.box.setPointerCapture(event.pointerId); } catch { /* a synthetic pointer */ }
      scrub(event);
    });
    this.box.addEventListener('pointermove', event => { if (held) scrub(event); });
    for (const end of ['pointerup', 'pointercancel']) this.box.addEventListener(end, () => { held = false; });
    new ResizeObserver(() => this.paint()).observe(this.box);
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.width = Math.max(1, Math.round(this.box.clientWidth * ratio));
    const height = this.canvas.height = Math.max(1, Math.round(this.box.clientHeight * ratio));
    const pen = this.canvas.getContext('2d');
    pen.fillStyle = '#e4e9ee';
    pen.fillRect(0, 0, width, height);
    const across = time => time / this.clock.duration * width;
    pen.fillStyle = '#aab5c0';
    const every = this.clock.duration > 90 ? 10 : this.clock.duration > 20 ? 5 : 1;
    for (let second = 0; second <= this.clock.duration; second += every) pen.fillRect(across(second), height - 5 * ratio, ratio, 5 * ratio);
    pen.fillStyle = 'rgba(74, 96, 120, .28)';
    for (const beat of this.take.beats) pen.fillRect(across(beat), 0, ratio, height);
    for (const { values, colour } of this.curves) {
      const peak = values.reduce((a, b) => Math.max(a, b), 1e-9);
      pen.beginPath();
      pen.moveTo(0, height);
      for (let column = 0; column <= width; column++) {
        // The largest value under each column of pixels, so that short events show.
        const first = Math.floor(column / width * (values.length - 1));
        const last = Math.max(first, Math.floor((column + 1) / width * (values.length - 1)));
        let value = 0;
        for (let i = first; i <= last && i < values.length; i++) value = Math.max(value, values[i]);
        pen.lineTo(column, height - 2 * ratio - value / peak * (height - 6 * ratio));
      }
      pen.lineTo(width, height);
      pen.globalAlpha = 0.18;
      pen.fillStyle = colour;
      pen.fill();
      pen.globalAlpha = 1;
      pen.strokeStyle = colour;
      pen.lineWidth = 1.4 * ratio;
      pen.stroke();
    }
  }

  update() {
    const { time, duration } = this.clock;
    $('head').style.left = `${100 * time / duration}%`;
    this.box.setAttribute('aria-valuenow', time.toFixed(2));
  }
}

const minutes = time => `${Math.floor(time / 60)}:${(time % 60).toFixed(1).padStart(4, '0')}`;

async function main() {
  const take = JSON.parse($('take').textContent);
  $('title').textContent = take.title;
  if (!window.DecompressionStream) throw new Error('This browser is too old for this page: use Chrome 80, Safari 16.4, Firefox 113 or later.');
  const arrays = await readArrays(take);
  const song = $('music').textContent.trim();
  const clock = new Clock(take.num_frames / take.fps, song && URL.createObjectURL(new Blob([bytesOf(song)], { type: take.music })));
  const stage = new Stage(take, arrays);
  const kinds = { motion: MotionDancer, joints: JointsDancer };
  const dancers = take.dancers.map(description => new kinds[description.kind](description, take, arrays));
  for (const dancer of dancers) stage.scene.add(dancer.group);

  let changed = true;
  const frameNow = () => Math.min(clock.time * take.fps, take.num_frames - 1);
  const seek = time => { clock.seek(time); changed = true; };
  const timeline = new Timeline(take, arrays, clock, seek);
  const toggle = () => { clock.playing ? clock.pause() : clock.play(); $('big').hidden = changed = true; };
  const step = frames => { clock.pause(); seek((Math.round(frameNow()) + frames) / take.fps + 1e-6); };
  const press = (id, value) => { $(id).setAttribute('aria-pressed', String(value)); changed = true; };

  take.dancers.forEach((description, index) => {
    const label = document.createElement('label'), box = document.createElement('input'), dot = document.createElement('i');
    box.type = 'checkbox';
    // The leader and one follower at first: more followers, one on top of the other, are there at a click.
    box.checked = dancers[index].group.visible = index < 2;
    dot.style.setProperty('--colour', description.colour);
    box.addEventListener('change', () => { dancers[index].group.visible = box.checked; changed = true; });
    if (description.kind === 'joints') label.title = 'Only the joints of this dancer are known';
    label.append(box, dot, description.name);
    $('dancers').append(label);
  });

  const setLook = kind => { $('look').value = kind; for (const dancer of dancers) dancer.look(kind); changed = true; };
  const setLoop = value => { clock.loop = value; press('loop', value); };
  const setFollow = value => { stage.follow = value; press('follow', value); };
  const setSound = value => { if (clock.audio) clock.audio.muted = !value; press('mute', value); };
  $('mute').hidden = !clock.audio;
  $('play').onclick = $('big').onclick = toggle;
  $('back').onclick = () => step(-1);
  $('forth').onclick = () => step(1);
  $('speed').onchange = event => clock.setSpeed(Number(event.target.value));
  $('look').onchange = event => setLook(event.target.value);
  $('loop').onclick = () => setLoop(!clock.loop);
  $('follow').onclick = () => setFollow(!stage.follow);
  $('mute').onclick = () => setSound(clock.audio ? clock.audio.muted : true);
  $('full').onclick = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  stage.renderer.domElement.addEventListener('dblclick', () => { stage.place(); changed = true; });
  stage.controls.addEventListener('change', () => { changed = true; });
  new ResizeObserver(() => { changed = true; }).observe($('stage'));

  const looks = ['skin', 'skeleton', 'both'];
  const keys = {
    ' ': toggle,
    ArrowLeft: event => event.shiftKey ? seek(clock.time - 1) : step(-1),
    ArrowRight: event => event.shiftKey ? seek(clock.time + 1) : step(1),
    Home: () => seek(0),
    End: () => seek(clock.duration),
    l: () => setLoop(!clock.loop),
    c: () => setFollow(!stage.follow),
    m: () => $('mute').click(),
    s: () => setLook(looks[(looks.indexOf($('look').value) + 1) % looks.length]),
    f: () => $('full').click(),
  };
  window.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'SELECT') return;
    const number = Number(event.key);
    if (number >= 1 && number <= dancers.length) $('dancers').querySelectorAll('input')[number - 1].click();
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (event.key === ' ' && event.target.tagName === 'BUTTON' && event.target.id !== 'play')) return;
    event.preventDefault();
    action(event);
  });

  let before = performance.now(), shownPlaying = null;
  const draw = () => {
    const frame = frameNow();
    for (const dancer of dancers) if (dancer.group.visible) dancer.pose(frame);
    stage.draw(frame);
    timeline.update();
    const number = String(Math.round(frame));
    $('clock').innerHTML = `${minutes(clock.time)} / ${minutes(clock.duration)}<small>frame ${number}</small>`;
  };
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
  draw();
  requestAnimationFrame(tick);

  // A handle for whoever embeds or tests the page.
  window.__interdance = {
    ready: true, take, dancers, clock, stage,
    get frame() { return frameNow(); },
    get time() { return clock.time; },
    get duration() { return clock.duration; },
    play: () => clock.play(), pause: () => clock.pause(),
    seek(time) { clock.seek(time); draw(); },
    look: setLook,
    vertex: (dancer, index) => dancers[dancer].vertex(index),
    ball: (dancer, joint) => dancers[dancer].figure.ball(joint),
  };
}

main().catch(error => {
  $('notice').textContent = /WebGL/i.test(error.message) ? 'This page needs WebGL, which this browser has switched off.' : error.message;
  window.__interdance = { ready: false, error: String(error) };
});
