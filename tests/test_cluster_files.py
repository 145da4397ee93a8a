"""The files in ``cluster/`` fit the schemas of their readers, each other, and this command line."""

from __future__ import annotations

import copy
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement

from pareto_explorer.cli.app import app

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "cluster"
STORAGE = "/storage"


def an_object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def a_list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
AMOUNTS = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": r"^\d+(m|Mi|Gi|Ti)?$"},
}
AMOUNT_PAIR = an_object("requests limits", requests=AMOUNTS, limits=AMOUNTS)
CONTAINER = an_object(
    "name image resources volumeMounts",
    name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
    image=TEXT,
    ports=a_list(an_object("containerPort", containerPort=COUNT, name=TEXT)),
    resources=AMOUNT_PAIR,
    volumeMounts=a_list(an_object("name mountPath", name=TEXT, mountPath=TEXT)),
)
POD = an_object(
    "spec",
    spec=an_object(
        "containers volumes",
        restartPolicy={"enum": ["Always", "OnFailure", "Never"]},
        securityContext=an_object(fsGroup=COUNT),
        containers=a_list(CONTAINER),
        volumes=a_list(
            an_object(
                "name persistentVolumeClaim",
                name=TEXT,
                persistentVolumeClaim=an_object("claimName", claimName=TEXT),
            )
        ),
    ),
)
RAY_JOB = an_object(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=an_object("name", name=TEXT),
    spec=an_object(
        "entrypoint rayClusterSpec",
        entrypoint=TEXT,
        runtimeEnvYAML=TEXT,
        backoffLimit=COUNT,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        shutdownAfterJobFinishes=FLAG,
        ttlSecondsAfterFinished=COUNT,
        activeDeadlineSeconds=COUNT,
        suspend=FLAG,
        rayClusterSpec=an_object(
            "headGroupSpec",
            rayVersion=TEXT,
            enableInTreeAutoscaling=FLAG,
            autoscalerOptions=an_object(
                idleTimeoutSeconds=COUNT,
                upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
            ),
            headGroupSpec=an_object("rayStartParams template", rayStartParams=TEXTS, template=POD),
            workerGroupSpecs=a_list(
                an_object(
                    "groupName minReplicas maxReplicas rayStartParams template",
                    groupName=TEXT,
                    replicas=COUNT,
                    minReplicas=COUNT,
                    maxReplicas=COUNT,
                    numOfHosts=COUNT,
                    rayStartParams=TEXTS,
                    template=POD,
                )
            ),
        ),
    ),
)
"""The fields in use of KubeRay's RayJob (ray-operator/apis/ray/v1), and of Kubernetes' pods."""


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((CLUSTER / name).read_text()))


@pytest.fixture
def claim() -> dict[str, Any]:
    return documents("rayjob.yaml")[0]


@pytest.fixture
def job() -> dict[str, Any]:
    return documents("rayjob.yaml")[1]


@pytest.fixture
def launcher() -> dict[str, Any]:
    [only] = documents("ray-cluster.yaml")
    return only


@pytest.fixture
def pods(job) -> list[dict[str, Any]]:
    """The pods' specifications, the head's first."""
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def image_of_ray() -> str:
    dockerfile = (CLUSTER / "Dockerfile").read_text()
    found = re.search(r"^FROM rayproject/ray:(\S+)$", dockerfile, re.MULTILINE)
    assert found
    return found[1]


def commands(name: str) -> list[list[str]]:
    """The words of every command of this package in a file, comments and folded lines included."""
    lines = [line.strip().removeprefix("#") for line in (CLUSTER / name).read_text().splitlines()]
    command = r"(?:^|[ \t])pareto-explorer[ \t]+([a-z]+\b.*(?:\n[ \t]*--.*)*)"
    found = re.findall(command, "\n".join(lines), re.MULTILINE)
    return [shlex.split(words, comments=True) for words in found]


def parse(words: list[str]) -> dict[str, Any]:
    """What the command line makes of these words, without running anything."""
    group: Any = typer.main.get_command(app)
    name, *arguments = words
    with group.commands[name].make_context(name, arguments) as context:
        return {"command": name, **context.params}


def test_the_ray_job_fits_the_fields_of_kuberay(job):
    jsonschema.validate(job, RAY_JOB)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["entryPoint"], "python x.py"),
        (["backoffLimit"], "3"),
        (["submissionMode"], "KubernetesMode"),
        (["rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"], 0),
        (["rayClusterSpec", "headGroupSpec", "template", "spec", "volume"], []),
        (["rayClusterSpec", "autoscalerOptions", "idleTimeoutMinutes"], 5),
    ],
)
def test_the_schema_refuses_what_kuberay_refuses(job, path, value):
    wrong = copy.deepcopy(job)
    *parents, last = path
    place = wrong["spec"]
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, RAY_JOB)


def test_the_launchers_file_fits_rays_own_schema(launcher):
    ray = pytest.importorskip("ray")
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(launcher, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**launcher, "head_node": {}}, schema)


def test_every_pod_mounts_the_claimed_volume(claim, pods):
    assert claim["kind"] == "PersistentVolumeClaim"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in pods:
        [volume] = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        for container in pod["containers"]:
            assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": STORAGE}]


def test_every_machine_mounts_the_shared_file_system(launcher):
    assert any("mount -t nfs4" in command for command in launcher["initialization_commands"])
    assert f"--volume={STORAGE}:{STORAGE}" in launcher["docker"]["run_options"]


def test_a_lost_head_is_replaced_and_the_cluster_goes_when_the_job_ends(job):
    assert job["spec"]["backoffLimit"] > 0
    assert job["spec"]["shutdownAfterJobFinishes"]


def test_heads_run_no_trials_and_workers_have_a_gpu(job, launcher, pods):
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    head, *workers = pods
    assert "nvidia.com/gpu" not in head["containers"][0]["resources"]["limits"]
    assert all(pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] for pod in workers)
    kinds = launcher["available_node_types"]
    assert kinds[launcher["head_node_type"]]["resources"]["CPU"] == 0
    others = [kind for name, kind in kinds.items() if name != launcher["head_node_type"]]
    assert others
    assert all(kind["resources"]["GPU"] for kind in others)


def test_all_nodes_have_one_image_with_one_version_of_ray(job, launcher, pods):
    images = {container["image"] for pod in pods for container in pod["containers"]}
    assert images == {launcher["docker"]["image"]}
    assert f"-t {launcher['docker']['image']} " in (CLUSTER / "Dockerfile").read_text()
    version = image_of_ray().partition("-")[0]
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == version
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.search(r'"(ray\[tune\][^"]+)"', project)
    assert wanted
    assert Requirement(wanted[1]).specifier.contains(version)
    python = re.search(r"-py(\d)(\d+)", image_of_ray())
    assert python
    oldest = re.search(r'requires-python = ">=(\d+)\.(\d+)"', project)
    assert oldest
    assert tuple(map(int, python.groups())) >= tuple(map(int, oldest.groups()))


@pytest.mark.parametrize("name", ["rayjob.yaml", "ray-cluster.yaml"])
def test_the_commands_are_commands_of_this_package_and_keep_everything_in_storage(name):
    found = [parse(words) for words in commands(name)]
    assert [command["command"] for command in found] == ["sweep"]
    [sweep] = found
    assert sweep["address"] == "auto"
    for option in ("out", "cache_dir"):
        assert Path(sweep[option]).is_relative_to(STORAGE)


@pytest.mark.parametrize("name", ["rayjob.yaml", "ray-cluster.yaml"])
def test_the_commands_describe_valid_sweeps_of_several_trials_a_card(name):
    pytest.importorskip("ray")
    from pareto_explorer.sweeps import SweepSpec

    [sweep] = [parse(words) for words in commands(name)]
    spec = SweepSpec.load(sweep["space"], sweep["overrides"])
    assert spec.resources.gpu == 0.25
    assert spec.resources.cpu == 1


def test_the_ray_job_runs_the_command_that_was_read(job):
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[0] == "pareto-explorer"
    assert [words[1:]] == commands("rayjob.yaml")
