# SPDX-License-Identifier: Apache-2.0
"""Which reader reads which file: one line per format."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parser:
    """How a format is read.

    Attributes:
        type: What documents of the format are called.
        module: The file beside this one whose `read(path, type)` reads it.
        plain: Whether reading a small one needs nothing but our own linear-time Python, so that
            it may happen in the worker itself.
        language: The programming language of source code, one of those in `languages.py`.
    """

    type: str
    module: str
    plain: bool = True
    language: str | None = None


TXT = Parser("txt", "text")
CODE = Parser("code", "text")

# Source code that is kept as it is.
_CODE = """
.adb .ads .asm .awk .bat .cfg .clj .cmake .conf .css .el .erl .ex .exs .f90 .fish .gradle .graphql
.groovy .hcl .hs .ini .jl .less .lisp .m .mk .ml .mli .nim .nix .pas .proto .ps1 .r .s .sass .scm
.scss .sol .sv .tcl .tf .toml .v .vb .vhd .vim .vue .xml .xsd .xsl .yaml .yml .zig
"""
# Source code that is cut at its functions.
_LANGUAGES = {
    "c": ".c .h",
    "cpp": ".cc .cpp .cxx .hh .hpp .hxx .ino",
    "csharp": ".cs",
    "dart": ".dart",
    "go": ".go",
    "java": ".java",
    "javascript": ".js .jsx .mjs .cjs",
    "kotlin": ".kt .kts",
    "lua": ".lua",
    "perl": ".pl .pm",
    "php": ".php",
    "ruby": ".rb",
    "rust": ".rs",
    "scala": ".scala",
    "shell": ".sh .bash .zsh .ksh",
    "sql": ".sql",
    "swift": ".swift",
    "typescript": ".ts .tsx .mts .cts",
}

TABLE: Mapping[str, Parser] = {
    ".txt": TXT,
    ".rst.txt": Parser("rst", "rst"),  # sources beside the pages of Sphinx
    ".md.txt": Parser("md", "markdown"),
    ".text": TXT,
    ".log": TXT,
    ".tex": TXT,
    ".md": Parser("md", "markdown"),
    ".markdown": Parser("md", "markdown"),
    ".mdx": Parser("md", "markdown"),
    ".rst": Parser("rst", "rst"),
    ".html": Parser("html", "html", plain=False),
    ".htm": Parser("html", "html", plain=False),
    ".xhtml": Parser("html", "html", plain=False),
    ".pdf": Parser("pdf", "pdf", plain=False),
    ".docx": Parser("docx", "docx", plain=False),
    ".docm": Parser("docx", "docx", plain=False),
    ".pptx": Parser("pptx", "pptx", plain=False),
    ".pptm": Parser("pptx", "pptx", plain=False),
    ".ppsx": Parser("pptx", "pptx", plain=False),
    ".xlsx": Parser("xlsx", "xlsx", plain=False),
    ".xlsm": Parser("xlsx", "xlsx", plain=False),
    ".odt": Parser("odt", "odf", plain=False),
    ".ott": Parser("odt", "odf", plain=False),
    ".ods": Parser("ods", "odf", plain=False),
    ".odp": Parser("odp", "odf", plain=False),
    ".epub": Parser("epub", "epub", plain=False),
    ".eml": Parser("mail", "mail", plain=False),
    ".mbox": Parser("mail", "mbox", plain=False),
    ".srt": Parser("subtitles", "subtitles"),
    ".vtt": Parser("subtitles", "subtitles"),
    ".csv": Parser("csv", "table"),
    ".tsv": Parser("csv", "table"),
    ".json": Parser("json", "json"),
    ".jsonl": Parser("json", "jsonl"),
    ".ndjson": Parser("json", "jsonl"),
    ".ipynb": Parser("code", "notebook"),
    ".py": Parser("code", "python", language="python"),
    ".pyi": Parser("code", "python", language="python"),
    **dict.fromkeys(_CODE.split(), CODE),
    **{
        suffix: Parser("code", "source", language=language)
        for language, suffixes in _LANGUAGES.items()
        for suffix in suffixes.split()
    },
}

# Never documents: left out of folders, and refused by name when asked for.
FOREIGN = frozenset(
    [
        ".7z",
        ".a",
        ".aac",
        ".apk",
        ".avi",
        ".avif",
        ".bin",
        ".bmp",
        ".bz2",
        ".class",
        ".db",
        ".deb",
        ".dll",
        ".dmg",
        ".dylib",
        ".eot",
        ".exe",
        ".flac",
        ".gif",
        ".gz",
        ".heic",
        ".ico",
        ".iso",
        ".jar",
        ".jpeg",
        ".jpg",
        ".ko",
        ".lz4",
        ".m4a",
        ".mkv",
        ".mo",
        ".mov",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".npy",
        ".npz",
        ".o",
        ".obj",
        ".ogg",
        ".onnx",
        ".opus",
        ".otf",
        ".parquet",
        ".pdb",
        ".pickle",
        ".pkl",
        ".png",
        ".psd",
        ".pt",
        ".pyc",
        ".pyd",
        ".pyo",
        ".rar",
        ".rpm",
        ".safetensors",
        ".so",
        ".sqlite",
        ".sqlite3",
        ".svg",
        ".svgz",
        ".tar",
        ".tgz",
        ".tif",
        ".tiff",
        ".ttc",
        ".ttf",
        ".wasm",
        ".wav",
        ".webm",
        ".webp",
        ".whl",
        ".wmv",
        ".woff",
        ".woff2",
        ".xz",
        ".zip",
        ".zst",
    ]
)


_SAVE = "save it as {} with the program that made it"
# Documents nobody reads here: named in the results, so that nobody believes they were ingested.
LEGACY: Mapping[str, str] = {
    ".doc": _SAVE.format(".docx or PDF"),
    ".dot": _SAVE.format(".docx or PDF"),
    ".xls": _SAVE.format(".xlsx or CSV"),
    ".xlsb": _SAVE.format(".xlsx or CSV"),
    ".ppt": _SAVE.format(".pptx or PDF"),
    ".pps": _SAVE.format(".pptx or PDF"),
    ".rtf": _SAVE.format(".docx or PDF"),
    ".wpd": _SAVE.format(".docx or PDF"),
    ".pages": _SAVE.format(".docx or PDF"),
    ".numbers": _SAVE.format(".xlsx or CSV"),
    ".msg": _SAVE.format(".eml"),
    ".pst": "export its messages as .mbox or .eml",
    ".mobi": "convert it to EPUB",
    ".azw3": "convert it to EPUB",
}


def suffix_of(name: str) -> str:
    """Return the last suffix of the file *name*, in lower case, with its dot; or nothing."""
    base = name.rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def parser_for(name: str) -> Parser:
    """Return who reads files called *name*; what has no known suffix is taken for text."""
    last = suffix_of(name)
    both = suffix_of(name[: -len(last)]) + last if last else ""
    return TABLE.get(both) or TABLE.get(last, TXT)
