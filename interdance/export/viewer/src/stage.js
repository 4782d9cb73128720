// The dance floor, its light and the camera, drawn in one pane or in two that share the camera.
import * as THREE from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';

const RISE = THREE.MathUtils.degToRad(12), TURN = THREE.MathUtils.degToRad(30);  // of the first view

export class Stage {
  constructor(take, path, box) {
    this.path = path;
    this.take = take;
    this.box = box;
    this.numPanes = 1;
    this.inset = 0;  // pixels at the top of a pane that words cover; the couple stands below them
    const renderer = this.renderer = new THREE.WebGLRenderer({ antialias: true, powerPreference: 'high-performance' });
    renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    renderer.shadowMap.enabled = true;
    renderer.shadowMap.type = THREE.PCFShadowMap;
    renderer.toneMapping = THREE.NoToneMapping;
    renderer.setScissorTest(true);
    box.prepend(renderer.domElement);
    const air = new THREE.Color('#dbe1e8');
    const scene = this.scene = new THREE.Scene();
    scene.background = air;
    scene.fog = new THREE.Fog(air, 7, 16);
    this.addFloor();
    this.addLights();

    this.camera = new THREE.PerspectiveCamera(30, 1, 0.05, 60);
    const controls = this.controls = new OrbitControls(this.camera, renderer.domElement);
    controls.enableDamping = true;
    controls.dampingFactor = 0.12;
    controls.maxPolarAngle = Math.PI * 0.497;
    controls.minDistance = 0.6;
    controls.maxDistance = 14;
    this.centre = new THREE.Vector3();
    this.follow = true;
    this.covered = 0;
    this.resize();
    this.place();
    new ResizeObserver(() => this.resize()).observe(box);
  }

  addFloor() {
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
    texture.anisotropy = this.renderer.capabilities.getMaxAnisotropy();
    texture.repeat.set(60, 60);
    const plane = new THREE.PlaneGeometry(60, 60).rotateX(-Math.PI / 2);
    const floor = new THREE.Mesh(plane, new THREE.MeshBasicMaterial({ map: texture }));
    const shade = new THREE.Mesh(plane, new THREE.ShadowMaterial({ opacity: 0.32, polygonOffset: true, polygonOffsetFactor: -1 }));
    shade.receiveShadow = true;
    shade.position.y = 0.001;
    this.scene.add(floor, shade);
  }

  addLights() {
    this.scene.add(new THREE.HemisphereLight('#f4f8ff', '#a7a29c', 1.55));
    const sun = this.sun = new THREE.DirectionalLight('#fffaf2', 2.1);
    sun.castShadow = true;
    sun.shadow.mapSize.set(2048, 2048);
    sun.shadow.radius = 2.5;
    sun.shadow.bias = -0.0004;
    sun.shadow.normalBias = 0.02;
    Object.assign(sun.shadow.camera, { left: -2.6, right: 2.6, top: 2.6, bottom: -2.6, near: 0.5, far: 14 });
    const rim = this.rim = new THREE.DirectionalLight('#dfe9ff', 0.7);
    this.scene.add(sun, sun.target, rim, rim.target);
    // The light comes over the left shoulder of whoever looks from the first view.
    const up = new THREE.Vector3(0, 1, 0), first = this.take.azimuth + TURN;
    this.sunPlace = new THREE.Vector3(-2.4, 5.2, 2.2).applyAxisAngle(up, first);
    this.rimPlace = new THREE.Vector3(2.8, 2.2, -3.6).applyAxisAngle(up, first);
  }

  at(frame, out) {
    const index = Math.min(Math.max(Math.round(frame), 0), this.take.num_frames - 1) * 3;
    return out.set(this.path[index], this.path[index + 1], this.path[index + 2]);
  }

  // How far off the whole couple is seen, whatever the shape of a pane.
  get distance() {
    const half = Math.tan(THREE.MathUtils.degToRad(this.camera.fov / 2));
    const reach = this.take.reach, tall = this.take.height / 2 + 0.15;
    return Math.max(tall / (half * (1 - this.covered)), reach / (half * this.camera.aspect)) + reach * 0.4;
  }

  // The first view: the couple as it stands now, from three quarters.
  place(frame = 0) {
    this.at(frame, this.centre);
    const turn = this.take.azimuth + TURN;
    this.controls.target.copy(this.centre);
    this.camera.position.set(Math.sin(turn) * Math.cos(RISE), Math.sin(RISE), Math.cos(turn) * Math.cos(RISE))
      .multiplyScalar(this.distance).add(this.centre);
    this.controls.update();
  }

  // Two panes lie side by side, or one above the other in a tall window.
  split(numPanes, inset) {
    if (numPanes === this.numPanes && inset === this.inset) return;
    this.fit(() => { Object.assign(this, { numPanes, inset }); });
  }

  // In a hidden frame a stage has no shape yet: it is fitted when it is seen.
  get isSeen() { return this.box.clientWidth > 0 && this.box.clientHeight > 0; }

  get isTall() { return this.box.clientHeight > this.box.clientWidth; }

  // Left, top, width and height of a pane as shares of the whole.
  pane(index) {
    const share = 1 / this.numPanes;
    return this.isTall ? [0, index * share, 1, share] : [index * share, 0, share, 1];
  }

  resize() {
    const { clientWidth, clientHeight } = this.box;
    if (this.isSeen) this.fit(() => this.renderer.setSize(clientWidth, clientHeight, false));
  }

  // Changes the shape of the panes; as much of the couple is seen as before, from the same side.
  fit(change) {
    const before = this.distance;
    change();
    if (!this.isSeen) return;
    const [, , wide, high] = this.pane(0);
    const width = this.box.clientWidth * wide, height = this.box.clientHeight * high;
    this.camera.aspect = width / height;
    this.covered = Math.min(this.inset / height, 0.3);
    this.camera.setViewOffset(width, height, 0, -this.covered * height / 2, width, height);
    this.camera.position.sub(this.controls.target).multiplyScalar(this.distance / before).add(this.controls.target);
  }

  // Draws every pane; `prepare(index)` shows in the scene who is to be seen in it.
  draw(frame, prepare) {
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
    const { clientWidth, clientHeight } = this.box;
    for (let index = 0; index < this.numPanes; index++) {
      const [left, top, wide, high] = this.pane(index);
      const area = [left * clientWidth, (1 - top - high) * clientHeight, wide * clientWidth, high * clientHeight];
      this.renderer.setViewport(...area);
      this.renderer.setScissor(...area);
      prepare(index);
      this.renderer.render(this.scene, this.camera);
    }
  }
}
