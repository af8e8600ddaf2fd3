# SPDX-License-Identifier: Apache-2.0
"""The boards themselves: faults, watchdog, heap, clock, console and flash. tests/boards/probe.c obeys."""
import concurrent.futures
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import time

import ethernet_tests
from harness import Program, report, run

RESTARTED = 3
# An instruction takes 64 ns of the board's time, which stands still while the host is busy with other things: a watchdog
# that expires has seen the board hang, not its emulator.
OWN_TIME = ["-icount", "shift=6"]
HELD_S = 10  # longer than the watchdog's period in stay_alive of the probe, shorter than two
GUARD = 0x10000  # bytes below RAM that nobody may touch
# Command: kind of the last word, part of its line, function that pc lies in.
FAULTS = {
    "write-null": ("memory", "address=00000000", "write_null"),
    "read-null": ("memory", "address=00000008", "read_null"),
    "write-flash": ("memory", "", "write_flash"),
    "jump-into-ram": ("memory", "cfsr=00000001", None),
    "undefined": ("usage", "cfsr=00010000", "undefined_instruction"),
    "call-kernel": ("interrupt", "exception=11", "call_kernel"),
    "fill-stack": ("stack", "", None),
    "step-over": ("stack", "", None),
    "abort": ("abort", "exception=0", "probe_fault"),
    "panic": ("panic", "a note that is longer than the ", "panic"),
    "hang": ("watchdog", "exception=", "hang"),
    "hang-masked": ("watchdog", "", None),
    "hang-after-grant": ("watchdog", "exception=", None),
}
PRINTED = ("[text|   ab|xy|p|c|%][-5|2147483647|4294967295|beef|0000001a|   7|0042]"
           "[18446744073709551615|-9223372036854775808|9|8][0|%i]")


def function_at(image, address):
    asked = subprocess.run(["arm-none-eabi-addr2line", "-f", "-e", str(image), hex(address)], capture_output=True, text=True,
                           check=True)
    return asked.stdout.splitlines()[0]


def symbols_of(image):
    """What the linker script says, by name: addresses and sizes."""
    asked = subprocess.run(["arm-none-eabi-nm", str(image)], capture_output=True, text=True, check=True)
    return {name: int(value, 16) for value, _, name in map(str.split, asked.stdout.splitlines()) if name.startswith("sbs_ld_")}


def expected_addresses(image, command):
    """Where the forbidden access lies; None: the command has none of its own."""
    ld = symbols_of(image)
    ram, vectors_end = ld["sbs_ld_ram_start"], ld["sbs_ld_flash_start"] + ld["sbs_ld_vectors_size"]
    return {
        "write-flash": range(vectors_end, vectors_end + 1),
        "fill-stack": range(ram - 256, ram),  # the first frame that does not fit
        "step-over": range(ram - GUARD, ram),
    }.get(command)


def fault(board, image, command):
    kind, part, function = FAULTS[command]
    addresses = expected_addresses(image, command)
    status, out, err = run(board, image, arg=f"do={command}", qemu=OWN_TIME)
    word = re.search(r"^last fault: (\w+) pc=([0-9a-f]{8}) .* address=([0-9a-f]{8}) .*$", out, re.MULTILINE)
    fine = status == RESTARTED and word and word[1] == kind and part in word[0] and not err
    if fine and addresses:
        fine = int(word[3], 16) in addresses
    if fine and function:
        fine = function_at(image, int(word[2], 16)) == function
    if command == "hang-after-grant":
        fine = fine and "granted time was enough\nalive was enough\nlast fault" in out
    report(bool(fine), f"{board}: {command} is told after the reset as {kind}", f"status {status}\n{out}{err}")


def simple(board, image, command, expected=""):
    status, out, err = run(board, image, arg=f"do={command}", qemu=OWN_TIME)
    report(status == 0 and expected in out and not err, f"{board}: {command}", f"status {status}\n{out}{err}")


def restart(board, image):
    program = Program(board, image, arg="do=restart")
    lines = [program.line() for _ in range(4)]
    program.kill()
    report(lines == ["do restart"] * 4, f"{board}: a restart on purpose leaves no last word", "\n".join(lines))


def held(board, image):
    """The host holds QEMU for longer than the watchdog's patience, as a busy host does: time jumps, and nobody hung."""
    program = Program(board, image, arg="do=stay-alive")
    program.until("ready")
    program.signal(signal.SIGSTOP)
    time.sleep(HELD_S)
    program.signal(signal.SIGCONT)
    status, out, err = program.finish(b"\x04")
    report(status == 0 and out == "still here\n" and not err, f"{board}: who was held for {HELD_S} s is not reset",
           f"status {status}\n{out}{err}")


def echo(board, image):
    """A paste far longer than FIFO and ring, in one go: nothing is lost."""
    text = bytes(byte for byte in random.Random(1).randbytes(20000) if byte != 4)
    program = Program(board, image, arg="do=echo")
    out, err = program.process.communicate(text + b"\x04")
    begin = b"do echo\nready\n"
    fine = out == begin + text + b"\nechoed %d\n" % len(text) and program.process.returncode == 0
    report(fine, f"{board}: the console gives back a paste of {len(text)} bytes", repr(out[-200:]) + repr(err))


def flash_rules(board, image, folder):
    (folder / "storage.flash").write_bytes(b"\xff" * 1000)  # as if the making of the file had been cut
    status, out, err = run(board, image, arg="do=flash-rules", flash_dir=folder)
    data = (folder / "storage.flash").read_bytes()
    fine = status == 0 and data[:8] == bytes(8) and set(data[8:]) == {255} and len(data) % 4096 == 0 and not err
    report(fine, f"{board}: flash keeps its rules, and a file that was left short is completed", f"status {status}\n{out}{err}")


def flash_kill(board, image, folder, seed):
    """SIGKILL at any time: what was done is in the file, and one sector alone is anything."""
    chance = random.Random(seed)
    program = Program(board, image, arg="do=flash", flash_dir=folder)
    geometry = re.match(r"flash (\d+) (\d+) ", program.until("flash "))
    size, count = int(geometry[1]), int(geometry[2])
    for _ in range(chance.randrange(1, 4 * count)):
        program.line()
    time.sleep(chance.random() * 0.02)
    program.kill()
    rest = program.process.stdout.read().decode()
    data = (folder / "queue.flash").read_bytes()
    done = re.findall(r"^done (\d+) (\d+)$", rest, re.MULTILINE)
    if not done:
        return report(True, f"{board}: flash after SIGKILL {seed}: nothing more was told")
    turn, last = map(int, done[-1])
    before = turn - 1 if turn > 1 else 255
    wrong = [sector for sector in range(count) if sector != (last + 1) % count and
             set(data[sector * size:(sector + 1) * size]) != {turn if sector <= last else before}]
    return report(len(data) == size * count and not wrong, f"{board}: flash after SIGKILL {seed}, turn {turn} sector {last}",
                  f"wrong sectors: {wrong}")


def port_suite(board, image, folder):
    """The conformance suite of ports on the board's flash: each subject has checks, and none fails."""
    status, out, err = run(board, image, flash_dir=folder)
    sums = re.findall(r"^(\w+): (\d+) checks, 0 failed, (\d+) more not checked$", out, re.MULTILINE)
    checks = sum(int(done) for _, done, _ in sums)
    fine = status == 0 and {name for name, _, _ in sums} == {"flash", "queue", "storage", "key"} and not err
    report(fine, f"{board}: flash, queue, storage and key pass {checks} checks of ports", f"status {status}\n{out}{err}")


def board_tests(board, folder):
    image = folder / "images" / "board_probe.elf"
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fault, board, image, command) for command in FAULTS]
        jobs.append(pool.submit(simple, board, image, "heap"))
        jobs.append(pool.submit(simple, board, image, "print", PRINTED))
        jobs.append(pool.submit(simple, board, image, "clock"))
        jobs.append(pool.submit(restart, board, image))
        jobs.append(pool.submit(held, board, image))
        jobs.append(pool.submit(echo, board, image))
        for number in range(5):
            place = pathlib.Path(scratch) / str(number)
            place.mkdir()
            jobs.append(pool.submit(flash_kill, board, image, place, number) if number else
                        pool.submit(flash_rules, board, image, place))
        place = pathlib.Path(scratch) / "port"
        place.mkdir()
        jobs.append(pool.submit(port_suite, board, image.with_name("port_board.elf"), place))
        jobs.append(pool.submit(ethernet_tests.ethernet_tests, board, image))
        for job in jobs:
            job.result()
