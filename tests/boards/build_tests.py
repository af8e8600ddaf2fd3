# SPDX-License-Identifier: Apache-2.0
"""What building for a board promises: a folder is enough, entropy cannot be forgotten, the table is true."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import ROOT, firmware, report, run

BOARDS = ROOT / "boards"
HERE = ROOT / "tests" / "boards"
HELLO_MAX = 6 * 1024  # startup, clock, heap, faults, watchdog, console and a print: bytes of flash


def build(board, target, folder, *more):
    return firmware("build", board, "--target", target, "--build-dir", folder, *more)


def another_board(scratch):
    """A copy of a board's folder, anywhere, is a board."""
    shutil.copytree(BOARDS / "mps2-an386", scratch / "third-board")
    built = build(scratch / "third-board", "hello", scratch / "third")
    out = ""
    if built.returncode == 0:
        _, out, _ = run(scratch / "third-board", built.stdout.strip())
    fine = out.startswith("hello from third-board\nEMULATION ONLY")
    report(fine, "a copy of a board's folder under another name builds and runs", built.stderr[-3000:] + out)


def behind_a_boot_loader(scratch):
    """An image that does not begin where the core looks for vectors: a boot loader of eight bytes, stack and entry, starts it, and
    its own vectors serve the clock and the faults."""
    place = scratch / "booted"
    shutil.copytree(BOARDS / "mps2-an386", place)
    memory = (place / "memory.ld").read_text(encoding="utf-8")
    (place / "memory.ld").write_text(memory.replace("ORIGIN = 0x00000000, LENGTH = 4M", "ORIGIN = 0x00012000, LENGTH = 1M"), encoding="utf-8")
    built = build(place, "board_probe", scratch / "booted-build")
    image = pathlib.Path(built.stdout.strip() or "none")
    out = ""
    if built.returncode == 0:
        table = subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", image, "/dev/stdout"], capture_output=True, check=True)
        (scratch / "boot").write_bytes(table.stdout[:8])
        loader = ["-device", f"loader,addr=0,file={scratch / 'boot'},force-raw=on"]
        _, clock, _ = run(place, image, arg="do=clock", qemu=loader)
        _, fault, _ = run(place, image, arg="do=write-flash", qemu=loader)
        out = clock + fault
    fine = "failed" not in out and "do clock" in out and "last fault: memory" in out
    report(fine, "an image behind a boot loader has its clock and tells its faults", built.stderr[-3000:] + out)


def no_entropy(scratch):
    built = build(HERE / "no_entropy", "hello", scratch / "none")
    report(built.returncode == 0, "a board that is not emulated and has no entropy source links what needs none",
           built.stderr[-3000:])
    # Nobody runs it, so its code need not be good.
    built = build(HERE / "no_entropy", "needs_entropy", scratch / "none", "-DCMAKE_C_FLAGS_MINSIZEREL=-O0")
    missing = set(re.findall(r"undefined reference to `(\w+)'", built.stderr)) - {"psa_its_get"}
    report(built.returncode != 0 and missing == {"sbs_board_entropy"}, "and fails to link what needs random numbers",
           f"missing: {missing}\n{built.stderr[-3000:]}")


def not_by_accident(scratch):
    """What is for emulation only is not there for a board that does not say that it is emulated."""
    place = scratch / "unmarked"
    shutil.copytree(BOARDS / "lm3s6965evb", place)
    text = (place / "board.cmake").read_text(encoding="utf-8")
    (place / "board.cmake").write_text(re.sub(r"set\(SBS_BOARD_EMULATION_ONLY ON\)\n", "", text), encoding="utf-8")
    built = build(place, "sbs_board", scratch / "unmarked-build")
    report(built.returncode != 0 and "semihosting_emulation_only.h: No such file" in built.stderr,
           "semihosting does not build for a board that is not marked as emulated", built.stderr[-3000:])


def sizes_of(folder):
    text = (folder / "memory.ld").read_text(encoding="utf-8")
    return [re.search(rf"{name} .*LENGTH = (\d+[KM])", text)[1].replace("K", " KB").replace("M", " MB")
            for name in ("FLASH", "RAM")]


def table():
    readme = (BOARDS / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|( Cortex-.*)\|$", readme, re.MULTILINE))
    folders = {path.parent.name: path.parent for path in BOARDS.glob("*/board.cmake")}
    report(set(rows) == set(folders), "boards/README.md lists the boards there are", f"{set(rows)} {set(folders)}")
    for name, folder in sorted(folders.items()):
        cells = [cell.strip() for cell in rows.get(name, "").split("|")]
        core = re.search(r"-mcpu=cortex-(m\d+)", (folder / "cpu.cmake").read_text(encoding="utf-8"))[1].upper()
        marked = "EMULATION_ONLY ON" in (folder / "board.cmake").read_text(encoding="utf-8")
        expected = [f"Cortex-{core}", *sizes_of(folder), "emulation only" if marked else "hardware"]
        report(cells[:4] == expected, f"and says of {name}: {', '.join(expected)}", str(cells))


def base_size():
    for name in sorted(path.parent.name for path in BOARDS.glob("*/board.cmake")):
        built = firmware("build", name, "--target", "hello")
        image = pathlib.Path(built.stdout.strip())
        map_text = image.with_suffix(".map").read_text(encoding="utf-8")
        sizes = {part: int(re.search(rf"^\.{part}\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", map_text, re.MULTILINE)[1], 16)
                 for part in ("text", "data", "bss", "noinit")}
        flash = sizes["text"] + sizes["data"]
        ram = sizes["data"] + sizes["bss"] + sizes["noinit"]
        report(flash <= HELLO_MAX, f"{name}: the smallest program takes {flash} bytes of flash, {ram} of RAM beside the stack")


def build_tests():
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        another_board(scratch)
        behind_a_boot_loader(scratch)
        no_entropy(scratch)
        not_by_accident(scratch)
    table()
    base_size()
