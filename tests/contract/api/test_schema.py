# SPDX-License-Identifier: Apache-2.0
"""Ask a running API everything its description allows, and more, with and without a token.

Whatever is asked: the answer has a status that the description names, of the kind and in the
shape it says, and nothing fails that nobody foresaw. 503 counts as answered where it is described.
"""

import json
import traceback

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.api.settings import Surroundings
from beast_ops.cards import Health
from beast_ops.testing import Passage, a_service, an_installation, fill, free_port, serving
from beast_ops.vectors.testing import running

TOKEN = "the-token"
# Their answers end when whoever listens leaves; test_event_routes looks at them.
ENDLESS = "/events/stream"
OPERATIONS_LEAST = 60
JUDGES = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
LIMITS = ("per_second", "burst", "default", "search", "ingest", "chat", "transform")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    port = free_port()
    with running(folder / "vectors") as vectors:
        with http.client(vectors.url, headers={"api-key": vectors.key}) as client:
            fill(client, "docs", (Passage("Rotate the keys once a year.", "/docs/keys.md"),))
        place = an_installation(
            folder / "root",
            a_service("beast-api", f"http://127.0.0.1:{port}", health=Health(deep="api")),
            secrets={
                "beast-api/token": TOKEN,
                "beast-api/metrics_token": "m",
                "beast-api/vectors_key": vectors.key,
            },
        )
        config = place.config / "beast-api"
        config.mkdir(parents=True)
        limits = dict.fromkeys(LIMITS, 100_000)
        (config / "settings.json").write_text(json.dumps({"port": port, "limits": limits}))
        around = Surroundings(
            root=place.root,
            services=place.services,
            data=place.data / "1",
            settings=config / "settings.json",
            secrets=place.secrets / "beast-api",
            vectors_url=vectors.url,
            vectors_key=place.secrets / "beast-api" / "vectors_key",
            models_url=None,
        )
        with serving(build(around), port) as found:
            yield found


@pytest.fixture(scope="module")
def asked(address):
    config = SchemathesisConfig(
        projects=ProjectsConfig(
            default=ProjectConfig(
                generation=GenerationConfig(with_security_parameters=False),
                phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=False)),
            )
        )
    )
    return schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)


@pytest.mark.parametrize("token", [TOKEN, ""], ids=["with a token", "without"])
def test_every_answer_is_as_described(asked, address, token, rounds):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    names, wrong = [], {}
    for found in asked.get_all_operations():
        operation = found.ok()
        names.append(operation.label)
        if operation.path == ENDLESS:
            continue

        @settings(
            max_examples=rounds(20 if token else 8, 200),
            deadline=None,
            database=None,
            derandomize=bool(rounds(1, 0)),
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case):
            answer = case.call(base_url=address, headers=headers, timeout=20)
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            case.validate_response(answer, checks=JUDGES)

        try:
            given(operation.as_strategy())(ask)()
        except (Exception, BaseExceptionGroup) as failed:  # noqa: BLE001 - all are told at once
            wrong[operation.label] = "".join(traceback.format_exception_only(failed))[:3000]

    assert len(names) >= OPERATIONS_LEAST
    print("\n".join(f"{name}:\n{told}" for name, told in wrong.items()))
    assert [*wrong] == []
