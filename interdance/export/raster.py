"""A small software renderer: shaded, anti-aliased triangle meshes on a floor with soft shadows, on the CPU alone.

Why our own: the picture must come out of a machine that has Python wheels and nothing else. The wheels that rasterise
(panda3d, VTK, pyrender) look for X11, EGL or OSMesa on the system; numba is here already, because librosa needs it.
Lighting is computed at the vertices, which on a body of ten thousand of them is as fine as the pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np

_compiled = numba.njit(nogil=True, cache=True, fastmath=True)

# Looks, in display colours 0..255 and metres: chosen by eye, once.
SKY = (236.0, 240.0, 244.0)
HORIZON = (214.0, 221.0, 228.0)
TILE_LIGHT = (226.0, 230.0, 234.0)
TILE_DARK = (205.0, 211.0, 218.0)
TILE_SIZE = 0.5
FLOOR_FADE = (3.0, 9.0)
SHADOW_TEXELS = 512
SHADOW_HALF_WIDTH = 2.8
SHADOW_DARKNESS = 0.42
CONTACT_DARKNESS = 0.35
CONTACT_HEIGHT = 0.25
SELF_SHADOW_BIAS = 0.03


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes
    ----------
    position, target : float (3,)
        Metres, +Y up; the camera looks from one to the other and is never rolled.
    field_of_view : float
        Vertical, radians.
    """

    position: np.ndarray
    target: np.ndarray
    field_of_view: float

    def axes(self) -> np.ndarray:
        """Rows right, up, forward: an orthonormal float64 (3, 3)."""
        forward = self.target - self.position
        forward = forward / np.linalg.norm(forward)
        reference = np.array([0.0, 1.0, 0.0]) if abs(forward[1]) < 0.999 else np.array([0.0, 0.0, -1.0])
        right = np.cross(forward, reference)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])


@_compiled
def vertex_normals(vertices_V3: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals, float32 (V, 3); faces counter-clockwise from outside."""
    normals = np.zeros_like(vertices_V3)
    for index in range(len(faces)):
        i, j, k = faces[index, 0], faces[index, 1], faces[index, 2]
        x, y, z = vertices_V3[i, 0], vertices_V3[i, 1], vertices_V3[i, 2]
        ax, ay, az = vertices_V3[j, 0] - x, vertices_V3[j, 1] - y, vertices_V3[j, 2] - z
        bx, by, bz = vertices_V3[k, 0] - x, vertices_V3[k, 1] - y, vertices_V3[k, 2] - z
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for vertex in (i, j, k):
            normals[vertex, 0] += nx
            normals[vertex, 1] += ny
            normals[vertex, 2] += nz
    for vertex in range(len(normals)):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        scale = 1.0 / max(np.sqrt(x * x + y * y + z * z), 1e-12)
        normals[vertex, 0] = x * scale
        normals[vertex, 1] = y * scale
        normals[vertex, 2] = z * scale
    return normals


@_compiled
def _shadow_maps(
    vertices: np.ndarray,
    faces: np.ndarray,
    centre: np.ndarray,
    half_width: float,
    light: np.ndarray,
    height_map: np.ndarray,
    contact_map: np.ndarray,
) -> None:
    """On a grid lying on the floor: heights of what the light meets first; closeness to the floor of what is above."""
    size = height_map.shape[0]
    height_map[:] = -1.0
    contact_map[:] = 0.0
    scale = size / (2.0 * half_width)
    num = len(vertices)
    slanted = np.empty((num, 2), np.float32)
    for vertex in range(num):
        x, y, z = vertices[vertex, 0], vertices[vertex, 1], vertices[vertex, 2]
        slanted[vertex, 0] = (x - y * light[0] / light[1] - centre[0] + half_width) * scale
        slanted[vertex, 1] = (z - y * light[2] / light[1] - centre[2] + half_width) * scale
        if y < CONTACT_HEIGHT:
            column = int((x - centre[0] + half_width) * scale)
            row = int((z - centre[2] + half_width) * scale)
            if 0 <= column < size and 0 <= row < size:
                contact_map[row, column] = max(contact_map[row, column], 1.0 - max(y, 0.0) / CONTACT_HEIGHT)
    for index in range(len(faces)):
        i, j, k = faces[index, 0], faces[index, 1], faces[index, 2]
        x0, y0 = slanted[i, 0], slanted[i, 1]
        x1, y1 = slanted[j, 0], slanted[j, 1]
        x2, y2 = slanted[k, 0], slanted[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left, right = max(int(np.ceil(min(x0, x1, x2) - 0.5)), 0), min(int(np.floor(max(x0, x1, x2) - 0.5)), size - 1)
        top, bottom = max(int(np.ceil(min(y0, y1, y2) - 0.5)), 0), min(int(np.floor(max(y0, y1, y2) - 0.5)), size - 1)
        h0, h1, h2 = vertices[i, 1], vertices[j, 1], vertices[k, 1]
        inverse = np.float32(1.0) / area
        step_a, step_b = (y1 - y2) * inverse, (y2 - y0) * inverse
        for row in range(top, bottom + 1):
            px, py = np.float32(left + 0.5), np.float32(row + 0.5)
            a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
            b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
            for column in range(left, right + 1):
                c = np.float32(1.0) - a - b
                if a >= 0.0 and b >= 0.0 and c >= 0.0:
                    height = a * h0 + b * h1 + c * h2
                    if height > height_map[row, column]:
                        height_map[row, column] = height
                a += step_a
                b += step_b


@_compiled
def _blur(
    image: np.ndarray,
    radius: int,
    work: np.ndarray,
) -> None:
    """Box blur in place, rows then columns, clamping nothing: outside counts as zero."""
    rows, columns = image.shape
    weight = 1.0 / (2 * radius + 1)
    for row in range(rows):
        total = np.float32(0.0)
        for column in range(min(radius, columns)):
            total += image[row, column]
        for column in range(columns):
            if column + radius < columns:
                total += image[row, column + radius]
            if column - radius - 1 >= 0:
                total -= image[row, column - radius - 1]
            work[row, column] = total * weight
    totals = np.zeros(columns, np.float32)
    for row in range(min(radius, rows)):
        for column in range(columns):
            totals[column] += work[row, column]
    for row in range(rows):
        ahead, behind = row + radius, row - radius - 1
        if ahead < rows:
            for column in range(columns):
                totals[column] += work[ahead, column]
        if behind >= 0:
            for column in range(columns):
                totals[column] -= work[behind, column]
        for column in range(columns):
            image[row, column] = totals[column] * weight


@_compiled
def _reach_of_light(
    vertices: np.ndarray,
    normals: np.ndarray,
    light: np.ndarray,
    centre: np.ndarray,
    half_width: float,
    height_map: np.ndarray,
    out: np.ndarray,
) -> None:
    """Share of the key light that nothing keeps from each vertex, 0..1."""
    size = height_map.shape[0]
    scale = size / (2.0 * half_width)
    for vertex in range(len(vertices)):
        x, y, z = vertices[vertex, 0], vertices[vertex, 1], vertices[vertex, 2]
        nx, ny, nz = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        lit = 0.0
        # The point is moved outwards first, so that a surface does not shade itself.
        sx, sy, sz = x + 0.015 * nx, y + 0.015 * ny, z + 0.015 * nz
        column = int((sx - sy * light[0] / light[1] - centre[0] + half_width) * scale)
        row = int((sz - sy * light[2] / light[1] - centre[2] + half_width) * scale)
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                r, c = row + dy, column + dx
                if not (0 <= r < size and 0 <= c < size) or height_map[r, c] <= sy + SELF_SHADOW_BIAS:
                    lit += 0.04
        out[vertex] = lit


@_compiled
def _shade(
    vertices: np.ndarray,
    normals: np.ndarray,
    albedo: np.ndarray,
    camera: np.ndarray,
    light: np.ndarray,
    reached: np.ndarray,
    out: np.ndarray,
) -> None:
    """Colour of each vertex, 0..255: key light with shadow, light of sky and floor, rim, a little gloss."""
    for vertex in range(len(vertices)):
        x, y, z = vertices[vertex, 0], vertices[vertex, 1], vertices[vertex, 2]
        nx, ny, nz = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        vx, vy, vz = camera[0] - x, camera[1] - y, camera[2] - z
        length = 1.0 / np.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx * length, vy * length, vz * length
        facing = max(nx * vx + ny * vy + nz * vz, 0.0)
        key = nx * light[0] + ny * light[1] + nz * light[2]
        lit = reached[vertex]
        diffuse = max((key + 0.15) / 1.15, 0.0) * (0.2 + 0.8 * lit)
        sky = 0.5 + 0.5 * ny
        hx, hy, hz = light[0] + vx, light[1] + vy, light[2] + vz
        length = 1.0 / np.sqrt(hx * hx + hy * hy + hz * hz)
        gloss = max((nx * hx + ny * hy + nz * hz) * length, 0.0) ** 28 * lit * 0.22
        rim = (1.0 - facing) ** 3 * (0.08 + 0.22 * sky)
        # The floor darkens what is close to it and looks down.
        near_floor = min(max(y / 0.35, 0.0), 1.0)
        ambient = 0.16 + 0.30 * sky * (0.75 + 0.25 * near_floor)
        strength = 0.74 * diffuse + ambient
        for channel in range(3):
            value = albedo[vertex, channel] * strength + gloss + rim
            value = value / (1.0 + 0.22 * value) * 1.18
            out[vertex, channel] = 255.0 * min(max(value, 0.0), 1.0) ** 0.4545


@_compiled
def _floor(
    image: np.ndarray,
    position: np.ndarray,
    axes: np.ndarray,
    focal: float,
    centre: np.ndarray,
    half_width: float,
    shade_map: np.ndarray,
) -> None:
    """Paint sky, chequered floor and the shadows on it over the whole image."""
    rows, columns, _ = image.shape
    size = shade_map.shape[0]
    half = np.float32(0.5)
    half_side = np.float32(half_width)
    scale = np.float32(size / (2.0 * half_width))
    near, far = FLOOR_FADE
    # The camera is never rolled, so a row of the image is one distance of the floor: all but x and z is found per row.
    for row in range(rows):
        v = (rows * 0.5 - row - 0.5) / focal
        dy = axes[2, 1] + v * axes[1, 1]
        rise = np.float32(min(max(dy * 1.6 + 0.05, 0.0), 1.0))
        red_air = HORIZON[0] + (SKY[0] - HORIZON[0]) * rise
        green_air = HORIZON[1] + (SKY[1] - HORIZON[1]) * rise
        blue_air = HORIZON[2] + (SKY[2] - HORIZON[2]) * rise
        is_floor = dy < -1e-4
        t = -position[1] / dy if is_floor else 0.0
        step_x, step_z = np.float32(t * axes[0, 0] / focal), np.float32(t * axes[0, 2] / focal)
        # Measured from the centre; the chequer's own origin is added back below.
        x = np.float32(position[0] + t * (axes[2, 0] + v * axes[1, 0]) - centre[0] + (0.5 - columns * 0.5) * step_x)
        z = np.float32(position[2] + t * (axes[2, 2] + v * axes[1, 2]) - centre[2] + (0.5 - columns * 0.5) * step_z)
        tile_scale = np.float32(0.5 / TILE_SIZE)
        width = np.float32(max(t / (focal * max(-dy, 0.05)), 1e-4) * tile_scale)
        origin_x, origin_z = np.float32(centre[0] * tile_scale), np.float32(centre[2] * tile_scale)
        for column in range(columns):
            red, green, blue = red_air, green_air, blue_air
            away = x * x + z * z
            if is_floor and away < far * far:
                fade = min((np.float32(far) - np.sqrt(away)) / np.float32(far - near), np.float32(1.0))
                fade = fade * fade * (np.float32(3.0) - np.float32(2.0) * fade)
                # A chequer averaged over the pixel's footprint, so that it does not shimmer.
                a = x * tile_scale + origin_x - half * width
                b = a + width
                wave_x = (abs(a - np.floor(a) - half) - abs(b - np.floor(b) - half)) / width
                a = z * tile_scale + origin_z - half * width
                b = a + width
                wave_z = (abs(a - np.floor(a) - half) - abs(b - np.floor(b) - half)) / width
                tile = half - half * wave_x * wave_z
                shade = np.float32(1.0)
                sx, sz = (x + half_side) * scale - half, (z + half_side) * scale - half
                if 0.0 <= sx < size - 1.0 and 0.0 <= sz < size - 1.0:
                    c, r = int(sx), int(sz)
                    fx, fz = sx - c, sz - r
                    top = shade_map[r, c] + fx * (shade_map[r, c + 1] - shade_map[r, c])
                    bottom = shade_map[r + 1, c] + fx * (shade_map[r + 1, c + 1] - shade_map[r + 1, c])
                    shade = top + fz * (bottom - top)
                red += fade * ((TILE_DARK[0] + (TILE_LIGHT[0] - TILE_DARK[0]) * tile) * shade - red)
                green += fade * ((TILE_DARK[1] + (TILE_LIGHT[1] - TILE_DARK[1]) * tile) * shade - green)
                blue += fade * ((TILE_DARK[2] + (TILE_LIGHT[2] - TILE_DARK[2]) * tile) * (0.96 * shade + 0.04) - blue)
            image[row, column, 0] = np.uint8(red + half)
            image[row, column, 1] = np.uint8(green + half)
            image[row, column, 2] = np.uint8(blue + half)
            x += step_x
            z += step_z


@_compiled
def _draw(
    vertices: np.ndarray,
    faces: np.ndarray,
    colours: np.ndarray,
    position: np.ndarray,
    axes: np.ndarray,
    focal: float,
    samples: int,
    image: np.ndarray,
    depth: np.ndarray,
    layer: np.ndarray,
) -> None:
    """Draw the triangles over ``image``: z-buffer, ``samples`` squared per pixel, averaged. Depth is 1 / distance."""
    rows, columns = image.shape[0] * samples, image.shape[1] * samples
    focal = focal * samples
    num = len(vertices)
    screen = np.empty((num, 3), np.float32)
    low_x, high_x, low_y, high_y = np.float32(columns), np.float32(0.0), np.float32(rows), np.float32(0.0)
    for vertex in range(num):
        x, y, z = (
            vertices[vertex, 0] - position[0],
            vertices[vertex, 1] - position[1],
            vertices[vertex, 2] - position[2],
        )
        forward = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
        if forward < 0.05:
            screen[vertex, 2] = -1.0
            continue
        inverse = 1.0 / forward
        sx = columns * 0.5 + focal * inverse * (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z)
        sy = rows * 0.5 - focal * inverse * (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z)
        screen[vertex, 0], screen[vertex, 1], screen[vertex, 2] = sx, sy, inverse
        low_x, high_x = min(low_x, sx), max(high_x, sx)
        low_y, high_y = min(low_y, sy), max(high_y, sy)
    first_x, last_x = max(int(low_x), 0) // samples, min(int(high_x) + 1, columns - 1) // samples
    first_y, last_y = max(int(low_y), 0) // samples, min(int(high_y) + 1, rows - 1) // samples
    if first_x > last_x or first_y > last_y:
        return
    depth[first_y * samples : (last_y + 1) * samples, first_x * samples : (last_x + 1) * samples] = 0.0
    for index in range(len(faces)):
        i, j, k = faces[index, 0], faces[index, 1], faces[index, 2]
        x0, y0, w0 = screen[i, 0], screen[i, 1], screen[i, 2]
        x1, y1, w1 = screen[j, 0], screen[j, 1], screen[j, 2]
        x2, y2, w2 = screen[k, 0], screen[k, 1], screen[k, 2]
        if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
            continue
        area = (x2 - x0) * (y1 - y0) - (x1 - x0) * (y2 - y0)
        if area <= 1e-9:
            continue
        left, right = (
            max(int(np.ceil(min(x0, x1, x2) - 0.5)), 0),
            min(int(np.floor(max(x0, x1, x2) - 0.5)), columns - 1),
        )
        top, bottom = max(int(np.ceil(min(y0, y1, y2) - 0.5)), 0), min(int(np.floor(max(y0, y1, y2) - 0.5)), rows - 1)
        if left > right or top > bottom:
            continue
        inverse = np.float32(1.0) / area
        step_a, step_b = (y2 - y1) * inverse, (y0 - y2) * inverse
        r0, g0, b0 = colours[i, 0], colours[i, 1], colours[i, 2]
        r1, g1, b1 = colours[j, 0], colours[j, 1], colours[j, 2]
        r2, g2, b2 = colours[k, 0], colours[k, 1], colours[k, 2]
        for row in range(top, bottom + 1):
            px, py = np.float32(left + 0.5), np.float32(row + 0.5)
            a = ((x2 - px) * (y1 - py) - (x1 - px) * (y2 - py)) * inverse
            b = ((x0 - px) * (y2 - py) - (x2 - px) * (y0 - py)) * inverse
            for column in range(left, right + 1):
                c = np.float32(1.0) - a - b
                if a >= 0.0 and b >= 0.0 and c >= 0.0:
                    near = a * w0 + b * w1 + c * w2
                    if near > depth[row, column]:
                        depth[row, column] = near
                        layer[row, column, 0] = np.uint8(a * r0 + b * r1 + c * r2)
                        layer[row, column, 1] = np.uint8(a * g0 + b * g1 + c * g2)
                        layer[row, column, 2] = np.uint8(a * b0 + b * b1 + c * b2)
                a += step_a
                b += step_b
    share = np.float32(1.0 / (samples * samples))
    for row in range(first_y, last_y + 1):
        for column in range(first_x, last_x + 1):
            red = green = blue = covered = 0
            for sy in range(row * samples, (row + 1) * samples):
                for sx in range(column * samples, (column + 1) * samples):
                    if depth[sy, sx] > 0.0:
                        red += layer[sy, sx, 0]
                        green += layer[sy, sx, 1]
                        blue += layer[sy, sx, 2]
                        covered += 1
            if covered:
                bare = samples * samples - covered
                image[row, column, 0] = np.uint8((red + bare * image[row, column, 0]) * share)
                image[row, column, 1] = np.uint8((green + bare * image[row, column, 1]) * share)
                image[row, column, 2] = np.uint8((blue + bare * image[row, column, 2]) * share)


class Renderer:
    """Draws frames of one size. One per thread: it keeps its buffers.

    Parameters
    ----------
    width, height : int
        Pixels.
    samples : int
        Anti-aliasing: ``samples`` x ``samples`` sub-pixels each.
    """

    def __init__(self, width: int, height: int, samples: int = 2) -> None:
        self.width, self.height, self.samples = width, height, samples
        self._depth = np.zeros((height * samples, width * samples), np.float32)
        self._layer = np.zeros((height * samples, width * samples, 3), np.uint8)
        self._height_map = np.zeros((SHADOW_TEXELS, SHADOW_TEXELS), np.float32)
        self._contact_map = np.zeros_like(self._height_map)
        self._work = np.zeros_like(self._height_map)

    def draw(
        self, vertices_V3: np.ndarray, faces: np.ndarray, albedo_V3: np.ndarray, cameras: Sequence[Camera], centre: np.ndarray
    ) -> Iterator[np.ndarray]:
        """A picture by each camera.

        Parameters
        ----------
        vertices_V3 : float32 (V, 3)
            Every mesh of the scene in one array, metres.
        faces : int32 (F, 3)
            Triangles, counter-clockwise from outside.
        albedo_V3 : float32 (V, 3)
            Linear colour 0..1 of each vertex.
        cameras : sequence of Camera
            One at least; the light comes from behind the shoulder of the first.
        centre : float (3,)
            Shadows fall within ``SHADOW_HALF_WIDTH`` of this place, and the floor fades away from it.

        Yields
        ------
        uint8 (height, width, 3)
        """
        light = _key_light(cameras[0])
        centre = np.asarray(centre, np.float64)
        vertices = np.ascontiguousarray(vertices_V3, np.float32)
        normals = vertex_normals(vertices, faces)
        _shadow_maps(vertices, faces, centre, SHADOW_HALF_WIDTH, light, self._height_map, self._contact_map)
        reached = np.empty(len(vertices), np.float64)
        _reach_of_light(vertices, normals, light, centre, SHADOW_HALF_WIDTH, self._height_map, reached)
        shadow = (self._height_map > 0.0).astype(np.float32)
        for radius in (2, 4):
            _blur(shadow, radius, self._work)
        np.minimum(self._contact_map * 6.0, 1.0, out=self._contact_map)
        for radius in (2, 3):
            _blur(self._contact_map, radius, self._work)
        shade_map = (1.0 - SHADOW_DARKNESS * shadow) * (1.0 - CONTACT_DARKNESS * self._contact_map)
        colours = np.empty_like(vertices)
        for camera in cameras:
            axes, position = camera.axes(), np.asarray(camera.position, np.float64)
            focal = 0.5 * self.height / np.tan(0.5 * camera.field_of_view)
            _shade(vertices, normals, albedo_V3, position, light, reached, colours)
            image = np.empty((self.height, self.width, 3), np.uint8)
            _floor(image, position, axes, focal, centre, SHADOW_HALF_WIDTH, shade_map)
            _draw(vertices, faces, colours, position, axes, focal, self.samples, image, self._depth, self._layer)
            yield image


def _key_light(camera: Camera) -> np.ndarray:
    """Unit vector (3,) to the light: high, from the camera's side and from its left."""
    axes = camera.axes()
    flat = axes[2] * [1.0, 0.0, 1.0] if abs(axes[2, 1]) < 0.99 else axes[1]
    flat = flat / np.linalg.norm(flat)
    light = -0.35 * flat - 0.45 * axes[0] * [1.0, 0.0, 1.0] + [0.0, 1.0, 0.0]
    return np.asarray(light / np.linalg.norm(light), np.float64)
