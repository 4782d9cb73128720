"""The files for clusters: what Ray's launcher reads, what KubeRay reads, and the image of both."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from layout import ROOT

FOLDER = ROOT / "configs" / "cluster"


def kuberay() -> dict[str, Any]:
    claim, cluster = yaml.safe_load_all((FOLDER / "kuberay.yaml").read_text())
    assert claim["kind"] == "PersistentVolumeClaim" and cluster["kind"] == "RayCluster"
    return cluster["spec"] | {"claim": claim["metadata"]["name"]}


def pods() -> list[dict[str, Any]]:
    spec = kuberay()
    return [group["template"]["spec"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])]


def test_the_launcher_takes_its_file() -> None:
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.prepare_config(yaml.safe_load((FOLDER / "aws.yaml").read_text()))
    util.validate_config(config)
    workers = config["available_node_types"]["gpu"]
    assert workers["min_workers"] == workers["max_workers"] == config["max_workers"]
    with pytest.raises(Exception, match="'max_wokers' was unexpected"):
        util.validate_config(config | {"max_wokers": 1})


def test_the_cluster_is_of_the_pinned_ray_and_asks_for_tokens() -> None:
    pinned = re.search(r"^ray==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned and kuberay()["rayVersion"] == pinned[1]
    assert kuberay()["authOptions"] == {"mode": "token"}
    assert "--env RAY_AUTH_MODE=token" in yaml.safe_load((FOLDER / "aws.yaml").read_text())["docker"]["run_options"]


def test_every_machine_has_the_state_and_the_records() -> None:
    spec = kuberay()
    assert len(pods()) == 2
    for pod in pods():
        (container,), (volume,) = pod["containers"], pod["volumes"]
        environment = {each["name"]: each["value"] for each in container["env"]}
        (mount,) = container["volumeMounts"]
        assert environment["INTERDANCE_STATE"].startswith(mount["mountPath"] + "/") and "MLFLOW_TRACKING_URI" in environment
        assert volume["persistentVolumeClaim"]["claimName"] == spec["claim"] and volume["name"] == mount["name"]
        assert container["resources"]["limits"] == container["resources"]["requests"]
    for group in spec["workerGroupSpecs"]:
        assert group["replicas"] == group["minReplicas"] == group["maxReplicas"]


def test_the_image_is_made_of_what_is_here() -> None:
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert copied and all((ROOT / name).exists() for name in copied)
    images = {pod["containers"][0]["image"] for pod in pods()} | {
        yaml.safe_load((FOLDER / "aws.yaml").read_text())["docker"]["image"]
    }
    assert len(images) == 1
