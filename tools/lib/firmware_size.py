# SPDX-License-Identifier: Apache-2.0
"""Flash and static RAM of the firmware's images, and what takes them, from the linker's maps."""
import pathlib
import re
import subprocess

KB = 1024
# Variant and image of tools/firmware, the most bytes that it should take of the flash of lm3s6965evb, and the most that it
# may: more where the target was never met, so that at least it does not grow. "firmware" is the demonstration, "client"
# what a product links (boards/client).
IMAGES = (
    ("default", "firmware", 180 * KB, 180 * KB),
    ("small", "firmware", 160 * KB, 168300),
    ("tls13", "firmware", 200 * KB, 200 * KB),
    ("small", "client", 136 * KB, 143700),
    ("es384", "client", 128 * KB, 140150),
)
BOARD = "lm3s6965evb"
SHARES = (
    ("Mbed TLS", "libsbs_mbedtls_lib"),
    ("lwIP", "libsbs_lwip_lib"),
    ("core", "libsbs_core"),
    ("TLS stream", "libsbs_mbedtls"),
    ("network", "libsbs_lwip"),
    ("flash log", "libsbs_flash"),
    ("bare metal", "libsbs_baremetal"),
    ("board", "libsbs_board"),
    ("board", "libsbs_semihosting"),
    ("demonstration", "boards/firmware"),
    ("demonstration", "libsbs_meter"),
    ("C library", "/arm-none-eabi/"),
    ("C library", "/gcc/"),
)
IN_FLASH = (".text", ".rodata", ".vectors", ".ARM", ".data")
IN_RAM = (".data", ".bss", "COMMON", ".noinit")


def totals(image):
    """Bytes of flash, and of RAM that is taken before the program starts, without the stack."""
    asked = subprocess.run(["arm-none-eabi-size", "-A", str(image)], capture_output=True, text=True, check=True)
    rows = re.findall(r"^(\.\S+)\s+(\d+)\s+\d+$", asked.stdout, re.MULTILINE)
    return tuple(sum(int(size) for name, size in rows if name.startswith(kinds)) for kinds in (IN_FLASH, IN_RAM))


def share_of(path):
    for name, mark in SHARES:
        if mark in path:
            return name
    return "other"


def shares(image):
    """{share: [flash, ram]} of an image that was linked without link-time optimisation."""
    kept = image.with_suffix(".map").read_text(encoding="utf-8", errors="replace")
    kept = kept.partition("Linker script and memory map")[2].partition("OUTPUT(")[0]
    kept = re.sub(r"^ (\.\S+|COMMON)\n\s+", r" \1 ", kept, flags=re.MULTILINE)
    table = {}
    for section, size, path in re.findall(r"^ (\.\S+|COMMON)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S.*)$", kept, re.MULTILINE):
        row = table.setdefault(share_of(path), [0, 0])
        row[0] += int(size, 16) if section.startswith(IN_FLASH) else 0
        row[1] += int(size, 16) if section.startswith(IN_RAM) else 0
    return table


def build(root, variant, target):
    command = ["tools/firmware", "build", BOARD, "--variant", variant, "--target", target]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"size: {' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return pathlib.Path(done.stdout.strip())


def print_shares(image):
    table = shares(image)
    print("what takes them in the default image, before it is optimised across files:")
    print(f"{'':<16}{'flash':>9}{'RAM':>9}")
    for name in sorted(table, key=lambda name: -table[name][0]):
        print(f"{name:<16}{table[name][0]:>9}{table[name][1]:>9}")


def report(root):
    """Builds the variants, prints their sizes, and returns whether each is within its budget."""
    good = True
    for variant, image, target, most in IMAGES:
        flash, ram = totals(build(root, variant, image))
        what = f"{BOARD}, {image} {variant}, static RAM {ram} bytes beside the stack"
        if flash > target:
            print(f"target missed: {what}: {flash} of {target} bytes of flash, {flash - target} too many")
        print(f"{'ok' if flash <= most else 'OVER'}: {what}: {flash} of {most} bytes of flash")
        good = good and flash <= most
    print_shares(build(root, "default", "firmware_plain"))
    return good
