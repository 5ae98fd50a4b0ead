# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a release through its steps: plan it, make its environment, apply it, remove it."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

from beast_ops.declared import refuse_unknown
from beast_ops.errors import BeastError
from beast_ops.release import controller, remote

NOTHING_TO_MAKE = 3  # what environment.py ends with when it stood there already


class ActionModule(ActionBase):
    """One plugin for all steps; in check mode none of them changes the host."""

    TRANSFERS_FILES = False  # of the steps one sends files, and makes its own folder for them
    _VALID_ARGS = frozenset(
        {
            *("step", "root", "project", "runtime", "domain", "boot", "cards", "templates"),
            *("plan", "data", "words", "secret", "file", "upgrade"),
        }
    )

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Do the step the task names and return its result."""
        super().run(tmp, task_vars)
        steps = {
            "plan": self._plan,
            "environment": self._environment,
            "apply": self._apply,
            "verb": self._verb,
            "give": self._give,
            "remove": self._remove,
        }
        step = self._task.args.get("step")
        if step not in steps:
            raise AnsibleActionFail(f"step must be one of {', '.join(steps)}, not {step!r}")
        try:
            return steps[step](task_vars or {})
        except BeastError as failed:
            return {"failed": True, "msg": failed.paragraph(), "beast_exit": failed.exit_code}

    def _plan(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Validate, join and render everything; compare it with what the host runs."""
        args = self._task.args
        clone = Path(args["templates"]).parent
        refuse_unknown(clone, task_vars, [card["role"] for card in args["cards"]])
        site = controller.Site(
            args["project"],
            args["runtime"],
            args["root"],
            boot=bool(args["boot"]),
            domain=args.get("domain") or None,
        )
        venv = controller.environment_hash(clone)
        seen = self._see(["observe"], venv, clone, task_vars)
        wish = controller.Wish.model_validate(dict(args.get("upgrade") or {}), strict=False)
        draft = controller.draft(args["cards"], site, venv, seen, wish)
        plan = controller.plan(draft, self._files(draft, clone), seen, wish)
        here = self._connection.transport == "local"
        told = {**plan.as_dict(), "here": here}
        return {"changed": plan.changes, "diff": plan.diff(), "plan": told}

    def _files(self, draft: controller.Draft, clone: Path) -> dict[str, str]:
        """Return the files of a release: rendered from templates, or taken as they are."""
        files = {}
        for name, shape in draft.shapes.items():
            room = clone / "roles" / shape.role if shape.role else clone
            files[name] = self._render(room / "templates" / shape.template, dict(shape.variables))
        for name, (role, file) in draft.copies.items():
            files[name] = (clone / "roles" / role / "files" / file).read_text(encoding="utf-8")
        return files

    def _environment(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Make the stack's own environment on the host, unless it is there."""
        if self._task.check_mode:
            return {"changed": True, "skipped": False}
        args = self._task.args
        done = self._make(args["plan"]["venv"], Path(args["templates"]).parent, task_vars)
        if done["rc"] not in (0, NOTHING_TO_MAKE):
            why = done["stderr"].strip() or done["stdout"].strip()
            self._keep_failure(args["plan"]["shipment"]["upgrade"], why)
            return {"failed": True, "msg": why, "beast_exit": done["rc"]}
        return {"changed": done["rc"] == 0}

    def _keep_failure(self, step: str, why: str) -> None:
        """Have the host keep why the *step* of an upgrade could not begin, if it is one."""
        if not step:
            return
        with suppress(BeastError):  # what runs there may be of a version that does not know how
            told = json.dumps({"step": step, "message": why})
            self._ask(["failed"], self._task.args["root"], shipment=told)

    def _make(self, venv: str, clone: Path, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Make the environment *venv* on the host, unless it is there; return how it ended."""
        folder = self._make_tmp_path()
        try:
            with tempfile.TemporaryDirectory() as made:
                sent = remote.environment_files(clone, Path(made))
                paths = [self._send(path, folder) for path in sent]
            uv = remote.installer(self._connection.transport)
            uv = uv or self._send(clone / remote.UV_LOCK, folder)
            root = self._task.args["root"]
            command = remote.environment_command(self._python(task_vars), root, venv, paths, uv)
            return dict(self._low_level_execute_command(command))
        finally:
            self._remove_tmp_path(folder)

    def _see(
        self, verbs: list[str], venv: str, clone: Path, task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Run a verb of the host also where an earlier removal took its environment away."""
        root = self._task.args["root"]
        answer = self._ask(verbs, root, venv)
        if not remote.is_blind(answer):
            return answer
        if self._task.check_mode:
            return {}
        self._make(venv, clone, task_vars)
        answer = self._ask(verbs, root, venv)
        if remote.is_blind(answer):
            raise BeastError(
                "secrets of an installation are here, and no environment to read them can be made",
                subject=root,
                hint="Is python3 there, with venv? Or remove the folder by hand.",
            )
        return answer

    def _apply(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ship the release, put it in force and prove it."""
        del task_vars
        if self._task.check_mode:
            return {"changed": True}
        args = self._task.args
        plan = args["plan"]
        answer = self._ask(["apply"], args["root"], plan["venv"], json.dumps(plan["shipment"]))
        return {"changed": not answer["already"], **answer}

    def _verb(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run a verb with the program of the release in force; its output is passed on."""
        del task_vars
        args = self._task.args
        done = self._low_level_execute_command(remote.verb_command(args["root"], args["words"]))
        return {"changed": False, **{key: done[key] for key in ("rc", "stdout", "stderr")}}

    def _give(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Keep a secret on the host; it goes over the connection alone, and into no result."""
        del task_vars
        if self._task.check_mode:
            return {"changed": True}
        args = self._task.args
        done = self._low_level_execute_command(
            remote.give_command(args["root"], args["secret"]),
            in_data=Path(args["file"]).read_bytes(),
        )
        if done["rc"]:
            return {"failed": True, "msg": done["stderr"].strip(), "beast_exit": 1}
        return {"changed": True}

    def _remove(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Stop everything and take it away; data stays unless told otherwise."""
        args = self._task.args
        clone = Path(args["templates"]).parent
        verbs = ["remove", *(["--data"] if args["data"] else [])]
        if self._task.check_mode:
            verbs.append("--dry-run")
        venv = controller.environment_hash(clone)
        return {**self._see(verbs, venv, clone, task_vars), "root": args["root"]}

    def _ask(
        self, verbs: list[str], root: str, venv: str = "-", shipment: str | None = None
    ) -> dict[str, Any]:
        """Run the host's side of a verb with the newest of our environments that is there."""
        done = self._low_level_execute_command(
            remote.host_command(verbs, root, venv, self._connection.transport),
            in_data=shipment.encode() if shipment is not None else None,
        )
        return remote.read_answer(verbs[0], done["rc"], done["stdout"], done["stderr"])

    def _render(self, shape: Path, variables: dict[str, Any]) -> str:
        """Return the template *shape* filled with *variables* and nothing else."""
        template = trust_as_template(shape.read_text())
        templar = self._templar.copy_with_new_env(available_variables=variables)
        return str(
            templar.template(template, escape_backslashes=False, overrides={"trim_blocks": True})
        )

    def _send(self, path: Path, folder: str) -> str:
        target = self._connection._shell.join_path(folder, path.name)  # noqa: SLF001 - Ansible's own plugins do so
        self._transfer_file(str(path), target)
        return str(target)

    def _python(self, task_vars: dict[str, Any]) -> str:
        usual = sys.executable if self._connection.transport == "local" else "python3"
        found = str(self._templar.template(task_vars.get("ansible_python_interpreter") or usual))
        return usual if found.startswith("auto") else found
