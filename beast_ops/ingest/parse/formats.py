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
    """

    type: str
    module: str
    plain: bool = True


TXT = Parser("txt", "text")
CODE = Parser("code", "text")

# Source code that is kept as it is.
_CODE = """
.adb .ads .asm .awk .bash .bat .c .cc .cfg .clj .cmake .conf .cpp .cs .css .cxx .dart .el .erl .ex
.exs .f90 .fish .go .gradle .graphql .groovy .h .hcl .hh .hpp .hs .ini .ino .java .jl .js .jsx .kt
.kts .less .lisp .lua .m .mjs .mk .ml .mli .nim .nix .pas .php .pl .pm .proto .ps1 .r .rb .rs .s
.sass .scala .scm .scss .sh .sol .sql .sv .swift .tcl .tf .toml .ts .tsx .v .vb .vhd .vim .vue
.xml .xsd .xsl .yaml .yml .zig .zsh
"""

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
    ".py": Parser("code", "python"),
    ".pyi": Parser("code", "python"),
    **dict.fromkeys(_CODE.split(), CODE),
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
