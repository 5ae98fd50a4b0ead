# SPDX-License-Identifier: Apache-2.0
import pytest


@pytest.fixture
def certificate(stack):
    path = stack.around.services.parent / "ca.crt"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    yield path
    path.unlink()


def test_the_certificate_of_our_authority_is_there_for_everybody(anyone, certificate):
    answer = anyone.get("/ca.crt")

    assert (200, certificate.read_bytes()) == (answer.status_code, answer.content)
    assert "application/x-x509-ca-cert" == answer.headers["content-type"]
    assert "ca.crt" in answer.headers["content-disposition"]
    assert "nosniff" == answer.headers["x-content-type-options"]


def test_without_an_authority_there_is_none(anyone):
    refused = anyone.get("/ca.crt")

    assert (404, "not_found") == (refused.status_code, refused.json()["error"]["code"])


def test_it_is_only_read(anyone, certificate):
    assert 405 == anyone.post("/ca.crt", json={}).status_code
    assert certificate.exists()
