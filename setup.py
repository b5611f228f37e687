"""The list of compiled extensions; everything else about the package is in pyproject.toml.

AMFAST_BUILD chooses the variant: unset for production, ``debug`` for bounds checks and assertions,
``asan`` for the address and undefined-behaviour sanitizers, ``quick`` to try the packaging only.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

VARIANT = os.environ.get("AMFAST_BUILD", "")
CHECKED = VARIANT in ("debug", "asan")

COMPILE_FLAGS = {
    "": ["-O3", "-g0"],
    "quick": ["-O0", "-g0"],
    "debug": ["-O1", "-g", "-DCYTHON_WITHOUT_ASSERTIONS=0"],
    "asan": ["-O1", "-g", "-fsanitize=address,undefined", "-fno-omit-frame-pointer"],
}
LINK_FLAGS = {"asan": ["-fsanitize=address,undefined"]}

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": CHECKED,
    "wraparound": False,
    "initializedcheck": CHECKED,
    "cdivision": True,
    "auto_pickle": False,
    "autotestdict": False,
    "embedsignature": False,
}

sources = sorted(Path("amfast/_ext").glob("*.pyx"))
extensions = [
    Extension(
        f"amfast._ext.{source.stem}",
        [str(source)],
        extra_compile_args=COMPILE_FLAGS[VARIANT],
        extra_link_args=LINK_FLAGS.get(VARIANT, []),
    )
    for source in sources
]

setup(ext_modules=cythonize(extensions, compiler_directives=DIRECTIVES, nthreads=os.cpu_count() or 1))
