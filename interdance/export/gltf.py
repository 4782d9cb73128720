"""Dancers as glTF binary (.glb): every body skinned on a skeleton of its own, in one scene, moved by one animation.

Metres, +Y up, seconds. The skeletons stand in the T-pose, each at the place where its dance begins; joints are called as in
SMPL-X. Sizes are kept small where nothing is lost: triangles and weights lie in the file once for all dancers, turns are 16-bit
quaternions (0.004 degrees), and a joint that never moves has one key.

A vertex follows up to eight joints, as two sets of four with the heaviest first: with four alone single vertices of the armpits
would be 12 mm off. Programs that read the first set only, such as three.js, share out the rest anew.

What a licensed body adds to plain skinning, corrections that depend on the pose, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pygltflib import (
    ARRAY_BUFFER,
    ELEMENT_ARRAY_BUFFER,
    GLTF2,
    Accessor,
    Animation,
    AnimationChannel,
    AnimationChannelTarget,
    AnimationSampler,
    Asset,
    Attributes,
    Buffer,
    BufferView,
    Material,
    Mesh,
    Node,
    PbrMetallicRoughness,
    Primitive,
    Scene,
    Skin,
)

from interdance.body.skeleton import JOINT_NAMES, PARENTS
from interdance.export import palette
from interdance.export.cast import Dancer, check_together
from interdance.export.raster import vertex_normals
from interdance.export.rig import CHILDREN, FOURS, index_type, influences, pelvis_places, rest_vertices, short_quaternions
from interdance.files import atomic_path
from interdance.takes import NUM_JOINTS

ROUGHNESS = 0.75
GENERATOR = "InterDance"
_COMPONENTS = {"uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
_KINDS = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_ALIGNMENT = 4


def write_glb(path: Path, dancers: Sequence[Dancer], body: Any) -> None:
    """Write the scene.

    Parameters
    ----------
    path : Path
        The ``.glb``; it appears only when it is complete.
    dancers : sequence of Dancer
        Of equal length and rate.
    body : interdance.body.model.Body
        Gives mesh, joints and weights.

    Raises
    ------
    InputError
        When nobody dances, or dancers differ in length or rate.
    """
    check_together(path, dancers)
    scene = _Scene(body, len(dancers[0].motion.rotations_TJ3), dancers[0].motion.fps)
    for dancer in dancers:
        scene.add(dancer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"".join(scene.finish().save_to_bytes()))


class _Scene:
    """The document while it grows, and its one buffer."""

    def __init__(self, body: Any, num_frames: int, fps: float) -> None:
        self.body, self.data = body, bytearray()
        self.document = GLTF2(asset=Asset(version="2.0", generator=GENERATOR), scene=0, scenes=[Scene(name="Dance", nodes=[])])
        self.animation = Animation(name="Dance", extras={"fps": fps, "frames": num_frames})
        self.times = self._store((np.arange(num_frames) / fps).astype(np.float32), with_limits=True)
        self.begin = self._store(np.zeros(1, np.float32), with_limits=True)
        self.faces = np.asarray(body.faces).astype(index_type(body))
        self.indices = self._store(self.faces.reshape(-1), ELEMENT_ARRAY_BUFFER)
        joints_VK, shares_VK = influences(body, 65535)
        self.weights: dict[str, int] = {}
        for number, part in enumerate(FOURS):
            self.weights[f"JOINTS_{number}"] = self._store(joints_VK[:, part].astype(np.uint8), ARRAY_BUFFER)
            self.weights[f"WEIGHTS_{number}"] = self._store(shares_VK[:, part].astype(np.uint16), ARRAY_BUFFER, normalized=True)

    def add(self, dancer: Dancer) -> None:
        """One dancer: a node with the skeleton below it, a node with the skinned mesh, and what moves the joints."""
        document, rest_J3 = self.document, np.asarray(self.body.rest_joints(dancer.motion.betas), np.float64).round(6)
        place_T3 = pelvis_places(dancer.motion, self.body)
        root, first = len(document.nodes), len(document.nodes) + 1
        document.nodes.append(Node(name=dancer.name, children=[first]))
        for joint, name in enumerate(JOINT_NAMES):
            children = [first + child for child in CHILDREN[joint]]
            offset_3 = rest_J3[joint] - rest_J3[PARENTS[joint]] if joint else place_T3[0]
            document.nodes.append(Node(name=name, translation=offset_3.round(6).tolist(), children=children))
        document.nodes.append(Node(name=f"{dancer.name} body", mesh=len(document.meshes), skin=len(document.skins)))
        document.scenes[0].nodes += [root, len(document.nodes) - 1]
        document.skins.append(self._skin(dancer.name, rest_J3, root))
        document.meshes.append(self._mesh(dancer))
        self._move(dancer, place_T3, first)

    def finish(self) -> GLTF2:
        """The document with its animation and its buffer."""
        self.document.animations.append(self.animation)
        self.document.buffers.append(Buffer(byteLength=len(self.data)))
        self.document.set_binary_blob(bytes(self.data))
        return self.document

    def _skin(self, name: str, rest_J3: np.ndarray, root: int) -> Skin:
        inverse_J44 = np.tile(np.eye(4, dtype=np.float32), (NUM_JOINTS, 1, 1))
        inverse_J44[:, 3, :3] = -rest_J3  # glTF writes matrices column by column
        joints = [root + 1 + joint for joint in range(NUM_JOINTS)]
        return Skin(name=name, skeleton=root, joints=joints, inverseBindMatrices=self._store(inverse_J44))

    def _mesh(self, dancer: Dancer) -> Mesh:
        vertices_V3 = rest_vertices(dancer.motion, self.body).astype(np.float32)
        normals_V3 = vertex_normals(vertices_V3, self.faces.astype(np.int32))
        attributes = Attributes(
            POSITION=self._store(vertices_V3, ARRAY_BUFFER, with_limits=True),
            NORMAL=self._store(normals_V3, ARRAY_BUFFER),
            **self.weights,
        )
        colour = [round(float(part), 4) for part in palette.linear(dancer.colour)]
        looks = PbrMetallicRoughness(baseColorFactor=[*colour, 1.0], metallicFactor=0.0, roughnessFactor=ROUGHNESS)
        self.document.materials.append(Material(name=dancer.name, pbrMetallicRoughness=looks))
        primitive = Primitive(attributes=attributes, indices=self.indices, material=len(self.document.materials) - 1)
        return Mesh(name=dancer.name, primitives=[primitive])

    def _move(self, dancer: Dancer, place_T3: np.ndarray, first: int) -> None:
        """Channels of the pelvis' place and of every joint's turn."""
        self._channel(first, "translation", place_T3.astype(np.float32))
        turns_TJ4 = short_quaternions(dancer.motion)
        for joint in range(NUM_JOINTS):
            self._channel(first + joint, "rotation", np.ascontiguousarray(turns_TJ4[:, joint]))

    def _channel(self, node: int, what: str, values: np.ndarray) -> None:
        is_still = bool((values == values[0]).all())
        output = self._store(values[:1] if is_still else values, normalized=values.dtype == np.int16)
        target = AnimationChannelTarget(node=node, path=what)
        self.animation.channels.append(AnimationChannel(sampler=len(self.animation.samplers), target=target))
        self.animation.samplers.append(AnimationSampler(input=self.begin if is_still else self.times, output=output))

    def _store(
        self, array: np.ndarray, target: int | None = None, *, normalized: bool = False, with_limits: bool = False
    ) -> int:
        """Append an array to the buffer; returns the index of its accessor."""
        start, raw = len(self.data), np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        self.data += raw + b"\0" * (-len(raw) % _ALIGNMENT)
        self.document.bufferViews.append(BufferView(buffer=0, byteOffset=start, byteLength=len(raw), target=target))
        shape = array.shape[1:]
        accessor = Accessor(
            bufferView=len(self.document.bufferViews) - 1,
            componentType=_COMPONENTS[array.dtype.name],
            count=len(array),
            type=_KINDS[shape],
            normalized=normalized,
        )
        if with_limits:
            accessor.min, accessor.max = array.min(axis=0).reshape(-1).tolist(), array.max(axis=0).reshape(-1).tolist()
        self.document.accessors.append(accessor)
        return len(self.document.accessors) - 1
