# SPDX-License-Identifier: Apache-2.0
"""The core's object files in a Cortex-M4 build: what the archive holds, not what an older build left behind."""
import pathlib
import subprocess
import sys


def core_objects(build):
    """Paths of the objects in build/core/libsbs_core.a; beside each lie its .su and .ci files."""
    folder = pathlib.Path(build) / "core"
    archive = folder / "libsbs_core.a"
    if not archive.exists():
        sys.exit(f"{archive} is not there: cmake --preset thumb && cmake --build --preset thumb")
    asked = subprocess.run(["arm-none-eabi-ar", "t", str(archive)], capture_output=True, text=True, check=True)
    compiled = {path.name: path for path in (folder / "CMakeFiles" / "sbs_core.dir" / "src").rglob("*.obj")}
    return [compiled[name] for name in sorted(asked.stdout.split())]
