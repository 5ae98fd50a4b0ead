# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import read_card
from beast_ops.compose.definition import Ground, definition, image
from beast_ops.keys import Handover
from beast_ops.release.join import Joined

GROUND = Ground("/r", "/r/data/1", "0123456789ab")
KEY = Handover("demo", "key", "demo", "key")


def defined(given=None, config=None, **said):
    card = {"name": "demo", "role": "demo", "image": "made/demo:1", "user": "7:8", **said}
    return definition(read_card(card), given or Joined(), config, GROUND)


def ours(**said):
    return defined(**{"image": None, "ours": True, "process": ["python", "-m", "x"], **said})


def mounted(found):
    """What is mounted, by target: the source, and whether one may write there."""
    return {
        each["target"]: (each["source"], not each.get("read_only", False))
        for each in found.get("volumes", [])
    }


def test_every_container_is_as_closed_as_it_can_be():
    found = defined()

    assert (True, ["ALL"], ["no-new-privileges:true"], True) == tuple(
        found[name] for name in ("read_only", "cap_drop", "security_opt", "init")
    )
    assert not found.keys() & {"privileged", "pid", "devices", "cap_add", "ports", "volumes"}
    assert ["/tmp"] == found["tmpfs"]


def test_every_container_has_limits_and_logs_that_end():
    found = defined()

    assert ("512m", 2.0, 512) == tuple(found[each] for each in ("mem_limit", "cpus", "pids_limit"))
    assert {"max-size": "10m", "max-file": "5"} == found["logging"]["options"]
    assert ("unless-stopped", "30s") == (found["restart"], found["stop_grace_period"])


def test_limits_are_those_of_the_card():
    found = defined(resources={"memory_mib": 64, "cpus": 0.5, "pids": 9})

    assert ("64m", 0.5, 9) == tuple(found[each] for each in ("mem_limit", "cpus", "pids_limit"))


def test_what_a_card_gives_a_reason_for_it_gets():
    found = defined(
        user=None,
        read_only=False,
        tmpfs=[],
        caps=["CHOWN", "SETUID"],
        host={"privileged": True, "pid": True, "devices": ["/dev/kvm"]},
        exceptions=dict.fromkeys(("privileged", "pid", "devices", "read_only", "root"), "because"),
    )

    assert (False, ["CHOWN", "SETUID"], True, "host", ["/dev/kvm:/dev/kvm"]) == tuple(
        found[name] for name in ("read_only", "cap_add", "privileged", "pid", "devices")
    )
    assert ["ALL"] == found["cap_drop"]
    assert not found.keys() & {"user", "tmpfs"}


def test_an_image_is_known_by_its_tag_or_else_by_its_digest():
    assert "made/demo:1" == defined()["image"]
    digest = f"sha256:{'a' * 64}"
    assert f"made/demo:1@{digest}" == defined(digest=digest)["image"]


def test_our_own_image_is_that_of_the_environment():
    found = ours()

    assert "ai-beast:0123456789ab" == found["image"]
    assert ["python", "-m", "x"] == found["command"]
    assert "demo" == found["hostname"]
    card = read_card({"name": "x", "role": "x", "ours": True, "user": "1:1"})
    assert "ai-beast:0123456789ab" == image(card, GROUND)


def test_what_is_ours_is_told_where_it_finds_its_things():
    environment = ours()["environment"]

    assert {
        "BEAST_ROOT": "/beast",
        "BEAST_DATA": "/beast/data",
        "BEAST_CONFIG": "/beast/config",
        "BEAST_SECRETS": "/run/secrets",
        "BEAST_SERVICES": "/beast/live/services.json",
        "BEAST_LISTEN": "0.0.0.0",
        "BEAST_INSIDE": "1",
    } == environment
    assert "environment" not in defined()


def test_a_process_of_the_embedded_runtime_is_no_command_of_an_image():
    found = defined(process=["python"], command=["--flag"], entrypoint=["/bin/x"])

    assert (["--flag"], ["/bin/x"]) == (found["command"], found["entrypoint"])
    assert "command" not in defined(process=["python"])


def test_variables_are_those_of_the_others_and_its_own():
    given = Joined(environment={"URL": "http://store:80"})

    assert {"URL": "http://store:80", "A": "1"} == defined(given, environment={"A": "1"})[
        "environment"
    ]


@pytest.mark.parametrize("text", ["$HOME", "${HOME}", "a$", "$$"])
def test_dollar_signs_are_what_they_are(text):
    found = defined(
        environment={"A": text},
        command=[text],
        health={"probe": ["echo", text]},
        entrypoint=[f"/{text}"],
    )
    doubled = text.replace("$", "$$")

    assert doubled == found["environment"]["A"]
    assert [doubled] == found["command"]
    assert ["CMD", "echo", doubled] == found["healthcheck"]["test"]
    assert [f"/{doubled}"] == found["entrypoint"]


def test_configuration_secrets_and_live_files_can_only_be_read():
    found = defined(
        Joined(handovers=(KEY,)),
        "demo/abc",
        config_path="/etc/demo",
        live_path="/etc/live",
        live={"a": "a.j2"},
    )

    assert {
        "/etc/demo": ("/r/config/demo/abc", False),
        "/etc/live": ("/r/live/demo", False),
        "/run/secrets": ("/r/secrets/demo", False),
    } == mounted(found)


def test_volumes_lie_in_the_generation_in_force_and_can_be_written():
    assert {"/data": ("/r/data/1/vectors", True)} == mounted(defined(volumes={"vectors": "/data"}))


def test_what_is_ours_is_mounted_where_we_look():
    found = ours(given=Joined(handovers=(KEY,)), config="demo/abc", volumes={"jobs": "/beast/x"})

    assert {
        "/beast/config": ("/r/config/demo/abc", False),
        "/beast/live": ("/r/live/demo", False),
        "/run/secrets": ("/r/secrets/demo", False),
        "/beast/x": ("/r/data/1/jobs", True),
    } == mounted(found)


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ({}, False),
        ({"given": Joined(handovers=(KEY,))}, True),
        ({"given": Joined(gathered=(KEY,))}, True),
        ({"secret_files": {"env": "A=1"}}, True),
    ],
)
def test_secrets_are_mounted_where_there_are_any(said, there):
    assert there == ("/run/secrets" in mounted(defined(**said)))


def test_folders_of_the_host_are_absolute_or_below_the_root():
    found = defined(
        host={
            "mounts": [
                {"source": "/proc", "target": "/host/proc"},
                {"source": "run/agent", "target": "/run/agent", "write": True},
            ]
        },
        exceptions={"mounts": "because"},
    )

    assert {"/host/proc": ("/proc", False), "/run/agent": ("/r/run/agent", True)} == mounted(found)


def test_a_folder_that_is_missing_is_not_made_by_the_engine():
    found = defined(volumes={"a": "/a"}, live_path="/live")

    assert {False} == {each["bind"]["create_host_path"] for each in found["volumes"]}
    assert {"bind"} == {each["type"] for each in found["volumes"]}


def test_what_is_kept_in_a_volume_is_not_kept_in_memory():
    assert ["/run/x"] == defined(tmpfs=["/tmp", "/run/x"], volumes={"t": "/tmp"})["tmpfs"]


def test_ports_are_open_on_the_loopback_alone_but_those_of_the_front_door():
    found = defined(port=10, container_port=80, publish=[{"port": 443, "target": 8443}])

    assert ["127.0.0.1:10:80", "0.0.0.0:443:8443"] == found["ports"]
    assert ["127.0.0.1:10:10"] == defined(port=10)["ports"]


def test_it_depends_on_nothing_or_it_would_be_made_anew_whenever_that_is():
    given = Joined(environment={"STORE_URL": "http://store:1"})

    assert "depends_on" not in defined(given)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://host.docker.internal:11434", ["host.docker.internal:host-gateway"]),
        ("http://store:80", None),
    ],
)
def test_the_host_has_a_name_for_who_needs_it(url, hosts):
    assert hosts == defined(Joined(environment={"URL": url})).get("extra_hosts")


def test_the_container_looks_at_itself_if_the_card_says_how():
    found = defined(health={"probe": ["wget", "-q", "http://127.0.0.1"], "start_seconds": 90})

    assert {
        "test": ["CMD", "wget", "-q", "http://127.0.0.1"],
        "interval": "15s",
        "timeout": "10s",
        "retries": 4,
        "start_period": "90s",
    } == found["healthcheck"]
    assert "healthcheck" not in defined(health={"path": "/ready"})


def test_no_secret_is_in_it():
    found = defined(Joined(handovers=(KEY,)), secret_files={"env": "TOKEN={key}"})

    assert "TOKEN" not in str(found)
