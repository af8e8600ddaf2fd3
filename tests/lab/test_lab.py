#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what it ends, what it forwards, what it refuses, and that a seed repeats a link's faults."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import time
import types
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import relay  # noqa: E402
import timeserver  # noqa: E402

LAB = HERE / "lab"
loader = importlib.machinery.SourceFileLoader("lab", str(LAB))
lab = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab", loader))
loader.exec_module(lab)
FAULT = HERE / "fault"


def in_lab(script, *options):
    return subprocess.run([LAB, *options, "--", "sh", "-c", script], capture_output=True, text=True, timeout=60,
                          check=False)


def processes_with(word):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path] if word.encode() in path.read_bytes().split(b"\0") else []
        except OSError:
            pass
    return found


class Ends(unittest.TestCase):
    def test_status_is_the_command_s(self):
        for script, status in (("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)):
            self.assertEqual(in_lab(script).returncode, status, script)

    def test_status_of_a_command_that_ends_at_once(self):
        class Over(subprocess.Popen):
            def __init__(self, *arguments, **options):
                super().__init__(*arguments, **options)
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

        options = types.SimpleNamespace(dir="unused", direct=True, command=["sh", "-c", "exit 7"], max_seconds=10)
        with mock.patch("subprocess.Popen", Over):
            self.assertEqual(lab.Lab(options).run(), 7)

    def test_what_is_left_behind_is_ended(self):
        in_lab("setsid sleep 4711.1 & trap '' TERM; sleep 0.2")
        self.assertEqual(processes_with("4711.1"), [])

    def test_time_is_limited(self):
        done = in_lab("trap '' TERM; sleep 4711.2", "--max-seconds", "1")
        self.assertEqual(done.returncode, 124)
        self.assertEqual(processes_with("4711.2"), [])

    def test_killed(self):
        child = subprocess.Popen([LAB, "--", "sleep", "4711.3"])
        while not processes_with("4711.3"):
            time.sleep(0.05)
        child.kill()
        child.wait()
        time.sleep(0.5)
        self.assertEqual(processes_with("4711.3"), [])

    def test_its_folder_is_removed(self):
        folder = in_lab('echo "$SBS_LAB"').stdout.strip()
        self.assertTrue(folder)
        self.assertFalse(pathlib.Path(folder).exists())


class Network(unittest.TestCase):
    def test_it_leads_nowhere(self):
        self.assertEqual(in_lab("ip route").stdout.split()[0], "10.77.0.0/24")
        self.assertEqual(len(in_lab("ip route").stdout.splitlines()), 1)

    def test_names_for_programs(self):
        self.assertEqual(in_lab("getent hosts token.lab.test").stdout.split()[0], "10.77.0.1")

    def test_two_at_once(self):
        inner = f"{LAB} -- ip address show dev labtap0"
        self.assertIn("10.77.0.1/24", in_lab(inner).stdout)


class Faults(unittest.TestCase):
    def test_commands(self):
        done = in_lab(f"{FAULT} loss up 5, delay 1 2, dns nxdomain, dhcp off, ntp offset -5, status")
        state = json.loads(done.stdout)
        self.assertEqual(state["link"]["up"]["loss"], 5)
        self.assertEqual(state["link"]["down"]["loss"], 0)
        self.assertEqual(state["link"]["down"]["delay_ms"], [1, 2])
        self.assertEqual((state["names"]["dns"], state["names"]["dhcp"]), ("nxdomain", "off"))
        self.assertEqual(state["ntp"]["offset"], -5)

    def test_wrong_commands(self):
        for command in ("loss", "loss 101", "loss x", "delay -1", "cable", "cable up", "nonsense", "dns maybe",
                        "ntp", "ntp offset", "clear 1", "seed"):
            done = in_lab(f"{FAULT} {command}")
            self.assertEqual((done.returncode, done.stdout), (1, ""), command)
            self.assertRegex(done.stderr, "^error: ", command)

    def test_direct_link_has_none(self):
        self.assertEqual(in_lab(f"{FAULT} loss 1", "--direct").returncode, 1)
        self.assertEqual(in_lab("true", "--direct", "--fault", "loss 1").returncode, 1)


class Link(unittest.TestCase):
    @staticmethod
    def fate(seed):
        direction = relay.Direction(random.Random(seed))
        direction.percent.update(loss=10, duplicate=10, reorder=10, corrupt=10)
        frames = [bytes([i]) * 60 for i in range(200)]
        return [list(direction.copies(frame)) for frame in frames], direction.counts

    def test_a_seed_repeats_them(self):
        self.assertEqual(self.fate(5), self.fate(5))
        self.assertNotEqual(self.fate(5), self.fate(6))

    def test_they_happen_as_often_as_asked(self):
        copies, counts = self.fate(1)
        self.assertEqual(counts["frames"], 200)
        for what in ("lost", "duplicated", "reordered", "corrupted"):
            self.assertIn(counts[what], range(8, 40), what)
        self.assertEqual(sum(len(each) for each in copies), 200 - counts["lost"] + counts["duplicated"])

    def test_corruption_is_one_bit(self):
        direction = relay.Direction(random.Random(1))
        direction.percent["corrupt"] = 100
        [(_, changed)] = direction.copies(bytes(64))
        self.assertEqual(sum(bin(byte).count("1") for byte in changed), 1)


class Time(unittest.TestCase):
    def test_answer(self):
        question = struct.pack("!B39xQ", 4 << 3 | 3, 0x0123456789ABCDEF)
        server = timeserver.TimeServer.__new__(timeserver.TimeServer)
        server.mode, server.offset = "on", 3600
        [packet] = server.packets(question)
        leap, stratum, *_, originate, _, transmit = timeserver.HEADER.unpack(packet)
        self.assertEqual((leap, stratum, originate), (4 << 3 | 4, 2, 0x0123456789ABCDEF))
        self.assertAlmostEqual(transmit / 2**32 - timeserver.ERA_OFFSET, time.time() + 3600, delta=1)


if __name__ == "__main__":
    socket.setdefaulttimeout(10)
    unittest.main()
