// Plays a .glb or .bvh in three.js: node play.mjs FILE SECONDS...
// Prints per skeleton and moment where its joints are and, of a .glb, where the vertices of the skinned mesh are.
import { readFileSync } from 'node:fs';
import * as THREE from 'three';
import { BVHLoader } from 'three/examples/jsm/loaders/BVHLoader.js';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';

const [file, ...moments] = process.argv.slice(2);
const bytes = readFileSync(file);
const point = new THREE.Vector3();
const played = {};

function play(root, clip, look) {
  const mixer = new THREE.AnimationMixer(root);
  const action = mixer.clipAction(clip).setLoop(THREE.LoopOnce);
  action.clampWhenFinished = true;
  action.play();
  for (const moment of moments) {
    mixer.setTime(Number(moment));
    root.updateMatrixWorld(true);
    look();
  }
}

const places = (bones) => bones.map((bone) => bone.getWorldPosition(point).toArray());
const keep = (name, what) => (played[name] ??= []).push(what);

if (file.endsWith('.glb')) {
  const { scene, animations } = await new GLTFLoader().parseAsync(new Uint8Array(bytes).buffer, '');
  if (animations.length !== 1) throw new Error(`${animations.length} animations`);
  const meshes = [];
  scene.traverse((object) => object.isSkinnedMesh && meshes.push(object));
  play(scene, animations[0], () => {
    for (const mesh of meshes) {
      const vertices = [];
      for (let index = 0; index < mesh.geometry.attributes.position.count; index++) {
        vertices.push(mesh.getVertexPosition(index, point).applyMatrix4(mesh.matrixWorld).toArray());
      }
      keep(mesh.name, { joints: places(mesh.skeleton.bones), vertices, colour: mesh.material.color.getHexString() });
    }
  });
} else {
  const { skeleton, clip } = new BVHLoader().parse(bytes.toString());
  const bones = skeleton.bones.filter((bone) => bone.name !== 'ENDSITE');
  play(skeleton.bones[0], clip, () => keep('skeleton', { names: bones.map((bone) => bone.name), joints: places(bones) }));
}
process.stdout.write(JSON.stringify(played));
