"""Print what the project needs, one requirement a line; arguments name the extras to include."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
print("\n".join(project["dependencies"] + [line for name in sys.argv[1:] for line in extras[name]]))
