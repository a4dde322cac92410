"""What the documentation site takes beside the pages of this folder: documents and pictures of other folders.

A page links to them as GitHub does, relative to itself, with the way up first; here that is taken off, for in the site
they stand under the same names below its root. Nothing is fetched.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
BROUGHT = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "calibration/PHOTOS.md",
    "training/cards/*.md",
)
# Files to download rather than to read: linked to, and taken as they are.
ATTACHED = (
    "runtime/containers/**/*",
    "runtime/native/include/dgiqa_edge.h",
    "runtime/examples/*",
)
_UP = re.compile(r"(?<=\]\()\.\./")
_ROLE = re.compile(r":(?:func|class|meth|data|mod):(?=<code)")


def on_files(files: Files, config: Any) -> Files:
    """Add what is brought."""
    for pattern in (*BROUGHT, *ATTACHED):
        found = sorted(path for path in ROOT.glob(pattern) if path.is_file())
        if not found:
            raise FileNotFoundError(f"nothing matches {pattern}: correct docs/site_hooks.py")
        for path in found:
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of our pages to what is brought, and of what is brought to our pages."""
    if "/" not in page.file.src_uri:
        return _UP.sub("", markdown).replace("](docs/", "](")
    return markdown


def on_page_content(html: str, **_: Any) -> str:
    """Docstrings name functions by Sphinx's roles, which are no Markdown."""
    return _ROLE.sub("", html)
