// The dancers: a skinned body where body parameters are known, a figure of balls and sticks where joints are.
import * as THREE from 'three';
import { around } from './data.js';
import { CONTACT, PENETRATION } from './colours.js';
import { bodyGeometry, skinMaterial, Skinned, throughMaterial } from './skinning.js';

const NUM_BODY_JOINTS = 22;  // those after them are of the face and the fingers, and drawn thin
const POINT_RADIUS = 0.008;

// Sets the colour of an instance by how much it touches and how much it is inside.
class Paint {
  constructor(colour) {
    this.base = new THREE.Color(colour);
    this.contact = new THREE.Color(CONTACT);
    this.penetration = new THREE.Color(PENETRATION);
    this.mixed = new THREE.Color();
  }

  of(near, inside) { return this.mixed.copy(this.base).lerp(this.contact, near).lerp(this.penetration, inside); }
}

const instanced = (geometry, count) => {
  const mesh = new THREE.InstancedMesh(geometry, new THREE.MeshStandardMaterial({ roughness: 0.5 }), count);
  mesh.castShadow = true;
  mesh.frustumCulled = false;
  return mesh;
};

// Joints as balls, with sticks to their parents; thin in the face and the fingers.
class Figure {
  constructor(colour, parents) {
    this.parents = parents;
    this.paint = new Paint(colour);
    this.size = 1;
    this.balls = instanced(new THREE.SphereGeometry(1, 14, 10), parents.length);
    this.sticks = instanced(new THREE.CylinderGeometry(1, 1, 1, 10), parents.length - 1);
    this.sticks.material.color.set(colour);
    this.group = new THREE.Group().add(this.balls, this.sticks);
    this.light(new Float32Array(parents.length), new Float32Array(parents.length));
  }

  // `place(joint, out)` sets a vector to where that joint is.
  draw(place) {
    const matrix = new THREE.Matrix4(), turn = new THREE.Quaternion(), up = new THREE.Vector3(0, 1, 0);
    const from = new THREE.Vector3(), to = new THREE.Vector3(), way = new THREE.Vector3(), size = new THREE.Vector3();
    this.parents.forEach((parent, j) => {
      const radius = this.size * (j >= NUM_BODY_JOINTS ? 0.007 : 0.02);
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

  // Balls take the light of what hangs on their joints.
  light(near, inside) {
    this.parents.forEach((_, j) => this.balls.setColorAt(j, this.paint.of(near[j], inside[j])));
    this.balls.instanceColor.needsUpdate = true;
  }

  // Where a ball was drawn last: for tests.
  ball(joint) {
    const matrix = new THREE.Matrix4();
    this.balls.getMatrixAt(joint, matrix);
    return new THREE.Vector3().setFromMatrixPosition(matrix).toArray();
  }
}

// A dancer known by joint positions alone: a figure whatever the look, for there is no skin to show.
export class JointsDancer {
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

  light() {}

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

// A dancer known by body parameters: a skinned body, its sampled points, its figure, and the frames of the motion.
export class MotionDancer {
  constructor(description, take, arrays) {
    this.name = description.name;
    this.take = take;
    this.quaternions = arrays[description.key + '.quaternions'];
    this.pelvis = arrays[description.key + '.pelvis'];
    this.lights = arrays.lights;
    this.brightness = arrays.brightness;
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
    const skeleton = new THREE.Skeleton(this.bones, inverses), geometry = bodyGeometry(description, arrays);

    this.material = skinMaterial(description.colour);
    this.mesh = new THREE.SkinnedMesh(geometry, this.material);
    this.mesh.castShadow = this.mesh.receiveShadow = true;
    this.through = new THREE.SkinnedMesh(geometry, throughMaterial());
    this.through.renderOrder = 2;
    this.mesh.add(this.bones[0]);
    for (const mesh of [this.mesh, this.through]) {
      mesh.frustumCulled = false;
      mesh.bind(skeleton, new THREE.Matrix4());
      this.group.add(mesh);
    }

    this.surface = new Skinned(geometry, skeleton, arrays.surface);
    this.points = instanced(new THREE.IcosahedronGeometry(POINT_RADIUS, 1), arrays.surface.length);
    this.paint = new Paint(description.colour);
    this.figure = new Figure(description.colour, take.parents);
    this.group.add(this.points, this.figure.group);
    this.touch = { near: new Float32Array(arrays.surface.length), inside: new Float32Array(arrays.surface.length) };
    this.isLit = true;
    this.look('skin');
    this.light([], 0);
  }

  // `skin`, `skeleton`, `both` (the skeleton in a skin of glass) or `points` (the sampled surface points and the joints).
  look(kind) {
    this.kind = kind;
    const opacity = { skin: 1, skeleton: 0, both: 0.35, points: 0.1 }[kind];
    this.mesh.visible = opacity > 0;
    this.material.transparent = opacity < 1;
    this.material.opacity = opacity;
    this.material.depthWrite = opacity === 1;
    this.material.needsUpdate = true;
    this.points.visible = kind === 'points';
    this.figure.group.visible = kind !== 'skin';
    this.figure.sticks.visible = kind !== 'points';
    this.figure.size = kind === 'points' ? 0.6 : 1;
    this.through.visible = this.isLit && kind === 'skin';
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
    if (this.points.visible) this.drawPoints();
  }

  drawPoints() {
    const matrix = new THREE.Matrix4(), place = new THREE.Vector3();
    this.surface.update();
    for (let i = 0; i < this.points.count; i++) this.points.setMatrixAt(i, matrix.setPosition(this.surface.place(i, place)));
    this.points.instanceMatrix.needsUpdate = true;
  }

  // Lights what the meetings say of this dancer, who is the `role` in them; of several the brightest.
  light(meetings, frame, role) {
    const { near, inside } = this.touch;
    near.fill(0);
    inside.fill(0);
    for (const meeting of meetings) meeting.shine(role, frame, this.touch);
    const wasLit = this.isLit;
    this.isLit = near.some(value => value > 0) || inside.some(value => value > 0);
    this.through.visible = this.isLit && this.kind === 'skin';
    if (!this.isLit && !wasLit) return;
    this.lightMesh();
    const joints = { near: new Float32Array(this.bones.length), inside: new Float32Array(this.bones.length) };
    for (let i = 0; i < near.length; i++) {
      this.points.setColorAt(i, this.paint.of(near[i], inside[i]));
      if (this.kind === 'points') continue;  // which show for themselves what they are
      const joint = this.surface.owner(i);
      joints.near[joint] = Math.max(joints.near[joint], near[i]);
      joints.inside[joint] = Math.max(joints.inside[joint], inside[i]);
    }
    this.points.instanceColor.needsUpdate = true;
    this.figure.light(joints.near, joints.inside);
  }

  // Every vertex shows the sampled points around it.
  lightMesh() {
    const { touch } = this.mesh.geometry.attributes, { near, inside } = this.touch, { lights, brightness } = this;
    for (let vertex = 0; vertex < touch.count; vertex++) {
      let a = 0, b = 0;
      for (let k = vertex * 4; k < vertex * 4 + 4; k++) {
        a += brightness[k] * near[lights[k]];
        b += brightness[k] * inside[lights[k]];
      }
      touch.array[2 * vertex] = a;
      touch.array[2 * vertex + 1] = b;
    }
    touch.needsUpdate = true;
  }

  // Where a vertex is now, computed off the graphics card: for tests.
  vertex(index) {
    const skinned = new Skinned(this.mesh.geometry, this.mesh.skeleton, [index]);
    skinned.update();
    return skinned.place(0, new THREE.Vector3()).toArray();
  }
}
