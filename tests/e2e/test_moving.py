# SPDX-License-Identifier: Apache-2.0
"""Collections go from one installation to another one, with what is known of their documents."""


def test_what_one_installation_knows_another_one_takes(installation, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(12):
        text = f"# Note {number}\nBees number {number} make honey.\n"
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    first, second = installation(), installation()
    first.deploy()
    first.must("ingest", str(folder))
    before = first.must("search", "bees number 7", "--limit", "1", "--json").json["hits"]
    file = tmp_path / "knowledge.tar.zst"

    told = first.must("export", str(file), "--json").json
    again = first.run("export", str(file))

    assert {"docs--1": 12} == told["collections"]
    assert (64, True) == (again.code, "there already" in again.err)
    first.must("down")
    second.deploy()
    assert {"docs--1": 12} == second.must("import", str(file), "--json").json["collections"]
    assert before == second.must("search", "bees number 7", "--limit", "1", "--json").json["hits"]
    assert "12 unchanged" in second.must("ingest", str(folder)).out
    taken = second.run("import", str(file))
    assert (64, True) == (taken.code, "--replace" in taken.err)
    assert {"docs--2": 12} == second.must("import", str(file), "--replace", "--json").json[
        "collections"
    ]
    assert before == second.must("search", "bees number 7", "--limit", "1", "--json").json["hits"]

    broken = tmp_path / "broken.tar.zst"
    broken.write_bytes(file.read_bytes()[:-1])
    refused = second.run("import", str(broken))
    assert (1, True) == (refused.code, "not a whole backup" in refused.err)
