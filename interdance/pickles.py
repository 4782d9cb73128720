"""Pickled data of others, read without running anything of theirs.

Published dances come as ``.npy`` files that hold a pickled dict, which numpy reads with ``allow_pickle=True`` only: and
whoever writes a pickle decides which functions are called when it is read. Here every name in a pickle is looked up in
a table of the few that arrays, dtypes, numpy scalars and plain containers need, under the module names of numpy 1 and
2. What is found there is never the real thing, but a stand-in of ours that checks what it is given: real dtypes and
arrays would take any state they are told to have, sizes and pointers included.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from interdance.errors import InputError

SMALL_BYTES = 64 << 20
MAX_UNPACKING = 200
"""How many times its size an archive may unpack to when that is more than :data:`SMALL_BYTES`: motion shrinks to a half,
zeros to a thousandth."""
MAX_BYTES = 2 << 30
"""Size up to which a pickle is read: an hour of two dancers at 120 frames per second is a quarter of it."""
MAX_DEPTH = 16
"""How deep containers may be nested: a dict of dicts of arrays needs three."""

_KINDS = re.compile(r"[biufc]\d{1,2}|[SU]\d{1,9}|O\d?|[?]")


@dataclass(frozen=True)
class NpyHeader:
    """What the first bytes of a ``.npy`` file say.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    dtype : numpy.dtype
        Of its elements; ``hasobject`` when the array is a pickle.
    offset : int
        Bytes before the data.
    is_fortran : bool
        Columns come first.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    is_fortran: bool = False


def read_npy_header(path: Path) -> NpyHeader:
    """Read the header of a ``.npy`` file and see that the data it promises are there.

    Raises
    ------
    InputError
        When the file is missing, empty, no ``.npy`` file, or cut off.
    """
    size = _size(path)
    with path.open("rb") as stream:
        header = _header(path, stream)
    if not header.dtype.hasobject:
        promised = math.prod(header.shape) * header.dtype.itemsize
        if size - header.offset < promised:
            raise InputError(f"{path}: cut off ({size - header.offset} of {promised} bytes of numbers); copy it again")
    return header


def read_object_array(path: Path) -> Any:
    """Read a ``.npy`` whose array is a pickled object, or a bare pickle (``.pkl``), without calling anything of its own.

    Parameters
    ----------
    path : Path
        Written by ``numpy.save`` or ``pickle.dump`` under numpy 1 or 2, in any protocol (of Python 2: in protocol 2).

    Returns
    -------
    The object array of a ``.npy``, whatever a bare pickle holds: arrays (those of numbers may be read-only), numpy
    scalars, numbers, strings, dicts (ordered ones become plain), lists, tuples and sets.

    Raises
    ------
    InputError
        When the file is missing, empty, damaged, no pickle, or asks for anything besides those: the message names it.
    """
    if _size(path) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES >> 30} GiB, which no pickle of dances is; save its arrays alone")
    with path.open("rb") as stream:
        is_npy = stream.read(6) == np.lib.format.MAGIC_PREFIX
        stream.seek(0)
        header = _header(path, stream) if is_npy else None
        data = stream.read()
    if header is not None and not header.dtype.hasobject:
        raise InputError(f"{path}: holds {header.dtype}, not a pickled object; numpy.load reads it")
    return _unpickle(path, data) if header is None else _objects(path, header, data)


def read_npz_entries(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Read the named entries of a ``.npz`` and leave the others alone, however large or pickled they are.

    Archives of motion capture (AMASS, CoMPAS3D) carry tables of markers as pickled objects beside the parameters.

    Parameters
    ----------
    path : Path
        Written by ``numpy.savez`` or ``numpy.savez_compressed``.
    names : collection of str
        The entries wanted; those that are not there are missing in the result.

    Returns
    -------
    Name -> array, read-only; an entry that is a pickled object is read as :func:`read_object_array` reads one.

    Raises
    ------
    InputError
        When the file is missing, empty, no archive, damaged, encrypted, promises more than :data:`MAX_BYTES` in the wanted
        entries, or a pickle in one of them is refused.
    """
    _size(path)
    found: dict[str, Any] = {}
    left = MAX_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {f"{name}.npy" for name in names}
            wanted = [info for info in archive.infolist() if info.filename in entries]
            check_unpacking(path, wanted)
            for info in wanted:
                name = info.filename.removesuffix(".npy")
                left -= info.file_size
                if left < 0:
                    raise InputError(f"{path}: '{name}' would unpack to more than {MAX_BYTES >> 30} GiB; save the arrays alone")
                with archive.open(info) as stream:
                    data = stream.read(info.file_size)
                found[name] = _entry(path, data)
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        what = (str(error).splitlines() or [""])[0][:100] or type(error).__name__
        raise InputError(f"{path}: not an .npz archive, or a damaged one ({what}); copy it again") from None
    return found


def check_unpacking(path: Path, members: Iterable[zipfile.ZipInfo]) -> None:
    """Raise :class:`InputError` when members of an archive promise far more than the file can hold."""
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(SMALL_BYTES, MAX_UNPACKING * path.stat().st_size):
        raise InputError(f"{path}: would unpack to {unpacked >> 20} MiB, over {MAX_UNPACKING} times its size; save it anew")


def _entry(path: Path, data: bytes) -> Any:
    stream = io.BytesIO(data)
    header = _header(path, stream)
    count, rest = math.prod(header.shape), len(data) - header.offset
    if header.dtype.hasobject:
        return _objects(path, header, data[header.offset :])
    if rest < count * header.dtype.itemsize:
        raise InputError(f"{path}: cut off ({rest} of {count * header.dtype.itemsize} bytes of numbers); copy it again")
    if header.dtype.itemsize == 0:
        return np.empty(header.shape if count == 0 else (), header.dtype)
    order: Any = "F" if header.is_fortran else "C"
    return np.frombuffer(data, header.dtype, count, header.offset).reshape(header.shape, order=order)


def _objects(path: Path, header: NpyHeader, data: bytes) -> np.ndarray:
    """The object array of a ``.npy`` with that header, from the pickle behind it."""
    if math.prod(header.shape) > len(data):  # every element takes a byte at least
        raise InputError(f"{path}: promises an array of shape {header.shape} in {len(data)} bytes; write it again")
    value = _unpickle(path, data)
    if not isinstance(value, np.ndarray) or value.shape != header.shape:
        found = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise InputError(f"{path}: promises an array of shape {header.shape} and holds {found}; write it again")
    return value


def _size(path: Path) -> int:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path}: is empty (0 bytes); copy it again")
    return size


def _header(path: Path, stream: BinaryIO) -> NpyHeader:
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"version {version[0]}.{version[1]} of the format is for tables with named columns")
    except (
        *(ValueError, TypeError, SyntaxError, OverflowError, RecursionError, MemoryError),
        tokenize.TokenError,  # of headers with an odd bracket, which numpy tries to read as Python 2's
    ) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not a .npy file that can be read ({what}); write it with numpy.save") from None
    if any(length < 0 for length in shape):
        raise InputError(f"{path}: promises an array of shape {shape}; write it again")
    return NpyHeader(tuple(int(length) for length in shape), dtype, stream.tell(), bool(is_fortran))


# ----------------------------------------------------------------------------------------------------------- unpickling


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """A pickle asks for what it may not have; says what."""


class _StandIn:
    """A function under a name that pickles know. It is no class, and has neither attributes nor a state to be set."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise _Refused("sets the state of a function")


class _Dtype:
    """A dtype that a pickle describes, of numbers, strings or objects; never of fields or parts."""

    __slots__ = ("real",)

    def __init__(self, code: Any) -> None:
        if not isinstance(code, str) or not _KINDS.fullmatch(code):
            raise _Refused(f"holds an array of type {code!r}")
        self.real = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or not 5 <= len(state) <= 9 or state[1] not in ("<", ">", "=", "|"):
            raise _Refused("describes the type of an array in an unknown way")
        if any(part is not None for part in state[2:5]):
            raise _Refused("holds an array of records")
        if state[1] in ("<", ">"):
            self.real = self.real.newbyteorder(state[1])


class _Array:
    """An array that a pickle describes: its shape, type and bytes or objects come as its state."""

    __slots__ = ("items", "real")

    def __init__(self) -> None:
        self.real: np.ndarray | None = None
        self.items: list[Any] | None = None  # objects, still to be replaced by what they stand for

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5) or self.real is not None:
            raise _Refused("describes an array in an unknown way")
        shape, dtype, is_fortran, content = state[-4:]
        if isinstance(content, list):
            if not isinstance(dtype, _Dtype) or not dtype.real.hasobject:
                raise _Refused("holds a list where an array has bytes")
            self.real = np.empty(_lengths(shape, len(content)), object)
            self.items = content
        else:
            self.real = _from_bytes(content, dtype, shape, "F" if is_fortran else "C")


def _lengths(shape: Any, count: int) -> tuple[int, ...]:
    """The shape, when it is one of ``count`` elements."""
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape) or len(shape) > 32:
        raise _Refused("gives an array a shape that is none")
    if math.prod(shape) != count:
        raise _Refused(f"gives an array of {count} elements the shape {shape}")
    return shape


def _from_bytes(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if isinstance(content, str):  # bytes of Python 2
        content = content.encode("latin-1")
    if not isinstance(content, (bytes, bytearray)) or not isinstance(dtype, _Dtype) or dtype.real.hasobject:
        raise _Refused("describes an array without its bytes")
    size = dtype.real.itemsize
    if size == 0 or len(content) % size or order not in ("C", "F"):
        raise _Refused(f"gives {len(content)} bytes to an array of type {dtype.real.str}")
    lengths = _lengths(shape, len(content) // size)
    return np.frombuffer(bytes(content), dtype.real).reshape(lengths, order=order)


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _NDARRAY:
        raise _Refused("makes an array of a kind of its own")
    return _Array()  # its shape comes with its state


def _frombuffer(content: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> _Array:
    result = _Array()
    if axes is None:
        result.real = _from_bytes(content, dtype, shape, "C" if order == "K" else order)
        return result
    if not isinstance(axes, (tuple, list)) or not isinstance(shape, tuple) or sorted(axes) != list(range(len(shape))):
        raise _Refused("orders the axes of an array in an unknown way")
    result.real = _from_bytes(content, dtype, shape, "C").transpose(axes)
    return result


def _scalar(dtype: Any, content: Any = None) -> Any:
    if isinstance(dtype, _Dtype) and dtype.real.kind == "U" and isinstance(content, bytes):
        big = dtype.real.byteorder == ">"  # decoded here: numpy trusts that they are characters
        return np.str_(content.decode("utf-32-be" if big else "utf-32-le").rstrip("\0"))
    return _from_bytes(content, dtype, (), "C")[()]


def _dtype(code: Any, align: Any = False, copy: Any = False) -> _Dtype:
    return _Dtype(code)


def _encode(text: Any, encoding: Any) -> bytes:
    """How protocols before 3 write bytes; the real function knows codecs that blow up."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _Refused(f"encodes text as {encoding!r}")
    return text.encode("latin-1")


def _no_bytes(*args: Any) -> bytes:
    """How protocols before 3 write no bytes; the real function makes any number of them."""
    if args:
        raise _Refused("makes bytes out of nothing")
    return b""


def _ndarray(*args: Any) -> Any:
    raise _Refused("makes an array without data")


def _container(kind: Callable[[Any], Any]) -> _StandIn:
    def make(items: Any = ()) -> Any:
        if not isinstance(items, (list, tuple)):
            raise _Refused("fills a container in an unknown way")
        return kind(items)

    return _StandIn(make)


_NDARRAY = _StandIn(_ndarray)
_ALLOWED: dict[tuple[str, str], _StandIn] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _StandIn(_dtype),
    ("collections", "OrderedDict"): _container(dict),
    ("_codecs", "encode"): _StandIn(_encode),
}
for _numpy in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_numpy}.multiarray", "_reconstruct"] = _StandIn(_reconstruct)
    _ALLOWED[f"{_numpy}.multiarray", "scalar"] = _StandIn(_scalar)
    _ALLOWED[f"{_numpy}.numeric", "_frombuffer"] = _StandIn(_frombuffer)
for _builtins in ("builtins", "__builtin__"):
    _ALLOWED[_builtins, "bytes"] = _StandIn(_no_bytes)
    _ALLOWED[_builtins, "set"] = _container(set)
    _ALLOWED[_builtins, "frozenset"] = _container(frozenset)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"asks for {module[:60]}.{name[:60]}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused("refers to an object outside the file")


def _unpickle(path: Path, data: bytes) -> Any:
    try:
        _scan(data)
        return _plain(_Unpickler(io.BytesIO(data), encoding="latin-1").load(), {}, 0)
    except _Refused as refusal:
        raise InputError(
            f"{path}: the pickle in it {refusal}, which is refused: only arrays, numbers, strings and plain containers"
            " are read; save those alone"
        ) from None
    except Exception as error:  # whatever a damaged or hostile file leads to, a user gets one sentence
        what = (str(error).splitlines() or [""])[0][:100] or type(error).__name__
        raise InputError(f"{path}: not a pickle, or a damaged one ({what}); write or copy it again") from None


def _scan(data: bytes) -> None:
    """Walk through the pickle without doing what it says, and refuse what would cost memory or circumvent the table."""
    for count, (opcode, arg, _) in enumerate(pickletools.genops(io.BytesIO(data))):
        name = opcode.name
        number = arg if isinstance(arg, int) else 0
        if name in ("PUT", "BINPUT", "LONG_BINPUT") and number > count:  # a table of that length would be made
            raise _Refused("numbers an object far beyond those it holds")
        if name == "FRAME" and number > len(data):
            raise ValueError(f"a part of {number} bytes is promised, the file has {len(data)}")
        if name in ("EXT1", "EXT2", "EXT4"):  # a name by number, which may be resolved without asking for it
            raise _Refused(f"asks for extension {arg}")


def _plain(value: Any, known: dict[int, Any], depth: int) -> Any:
    """The value with stand-ins replaced by what they stand for, at any depth."""
    if depth > MAX_DEPTH:
        raise _Refused(f"nests containers more than {MAX_DEPTH} deep, or one in itself")
    if id(value) in known:
        return known[id(value)]
    result = value
    if isinstance(value, _Array):
        if value.real is None:
            raise _Refused("makes an array without data")
        result = value.real
        if value.items is not None:
            flat = [_plain(item, known, depth + 1) for item in value.items]
            for place, item in zip(np.ndindex(result.shape), flat, strict=True):  # rows first, even in Fortran's order
                result[place] = item
    elif isinstance(value, _Dtype):
        result = value.real
    elif isinstance(value, dict):
        result = {_key(key): _plain(item, known, depth + 1) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        result = type(value)(_plain(item, known, depth + 1) for item in value)
    elif isinstance(value, (set, frozenset)):
        result = type(value)(_key(item) for item in value)
    elif isinstance(value, _StandIn):
        raise _Refused("holds a function")
    known[id(value)] = result
    return result


def _key(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(map(_key, key))
    if not isinstance(key, (str, bytes, int, float, complex, np.generic, type(None))):
        raise _Refused("has a key that is neither text nor a number")
    return key
