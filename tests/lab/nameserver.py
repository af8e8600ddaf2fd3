# SPDX-License-Identifier: Apache-2.0
"""DHCP and DNS of a lab: dnsmasq, started anew with other options when either is to change."""
import signal
import subprocess
import time

DOMAIN = "lab.test"
SERVER_NAME = f"server.{DOMAIN}"
NAMES = (SERVER_NAME, f"token.{DOMAIN}", f"time.{DOMAIN}")
START_TIMEOUT_S = 10
START_TRIES = 3


class NameServer:
    def __init__(self, folder, interface, network):
        self.folder = folder
        self.interface = interface
        self.network = network
        self.modes = {"dhcp": "on", "dns": "on"}
        self.process = None
        self.starts = 0

    def options(self):
        server = f"{self.network}.1"
        options = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-ping", "--user=root",
                   f"--interface={self.interface}", "--except-interface=lo", "--bind-interfaces",
                   f"--log-facility={self.folder}/dnsmasq.log", "--log-queries", "--log-dhcp",
                   f"--pid-file={self.folder}/dnsmasq.pid", f"--dhcp-leasefile={self.folder}/leases"]
        if self.modes["dhcp"] == "on":
            options += [f"--dhcp-range={self.network}.100,{self.network}.199,255.255.255.0,2m", "--dhcp-authoritative",
                        f"--dhcp-option=option:router,{server}", f"--dhcp-option=option:dns-server,{server}",
                        f"--dhcp-option=option:ntp-server,{server}", f"--domain={DOMAIN}"]
        if self.modes["dns"] == "off":
            options += ["--port=0"]
        elif self.modes["dns"] == "nxdomain":
            options += ["--local=/test/"]
        elif self.modes["dns"] == "on":
            options += [f"--local=/{DOMAIN}/"] + [f"--host-record={name},{server},30" for name in NAMES]
        return options

    def start(self):
        self.starts += 1
        if self.modes == {"dhcp": "off", "dns": "off"}:
            return
        for _ in range(START_TRIES):
            failure = self.try_start()
            if failure is None:
                return
        raise SystemExit(f"lab: dnsmasq did not start: {failure}")

    def try_start(self):
        """None once it listens, else why it does not."""
        log = self.folder / "dnsmasq.log"
        before = log.stat().st_size if log.exists() else 0
        self.process = subprocess.Popen(["dnsmasq", *self.options()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not log.exists() or log.stat().st_size == before:  # its first line is written once it listens
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                words = self.process.communicate()[1].strip()
                self.process = None
                return words or f"it says nothing within {START_TIMEOUT_S} s"
            time.sleep(0.01)
        return None

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process.stderr.close()
            self.process = None

    def command(self, what, mode):
        allowed = {"dhcp": ("on", "off"), "dns": ("on", "off", "nxdomain", "refused")}[what]
        if mode not in allowed:
            raise ValueError(f"{what} takes {', '.join(allowed)}")
        if self.modes[what] != mode:
            self.modes[what] = mode
            self.stop()
            self.start()

    def status(self):
        return {**self.modes, "starts": self.starts}
