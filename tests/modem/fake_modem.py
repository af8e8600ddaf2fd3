#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A modem on a pseudo terminal: speaks AT at the speed of a serial line, and connects to servers on loopback.

usage: fake_modem.py [OPTIONS]      --help lists them

Prints JSON lines: {"event": "ready", "path": "/dev/pts/3"} first, then what happens. It ends with its standard input. What goes to
a peer, in clear, is kept in the file of --record: no secret may stand there where the peer was not checked.
"""
import argparse
import datetime
import errno
import json
import os
import pty
import random
import re
import select
import socket
import ssl
import sys
import time
import tty

PARTIAL_CHAIN = 0x80000  # a certificate of the file is trusted, whoever issued it (X509_V_FLAG_PARTIAL_CHAIN)
BUFFER = 4096            # bytes that a connection holds in each direction
ASIDES = {
    "simcom": ["+CREG: 1", "+CEREG: 5", '+CMTI: "SM",3', "SMS DONE", "PB DONE", "+CIPRXGET: 1,0", "+CIPRXGET: 1,1", "+IPCLOSE: 1,1",
               "+CCHEVENT: 0,RECV EVENT", "RING", "+CTZV: 26/11/29,08:54:45,+04"],
    "quectel": ["+CREG: 1", "+CEREG: 5", '+CMTI: "SM",3', '+QIURC: "recv",0', '+QSSLURC: "recv",0', '+QIURC: "recv",1', "RING", "+QIND: SMS DONE"],
}
SETTINGS = {"sslversion": "4", "authmode": "0", "seclevel": "0", "ignorelocaltime": "1", "negotiatetime": "300", "cacert": '""',
            "enableSNI": "0", "sni": "0", "checkhost": "0"}


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Line:
    """The serial line: bytes go at its speed, split anywhere."""

    def __init__(self, baud, dice):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self.slave = slave  # stays open, so that the terminal outlives its users
        os.set_blocking(self.master, False)
        self.bytes_a_second, self.dice = baud / 10, dice
        self.out = bytearray()
        self.sent_at = self.read_at = time.monotonic()

    def _allowed(self, since):
        """Bytes that went since then; at most 10 ms of them at a time, as a chip's buffer holds few."""
        return int(min(time.monotonic() - since, 0.01) * self.bytes_a_second)

    def pump(self):
        """Sends what may be sent; returns what came."""
        allowed = self._allowed(self.sent_at)
        if self.out and allowed > 0:
            part = self.out[:self.dice.randint(1, allowed)]
            try:
                done = os.write(self.master, part)
                del self.out[:done]
            except BlockingIOError:
                pass
            self.sent_at = time.monotonic()
        elif not self.out:
            self.sent_at = time.monotonic()
        allowed = self._allowed(self.read_at)
        if allowed == 0:
            return b""
        self.read_at = time.monotonic()
        try:
            return os.read(self.master, allowed)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EIO):
                return b""
            raise


class Link:
    """A connection to a peer."""

    def __init__(self, sock):
        self.sock, self.got, self.out, self.end = sock, bytearray(), bytearray(), None
        sock.setblocking(False)

    def pump(self):
        """True if bytes came where none were."""
        was_empty = not self.got
        try:
            while self.end is None and len(self.got) < BUFFER:
                part = self.sock.recv(BUFFER - len(self.got))
                if not part:
                    self.end = "closed"
                self.got += part
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError:
            self.end = "reset"
        try:
            while self.out and self.end != "reset":
                del self.out[:self.sock.send(bytes(self.out[:1024]))]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError:
            self.end = "reset"
        return was_empty and bool(self.got)

    def close(self):
        try:
            self.sock.setblocking(True)
            self.sock.settimeout(2)
            if self.out:
                self.sock.sendall(bytes(self.out))
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.unwrap()
        except OSError:
            pass
        self.sock.close()


class Modem:
    def __init__(self, options, line):
        self.options, self.line, self.dice = options, line, line.dice
        self.files, self.commands = {}, 0
        self.record = open(options.record, "wb") if options.record else None
        self.forget()

    def forget(self):
        """As it is when it has started."""
        self.echo, self.link, self.online, self.told_end = True, None, False, False
        self.command, self.payload, self.manual, self.ssl = bytearray(), None, False, False
        self.settings, self.clock_ahead, self.zone_updates = dict(SETTINGS), -1e9, "1"
        self.session_context, self.stuck = "1", False

    # ---- saying

    def put(self, data):
        self.line.out += data

    def between(self):
        while self.dice.random() < self.options.noise:
            self.put(b"\r\n" + self.dice.choice(ASIDES[self.options.dialect]).encode() + b"\r\n")

    def say(self, *lines):
        for line in lines:
            self.between()
            self.put(b"\r\n" + line.encode() + b"\r\n")

    def result(self, line):
        """The OK and a result line, in either order."""
        both = ["OK", line]
        if self.dice.random() < self.options.noise:
            both.reverse()
        self.say(*both)

    def error(self):
        self.say("ERROR" if self.options.dialect == "simcom" else "+CME ERROR: 58")

    def prompt(self, text, length, done):
        self.between()
        self.put(text)
        self.payload = (length, bytearray(), done)

    # ---- faults

    def restart(self, told=True):
        tell("reset", commands=self.commands, told=told)
        if self.link:
            self.link.sock.close()
        del self.line.out[:]
        self.forget()
        self.files = {name: data for name, data in self.files.items() if not name.startswith("RAM:")}
        if told:
            self.put(b"\x00\xff\r\nRDY\r\n")

    def stick(self):
        """The network is gone, and the modem believes that it has it until it is told to let it go."""
        tell("stick", commands=self.commands)
        self.hang_up()
        self.stuck = self.online

    def drop(self):
        tell("drop", commands=self.commands)
        if self.link:
            self.link.sock.close()
        self.link, self.online = None, False
        self.say("+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY" if self.options.dialect == "simcom" else '+QIURC: "pdpdeact",1')
        if self.ssl and self.options.dialect == "simcom":
            self.say("+CCH_PEER_CLOSED: 0")

    def hang_up(self):
        tell("hang up", commands=self.commands)
        if self.link:
            self.link.sock.close()
            self.link.end = "reset"

    # ---- connections

    def address(self, host, port):
        if self.options.connect:
            return self.options.connect.rsplit(":", 1)[0], int(self.options.connect.rsplit(":", 1)[1])
        if ".." in host or host.endswith(".invalid"):
            raise socket.gaierror("no such name")
        return ("127.0.0.1", port)  # it knows no other network

    def setting(self, name):
        return self.settings.get(name, "")

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        checks = self.setting("authmode") == "1" or self.setting("seclevel") == "1"
        if not checks or self.options.verifies_nothing:
            context.verify_mode = ssl.CERT_NONE
            return context
        context.verify_flags |= PARTIAL_CHAIN
        context.check_hostname = self.setting("checkhost") == "1"
        context.load_verify_locations(cadata=self.files.get(self.setting("cacert").strip('"'), b"").decode())
        if self.setting("ignorelocaltime") == "0" and abs(self.clock_ahead) > 86400:
            raise ssl.SSLError("the certificate is not valid at the modem's time")
        return context

    def connect(self, host, port, secured):
        """0, or the code of the dialect."""
        simcom = self.options.dialect == "simcom"
        dns, other = (13 if secured else 11, 14 if secured else 4) if simcom else (565, 566)
        tell("connect", host=host, port=port, secured=secured)
        if self.stuck:
            return other
        try:
            sock = socket.create_connection(self.address(host, port), timeout=10)
            if secured:
                sock = self.context().wrap_socket(sock, server_hostname=host)
        except socket.gaierror:
            return dns
        except (ssl.SSLError, ValueError) as error:
            tell("handshake failed", why=str(error))
            return 15 if simcom else 566
        except OSError:
            return other
        self.link, self.told_end = Link(sock), False
        return 0

    def hang(self, result):
        if not self.link:
            self.error()
            return
        self.link.close()
        self.link = None
        self.result(result) if result else self.say("OK")

    def send(self, data):
        """Takes what there is room for; returns how many bytes that was, -1 if nobody is there."""
        if not self.link or self.link.end:
            return -1
        room = BUFFER - len(self.link.out)
        if self.options.partial and self.dice.random() < self.options.partial:
            room = self.dice.randint(0, len(data))
        taken = data[:max(room, 0)]
        self.link.out += taken
        if self.record:
            self.record.write(taken)
            self.record.flush()
        self.link.pump()
        return len(taken)

    def read(self, head, asked, tail):
        asked = int(asked)
        data = bytes(self.link.got[:asked])
        del self.link.got[:asked]
        rest = f",{len(self.link.got)}" if "CIPRXGET" in head else ""
        self.between()
        self.put(f"\r\n{head}{len(data)}{rest}\r\n".encode() + data)
        if tail:
            self.result(tail)
        else:
            self.say("OK")

    def watch(self):
        """What happens to the connection unasked."""
        simcom = self.options.dialect == "simcom"
        if not self.link:
            return
        if self.link.pump():
            if simcom:
                self.say("+CCHEVENT: 0,RECV EVENT" if self.ssl else "+CIPRXGET: 1,0")
            else:
                self.say('+QSSLURC: "recv",0' if self.ssl else '+QIURC: "recv",0')
        if self.link.end and not self.told_end and not self.payload:
            self.told_end = True
            if simcom:
                self.say("+CCH_PEER_CLOSED: 0" if self.ssl else "+IPCLOSE: 0," + ("1" if self.link.end == "closed" else "3"))
            else:
                self.say('+QSSLURC: "closed",0' if self.ssl else '+QIURC: "closed",0')

    # ---- commands

    def simcom(self, command):
        if match := re.fullmatch(r'AT\+CSSLCFG="(\w+)",0,(.*)', command):
            self.settings[match[1]] = match[2]
            self.say("OK")
        elif command == "AT+CSSLCFG?":
            told = dict(self.settings)
            if self.options.verifies_nothing == "told":
                told["authmode"] = "0"
            names = ("sslversion", "authmode", "ignorelocaltime", "negotiatetime", "cacert")
            self.say("+CSSLCFG: 0," + ",".join(told[name] for name in names) + f',"","",{told["enableSNI"]}',
                     '+CSSLCFG: 1,4,0,1,300,"","","",0', "OK")
        elif command == "AT+CCHSSLCFG=0,0":
            self.session_context = "0"
            self.say("OK")
        elif command == "AT+CCHSSLCFG?":
            self.say("+CCHSSLCFG: 0," + self.session_context, "+CCHSSLCFG: 1,", "OK")
        elif match := re.fullmatch(r'AT\+CCERTDOWN="([^"]+)",(\d+)', command):
            self.prompt(b"\r\n>", int(match[2]), lambda data: (self.files.__setitem__(match[1], data), self.say("OK")))
        elif match := re.fullmatch(r'AT\+CCERTDELE="([^"]+)"', command):
            self.say("OK") if self.files.pop(match[1], None) else self.error()
        elif command == "AT+CCHSET=1,1":
            self.error() if self.ssl else self.say("OK")
        elif command == "AT+CCHSTART":
            if self.ssl:
                self.error()
                return
            self.ssl = True
            self.settings = dict(SETTINGS)  # as some firmware does
            self.result("+CCHSTART: 0")
        elif command == "AT+CCHSTOP":
            if not self.ssl:
                self.error()
                return
            self.ssl = False
            self.result("+CCHSTOP: 0")
        elif command == "AT+NETOPEN?":
            self.say(f"+NETOPEN: {int(self.online)}", "OK")
        elif command == "AT+NETOPEN":
            if self.online:
                self.say("+IP ERROR: Network is already opened")
                self.error()
                return
            self.online = True
            self.result("+NETOPEN: 0")
        elif command == "AT+NETCLOSE":
            if not self.online:
                self.say("+NETCLOSE: 2")
                self.error()
                return
            self.online = self.stuck = False
            self.result("+NETCLOSE: 0")
        elif command == "AT+CIPRXGET=1":
            self.manual = True
            self.say("OK")
        else:
            self.simcom_connection(command)

    def simcom_connection(self, command):
        if match := re.fullmatch(r'AT\+C(IP|CH)OPEN=0,(?:"TCP",)?"([^"]+)",(\d+)(?:,2)?', command):
            secured = match[1] == "CH"
            if self.link or (not secured and not self.online) or (secured and not self.ssl):
                self.say(f"+C{match[1]}OPEN: 0,{11 if secured else 2}")
                self.error()
                return
            self.result(f"+C{match[1]}OPEN: 0,{self.connect(match[2], int(match[3]), secured)}")
        elif match := re.fullmatch(r"AT\+C(IP|CH)SEND=0,(\d+)", command):
            if self.link and self.link.end is None:
                self.prompt(b"\r\n>", int(match[2]), self.simcom_sent)
            else:
                self.error()
        elif command in ("AT+CIPRXGET=4,0", "AT+CCHRECV?"):
            if not self.link or not (self.ssl or self.manual):
                self.error()
            elif self.ssl:
                self.say(f"+CCHRECV: LEN,{len(self.link.got)},0", "OK")
            else:
                self.say(f"+CIPRXGET: 4,0,{len(self.link.got)}", "OK")
        elif match := re.fullmatch(r"AT\+(?:CIPRXGET=2|CCHRECV=0)(?:,0)?,(\d+)", command):
            if self.link and int(match[1]) > len(self.link.got):
                tell("hang", why="asked for more than there is")  # for good, until it is switched off
                sys.exit(1)
            if not self.link:
                self.say("+IP ERROR: No data")
                self.error()
            elif self.ssl:
                self.read("+CCHRECV: DATA,0,", match[1], "+CCHRECV: 0,0")
            else:
                self.read("+CIPRXGET: 2,0,", match[1], None)
        elif command == "AT+CIPCLOSE=0":
            self.hang("+CIPCLOSE: 0,0")
        elif command == "AT+CCHCLOSE=0":
            self.hang("+CCHCLOSE: 0,0")
        else:
            self.error()

    def simcom_sent(self, data):
        taken = self.send(data)
        if not self.ssl:
            self.result(f"+CIPSEND: 0,{len(data)},{taken}")
        elif taken < 0:
            self.result("+CCHSEND: 0,4")
        elif taken < len(data):  # it waits until there is room
            self.payload = (0, bytearray(data[taken:]), self.simcom_sent)
        else:
            self.result("+CCHSEND: 0,0")

    def quectel(self, command):
        if match := re.fullmatch(r'AT\+QSSLCFG="(\w+)",1,(.*)', command):
            if match[1] not in SETTINGS:
                self.error()
                return
            self.settings[match[1]] = match[2]
            self.say("OK")
        elif match := re.fullmatch(r'AT\+QSSLCFG="(\w+)",1', command):
            if match[1] not in SETTINGS:
                self.error()
                return
            lies = self.options.verifies_nothing == "told" and match[1] in ("seclevel", "checkhost")
            value = "0" if lies else self.settings[match[1]]
            self.say(f'+QSSLCFG: "{match[1]}",1,{value}', "OK")
        elif match := re.fullmatch(r'AT\+QFUPL="([^"]+)",(\d+),\d+', command):
            self.prompt(b"\r\nCONNECT\r\n", int(match[2]), lambda data: self.quectel_stored(match[1], data))
        elif match := re.fullmatch(r'AT\+QFDEL="([^"]+)"', command):
            self.say("OK") if self.files.pop(match[1], None) else self.error()
        elif command == "AT+QIACT?":
            self.say(*(['+QIACT: 1,1,1,"10.0.0.1"'] if self.online else []), "OK")
        elif command == "AT+QIDEACT=1":
            self.online = self.stuck = False
            self.say("OK")
        elif command == "AT+QIACT=1":
            self.online = True
            self.say("OK")
        else:
            self.quectel_connection(command)

    def quectel_stored(self, name, data):
        self.files[name] = data
        self.say(f"+QFUPL: {len(data)},{data[0]:x}", "OK")

    def quectel_connection(self, command):
        if match := re.fullmatch(r'AT\+Q(I|SSL)OPEN=1,(?:0,"TCP"|1,0),"([^"]+)",(\d+),0(?:,0)?', command):
            self.ssl = match[1] == "SSL"
            self.say("OK")
            code = 563 if self.link else self.connect(match[2], int(match[3]), self.ssl)
            self.say(f"+Q{match[1]}OPEN: 0,{code}")
        elif match := re.fullmatch(r"AT\+Q(?:I|SSL)SEND=0,(\d+)", command):
            if self.link and self.link.end is None:
                self.prompt(b"\r\n> ", int(match[1]), self.quectel_sent)
            else:
                self.error()
        elif match := re.fullmatch(r"AT\+Q(IRD|SSLRECV)=0,(\d+)", command):
            if self.link:
                self.read(f"+Q{match[1]}: ", match[2], None)
            else:
                self.error()
        elif command in ("AT+QICLOSE=0", "AT+QSSLCLOSE=0"):
            self.hang(None)
        else:
            self.error()

    def quectel_sent(self, data):
        if self.link and len(data) > BUFFER - len(self.link.out) or self.dice.random() < self.options.partial:
            self.say("SEND FAIL")
            return
        partial, self.options.partial = self.options.partial, 0
        taken = self.send(data)
        self.options.partial = partial
        self.error() if taken < 0 else self.say("SEND OK")

    def common(self, command):
        """Commands of both; false if it is none of them."""
        if command == "AT":
            self.say("OK")
        elif command in ("ATE0", "ATE1"):
            self.echo = command == "ATE1"
            self.say("OK")
        elif match := re.fullmatch(r'AT\+CCLK="(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)\+00"', command):
            numbers = [int(each) for each in match.groups()]
            when = datetime.datetime(2000 + numbers[0], *numbers[1:], tzinfo=datetime.timezone.utc)
            self.clock_ahead = when.timestamp() - time.time()
            self.say("OK")
        elif command == "AT+CCLK?":
            when = datetime.datetime.fromtimestamp(max(0, time.time() + self.clock_ahead), datetime.timezone.utc)
            self.say(f'+CCLK: "{when:%y/%m/%d,%H:%M:%S}+00"', "OK")
        elif command == "AT+CTZU?":
            self.say("+CTZU: " + self.zone_updates, "OK")
        elif command == "AT+CTZU=0":
            self.zone_updates = "0"
            self.say("OK")
        else:
            return False
        return True

    def obey(self, command):
        self.commands += 1
        fault = self.options.faults.pop(self.commands, None)
        if fault == "mute" and re.search("OPEN|START|STOP|CLOSE|QIACT|SEND", command):  # they have minutes
            self.options.faults[self.commands + 1] = fault
            fault = None
        if self.options.verbose:
            tell("command", command=command)
        if fault == "reset":
            self.restart()
        elif fault == "mute":
            tell("mute", command=command)
        else:
            if fault == "drop":
                self.drop()
            elif fault == "quiet":
                self.restart(told=False)
                self.put(command.encode() + b"\r")  # it started before that came
            elif fault == "hangup":
                self.hang_up()
            elif fault == "stick":
                self.stick()
            if not self.common(command):
                self.simcom(command) if self.options.dialect == "simcom" else self.quectel(command)

    def take(self, data):
        for byte in data:
            if self.payload:
                length, got, done = self.payload
                got.append(byte)
                if len(got) == length:
                    self.payload = None
                    done(bytes(got))
                continue
            if self.echo:
                self.put(bytes([byte]))
            if byte == 13:
                command = self.command.decode(errors="replace").strip()
                self.command = bytearray()
                if command.startswith("AT"):
                    self.obey(command)
            elif byte != 10:
                self.command.append(byte)

    def turn(self):
        if self.payload and self.payload[0] == 0:  # bytes that wait for room
            _, rest, done = self.payload
            self.payload = None
            done(bytes(rest))
        self.take(self.line.pump())
        self.watch()


def faults_of(text):
    """"reset@12,drop@30": before the command of that number."""
    return {int(number): kind for kind, number in (each.split("@") for each in text.split(",") if each)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--dialect", choices=list(ASIDES), default="simcom")
    parser.add_argument("--baud", type=int, default=115200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", type=float, default=0.0, help="how often something is said unasked, before each line")
    parser.add_argument("--partial", type=float, default=0.0, help="how often a part of what is sent is taken, or nothing")
    parser.add_argument("--faults", type=faults_of, default={}, help="reset@N, quiet@N (a reset that nobody saw), drop@N, stick@N, hangup@N, mute@N: at the Nth command")
    parser.add_argument("--verifies-nothing", choices=("told", "untold"),
                        help="takes all settings, and checks no certificate; reads them back so, or as if it did")
    parser.add_argument("--connect", help="HOST:PORT that every connection goes to, as if names were answered falsely")
    parser.add_argument("--record", help="file for what goes to peers")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--until-killed", action="store_true", help="does not end with its standard input")
    options = parser.parse_args()
    line = Line(options.baud, random.Random(options.seed))
    modem = Modem(options, line)
    ends = [] if options.until_killed else [sys.stdin]
    tell("ready", path=line.path)
    while True:
        wait = 0.001 if line.out or modem.link else 0.01
        readable, _, _ = select.select([line.master] + ends, [], [], wait)
        if ends and sys.stdin in readable and not sys.stdin.read(1):
            break
        modem.turn()
        time.sleep(0.0005)  # a serial line is no faster


if __name__ == "__main__":
    main()
