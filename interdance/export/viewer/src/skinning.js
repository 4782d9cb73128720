// A skinned body: up to eight joints per vertex, and vertices that are lit where they touch the partner or are inside of the partner.
import * as THREE from 'three';
import { CONTACT, PENETRATION } from './colours.js';

// three.js skins with four joints, so its shader learns the other four.
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

const vec3 = colour => `vec3( ${new THREE.Color(colour).toArray().map(value => value.toFixed(4)).join(', ')} )`;

// The shader of `material` gets, per fragment, `lit`: x for contact, y for penetration, 0..1; and penetration's
// colour, hatched for eyes that see no red. `paint` is added after the colour.
function withTouch(material, paint) {
  material.onBeforeCompile = shader => {
    shader.vertexShader = shader.vertexShader
      .replace('#include <common>', '#include <common>\nattribute vec2 touch;\nvarying vec2 vTouch;')
      .replace('#include <begin_vertex>', '#include <begin_vertex>\nvTouch = touch;');
    shader.fragmentShader = shader.fragmentShader
      .replace('#include <common>', `#include <common>\nvarying vec2 vTouch;\nconst vec3 CONTACT = ${vec3(CONTACT)};\nconst vec3 PENETRATION = ${vec3(PENETRATION)};`)
      .replace('#include <color_fragment>', `#include <color_fragment>\nvec2 lit = smoothstep( 0.04, 0.45, vTouch );
  vec3 hatched = PENETRATION * mix( 1.0, 0.55, smoothstep( 0.35, 0.65, abs( fract( ( gl_FragCoord.x + gl_FragCoord.y ) / 11.0 ) * 2.0 - 1.0 ) ) );\n${paint}`)
      .replace('#include <emissivemap_fragment>', '#include <emissivemap_fragment>\ntotalEmissiveRadiance += 0.22 * lit.x * ( 1.0 - lit.y ) * CONTACT + 0.3 * lit.y * hatched;');
  };
  return material;
}

const ON_SKIN = `
  diffuseColor.rgb = mix( mix( diffuseColor.rgb, CONTACT, 0.92 * lit.x ), hatched, 0.95 * lit.y );
  diffuseColor.a = mix( diffuseColor.a, 1.0, ( diffuseColor.a > 0.2 ? 0.8 : 0.25 ) * max( lit.x, lit.y ) );
`;
// What the partner's body hides is seen through it, fainter: two palms, or a hand in a back, hide what matters most.
const THROUGH = `
  diffuseColor.rgb = mix( CONTACT, hatched, lit.y );
  diffuseColor.a = max( 0.38 * lit.x, 0.6 * lit.y );
  if ( diffuseColor.a < 0.02 ) discard;
`;

// The T-pose of one dancer with what skinning needs; `touch` is the light of each vertex.
export function bodyGeometry(description, arrays) {
  const geometry = new THREE.BufferGeometry();
  const quantised = arrays[description.key + '.vertices'];
  const positions = new Float32Array(quantised.length);
  for (let i = 0; i < positions.length; i++) positions[i] = quantised[i] * description.scale + description.offset[i % 3];
  const set = (name, array, size, normalised) => geometry.setAttribute(name, new THREE.BufferAttribute(array, size, normalised));
  set('position', positions, 3);
  geometry.setIndex(new THREE.BufferAttribute(arrays.faces, 1));
  set('skinIndex', arrays.joints_first, 4);
  set('skinWeight', arrays.weights_first, 4, true);
  set('skinIndexMore', arrays.joints_more, 4);
  set('skinWeightMore', arrays.weights_more, 4, true);
  set('touch', new Uint8Array(positions.length / 3 * 2), 2, true);
  geometry.attributes.touch.setUsage(THREE.DynamicDrawUsage);
  geometry.computeVertexNormals();
  return geometry;
}

export const skinMaterial = colour => withTouch(new THREE.MeshPhysicalMaterial({ color: colour, roughness: 0.58, sheen: 0.35,
  sheenRoughness: 0.5, sheenColor: new THREE.Color(0xffffff) }), ON_SKIN);

export const throughMaterial = () => withTouch(new THREE.MeshLambertMaterial({ transparent: true, depthWrite: false,
  depthFunc: THREE.GreaterDepth }), THROUGH);

// Posed places of chosen vertices, computed off the graphics card.
export class Skinned {
  constructor(geometry, skeleton, vertices) {
    this.skeleton = skeleton;
    this.vertices = vertices;
    const { position, skinIndex, skinWeight, skinIndexMore, skinWeightMore } = geometry.attributes;
    this.rest = Array.from(vertices, vertex => new THREE.Vector3().fromBufferAttribute(position, vertex));
    this.influences = Array.from(vertices, vertex => {
      const found = [];
      for (const [joints, weights] of [[skinIndex, skinWeight], [skinIndexMore, skinWeightMore]]) {
        for (let k = 0; k < 4; k++) {
          const weight = weights.getComponent(vertex, k);
          if (weight > 0) found.push([joints.getComponent(vertex, k), weight]);
        }
      }
      return found;
    });
    this.matrices = skeleton.bones.map(() => new THREE.Matrix4());
    this.moved = new THREE.Vector3();
  }

  // Takes the bones as they stand now.
  update() {
    const { bones, boneInverses } = this.skeleton;
    bones.forEach((bone, j) => this.matrices[j].multiplyMatrices(bone.matrixWorld, boneInverses[j]));
  }

  place(index, out) {
    out.set(0, 0, 0);
    for (const [joint, weight] of this.influences[index]) {
      out.addScaledVector(this.moved.copy(this.rest[index]).applyMatrix4(this.matrices[joint]), weight);
    }
    return out;
  }

  // The joint that a vertex follows most.
  owner(index) { return this.influences[index][0][0]; }
}
