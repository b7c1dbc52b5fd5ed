"""What pyproject.toml cannot say: CMake builds the compiled half, and files that other parts of the project share are
put beside the package's own. SWIPERIG_BUILD names a build folder that is to be used instead of build/pip."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parents[2]
SHARED = ["reports/timeline.py", "reports/timeline.css", "fixtures/benches", "fixtures/terminals", "fixtures/hosts"]


class Compiled(build_ext):
    def build_extension(self, extension):
        build = Path(os.environ.get("SWIPERIG_BUILD") or ROOT / "build" / "pip")
        if "SWIPERIG_BUILD" not in os.environ:
            subprocess.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
                            "-DBUILD_TESTING=OFF", f"-DPython_EXECUTABLE={sys.executable}"], check=True)
        subprocess.run(["cmake", "--build", build, "--target", "_core"], check=True)
        to = Path(self.get_ext_fullpath(extension.name))
        to.parent.mkdir(parents=True, exist_ok=True)
        made = build / "python" / "swiperig" / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
        if not made.is_file():
            raise SystemExit(f"{made} was not made: is pybind11-dev installed, and the build for this Python?")
        shutil.copyfile(made, to)


class Package(build_py):
    def run(self):
        super().run()
        package = Path(self.build_lib) / "swiperig"
        for name in SHARED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, package / name, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, package / source.name)


scratch = ROOT / "build" / "wheel"
scratch.mkdir(parents=True, exist_ok=True)
setup(
    packages=["swiperig"],
    package_data={"swiperig": ["py.typed", "*.pyi"]},
    ext_modules=[Extension("swiperig._core", [])],
    cmdclass={"build_ext": Compiled, "build_py": Package},
    options={"build": {"build_base": str(scratch)}, "egg_info": {"egg_base": str(scratch)}},
)
