"""The optional engine, against a stand-in with the interface of COAP's package: balls about the joints of the body."""

import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from layout import ROOT
from test_mirror import dance

from interdance import config
from interdance.body.coap import CoapDepth
from interdance.body.model import Body
from interdance.errors import InputError
from interdance.generation.generate import _depth_engine

RADIUS = 0.1


class Balls(torch.nn.Module):
    """Occupied within 10 cm of one of the 22 joints of the body; the encoding is drawn by lot, as COAP's is."""

    def __init__(self, body_model: object) -> None:
        super().__init__()
        self.sharpness = torch.nn.Parameter(torch.tensor(1.0))
        self.impl_code: dict[str, torch.Tensor] | None = None
        self.encoded = 0

    def encode_body(self, posed) -> None:  # noqa: ANN001
        self.encoded += len(posed.vertices)
        assert posed.full_pose.shape[1:] == (165,)
        self.impl_code = {"joints": posed.joints[:, :22], "lot": torch.rand(1)}

    def query(self, points: torch.Tensor) -> torch.Tensor:
        assert self.impl_code is not None
        away = torch.cdist(points, self.impl_code["joints"].to(points)).amin(dim=-1)
        return torch.sigmoid((RADIUS - away) * self.sharpness * 100)


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    package, module = types.ModuleType("coap"), types.ModuleType("coap.coap")
    module.COAPBodyModel = Balls  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "coap", package)
    monkeypatch.setitem(sys.modules, "coap.coap", module)
    path = tmp_path / "coap_smplx_neutral.ckpt"
    torch.save({"state_dict": {"sharpness": torch.tensor(2.0)}}, path)
    return path


def test_inside_is_positive_with_a_slope_and_the_leader_is_encoded_once(weights: Path) -> None:
    body, motion = Body.load(), dance(1)[:20]
    depth = CoapDepth(body, motion, weights)
    joints = torch.from_numpy(body.joints(motion))
    points = (joints[:, [20, 21]] + torch.tensor([0.0, 0.05, 0.0])).requires_grad_()
    for _ in range(3):
        logits = depth(points)
    assert logits.shape == (20, 2)
    assert (logits > 0).all()
    (slope,) = torch.autograd.grad(logits.sum(), points)
    assert (slope[..., 1] < 0).all(), "upwards leads out of the hand"
    assert (depth(joints[:, [20]] + 3.0) < 0).all()
    assert depth.model.encoded == motion.num_frames
    lots = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        lots.append(CoapDepth(body, motion, weights)._codes[0]["lot"])
    assert torch.equal(*lots), "whatever was drawn before"


def test_guidance_takes_the_engine_that_the_parameters_name(weights: Path) -> None:
    body, points_TP3 = Body.load(), Body.load().points(dance(1)[:12])
    params = replace(config.load(ROOT / "params.yaml").guidance, engine="coap", coap_weights=str(weights))
    engine = _depth_engine(points_TP3, body, params, 30, "cpu")
    assert isinstance(engine, CoapDepth)
    assert (engine(torch.from_numpy(points_TP3[:, :1])) > 0).all()


def test_what_is_missing_is_said(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, motion = Body.load(), dance(1)[:3]
    with pytest.raises(InputError, match=r"absent\.ckpt: no such file"):
        CoapDepth(body, motion, weights.with_name("absent.ckpt"))
    weights.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="no checkpoint of COAP"):
        CoapDepth(body, motion, weights)
    torch.save(torch.zeros(3), weights)
    with pytest.raises(InputError, match="no checkpoint of COAP"):
        CoapDepth(body, motion, weights)
    torch.save({"state_dict": {"sharpness": torch.zeros(3)}}, weights)
    with pytest.raises(InputError, match="no checkpoint of COAP for the model of body.model"):
        CoapDepth(body, motion, weights)
    monkeypatch.setitem(sys.modules, "coap.coap", None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="coap is not installed"):
        CoapDepth(body, motion, weights)


def test_a_checkpoint_that_would_run_something_is_refused(weights: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    torch.save({"state_dict": Hostile()}, weights)
    with pytest.raises(InputError, match="no checkpoint of COAP"):
        CoapDepth(Body.load(), dance(1)[:3], weights)
    assert not (tmp_path / "ran").exists()


def test_the_overlay_names_what_is_needed() -> None:
    params = config.load(ROOT / "params.yaml", ROOT / "configs" / "coap.yaml")
    assert params.guidance.engine == "coap"
    assert np.isclose(params.guidance.temperature, 1.0)
