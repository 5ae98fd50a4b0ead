# SPDX-License-Identifier: Apache-2.0
"""`--set name=value`: judge the name, type the value, keep it in the installation's own file."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from beast_ops.declared import Setting, declared, unknown_error
from beast_ops.errors import SettingsError
from beast_ops.files import write_atomically

HEADER = "# Set from the command line; wins over the inventory. Yours to edit.\n"
KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "float": (int, float),
}
# These say where the file itself lies, so they cannot stand in it.
ELSEWHERE = {"beast_root": "BEAST_ROOT=/some/where ./beast deploy", "beast_settings": ""}


def parse(clone: Path, words: Iterable[str]) -> dict[str, Any]:
    """Return *words* of the form `name=value` as typed values by name.

    Raises:
        SettingsError: If one has another form, an unknown name, or a value of another type.
    """
    known = declared(clone)
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise SettingsError("--set takes name=value", subject=word.partition("=")[0] or "--set")
        if name not in known:
            raise unknown_error([name], known)
        if name in ELSEWHERE:
            raise SettingsError("cannot be set here", subject=name, hint=ELSEWHERE[name])
        found[name] = value(known[name], text)
    return found


def value(setting: Setting, text: str) -> Any:
    """Return *text* as a value of the type of *setting*.

    Raises:
        SettingsError: If it is none, or none of the choices.
    """
    import yaml

    typed: Any = text
    try:
        if setting.type == "int":
            typed = int(text)  # YAML would take 010 for 8, and 1:20 for 80
        elif setting.type not in {"str", "path"}:
            typed = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        typed = None
    if type(typed) not in KINDS.get(setting.type, (str,)):
        raise SettingsError(f"takes {_article(setting.type)}", subject=setting.name)
    if setting.choices and str(typed) not in setting.choices:
        raise SettingsError(f"takes one of {', '.join(setting.choices)}", subject=setting.name)
    return typed


def _article(kind: str) -> str:
    names = {
        "int": "a whole number",
        "bool": "yes or no",
        "list": "a list such as [one, two]",
        "dict": "a mapping such as {name: value}",
        "float": "a number",
    }
    return names.get(kind, "a text")


@contextmanager
def proposed(own: Path, changes: Mapping[str, Any]) -> Iterator[Path | None]:
    """Yield a settings file with *changes* on top of *own*, or `None` without changes.

    The file is a draft: `keep` puts it in the place of *own* once the deploy has held.

    Raises:
        SettingsError: If *own* cannot be read.
    """
    kept = read(own)  # also without changes: what is wrong with it is told better here
    if not changes:
        yield None
        return
    with TemporaryDirectory(prefix="beast-") as folder:
        draft = Path(folder) / "settings.yml"
        draft.write_text(_text({**kept, **changes}), encoding="utf-8")
        yield draft


def read(own: Path) -> dict[str, Any]:
    """Return the settings in the file *own*, none if it is missing.

    Raises:
        SettingsError: If it cannot be read, or holds no mapping.
    """
    import yaml

    try:
        found = yaml.safe_load(own.read_text(encoding="utf-8")) or {}
    except (FileNotFoundError, NotADirectoryError):  # a root that is a file is told by the host
        return {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as failed:
        why = " ".join(str(failed).split())
        raise SettingsError(f"cannot read the settings: {why}", subject=str(own)) from failed
    if not isinstance(found, dict):
        raise SettingsError("holds no names and values", subject=str(own))
    return found


def keep(own: Path, draft: Path) -> None:
    """Put *draft* in the place of *own* in one step."""
    own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(own, draft.read_bytes())


def _text(settings: Mapping[str, Any]) -> str:
    import yaml

    readable = yaml.safe_dump(dict(settings), sort_keys=True, allow_unicode=True)
    if yaml.safe_load(readable) == settings:
        return HEADER + readable
    # Some line breaks of Unicode do not survive unless they are escaped.
    return HEADER + yaml.safe_dump(dict(settings), sort_keys=True)
