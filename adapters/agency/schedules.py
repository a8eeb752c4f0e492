"""What runs the client unattended: systemd units, a crontab, tasks for the Windows Task Scheduler. Pure: texts from values.

Two jobs: ``collect`` every hour, which sends what has arrived in the watched folders; ``watch`` every day, which also is the sign of life by
which the hub knows that an agency is not silent. The minute is the party's own, so that not every agency comes at once. A run that finds
another at work ends with 11, which is no failure. Formats: systemd.service(5), systemd.exec(5), systemd.timer(5); crontab(5); the Task
Scheduler schema (taskschedulerschema-elements), version 1.2.
"""

import hashlib
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

Kind = Literal["systemd", "cron", "windows"]
ZONE = "Europe/London"


@dataclass(frozen=True)
class Installation:
    """What the texts are made for.

    Attributes:
        party: whose client it is.
        home: its state folder.
        command: how the client is called, a word an argument.
        user: the account that it runs as; empty: the usual one of the kind.
        hour, minute: of the daily job, in the local time of England and Wales.
    """

    party: str
    home: str
    command: tuple[str, ...]
    user: str = ""
    hour: int = 2
    minute: int = 15

    @property
    def past_the_hour(self) -> int:
        """The minute of the hourly job: the party's own."""
        return hashlib.sha256(self.party.encode()).digest()[0] % 60

    def call(self, job: str) -> tuple[str, ...]:
        """The words of one job's command line."""
        return (*self.command, job, "--home", self.home, "--no-input", "--quiet", "--json")


JOBS: Mapping[str, str] = {
    "collect": "send what has arrived in the watched folders",
    "watch": "check the hub's log, and say that this client is alive",
}


def files(kind: Kind, of: Installation) -> dict[str, str]:
    """File name → its text."""
    match kind:
        case "systemd":
            return systemd(of)
        case "cron":
            return {"exchange-agency.crontab": cron(of)}
        case "windows":
            return {f"exchange-agency-{job}.xml": windows(of, job) for job in JOBS}


# ---------------------------------------------------------------------------------------------------------------- systemd

_SERVICE = """\
[Unit]
Description=LCJP Exchange, {party}: {does}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
User={user}
ExecStart={call}
# Proxy and certificate settings, one NAME=value a line, if this machine needs any: a service inherits none.
EnvironmentFile=-{environment}
# Another run at work is no failure. 8 (the hub could not be reached) is one, and the next run resumes.
SuccessExitStatus=11
TimeoutStartSec=6h
UMask=0077
# It reads what the machine lets this user read, and writes its state folder alone.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={home}
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_TIMER = """\
[Unit]
Description=LCJP Exchange, {party}: when to {does}

[Timer]
OnCalendar={calendar}
Persistent=true
RandomizedDelaySec={delay}

[Install]
WantedBy=timers.target
"""


def systemd(of: Installation) -> dict[str, str]:
    """A hardened service and a timer a job."""
    times = {
        "collect": (f"*-*-* *:{of.past_the_hour:02d}:00", "2m"),
        "watch": (f"*-*-* {of.hour:02d}:{of.minute:02d}:00 {ZONE}", "20m"),
    }
    made: dict[str, str] = {}
    for job, does in JOBS.items():
        calendar, delay = times[job]
        made[f"exchange-agency-{job}.service"] = _SERVICE.format(
            party=of.party,
            does=does,
            user=of.user or "exchange-agency",
            call=_call(of.call(job)),
            environment=_specifiers(f"{of.home}/environment"),
            home=_path(of.home),
        )
        made[f"exchange-agency-{job}.timer"] = _TIMER.format(party=of.party, does=does, calendar=calendar, delay=delay)
    return made


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _path(text: str) -> str:
    """A path in a list of paths."""
    return _specifiers(text) if text and not set(text) & set(" \t\"'\\") else f'"{_escaped(_specifiers(text))}"'


def _call(words: Sequence[str]) -> str:
    """The words of ExecStart: % begins a specifier there, and $ a variable, but in the program's own path."""
    program, *arguments = words
    return " ".join((_path(program), *(_path(word.replace("$", "$$")) for word in arguments)))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# ---------------------------------------------------------------------------------------------------------------- cron

_CRONTAB = """\
# LCJP Exchange, {party}. Install as {user}:  crontab -u {user} FILE   (it replaces that user's crontab).
# Proxy and certificate settings, if this machine needs any: cron inherits none.
# HTTPS_PROXY=http://proxy.example:8080
# Of cronie; a cron without CRON_TZ runs by the machine's own time.
CRON_TZ={zone}
SHELL=/bin/sh
MAILTO=""
# Every hour: {collect}.
{past} * * * * {call_collect} >>{log} 2>&1
# Every day: {watch}.
{minute} {hour} * * * {call_watch} >>{log} 2>&1
"""


def cron(of: Installation) -> str:
    """A user's crontab. What each run said goes to ``schedule.log`` in the state folder."""
    return _CRONTAB.format(
        party=of.party,
        user=of.user or "exchange-agency",
        zone=ZONE,
        past=of.past_the_hour,
        hour=of.hour,
        minute=of.minute,
        log=_shell(f"{of.home}/schedule.log"),
        call_collect=" ".join(_shell(word) for word in of.call("collect")),
        call_watch=" ".join(_shell(word) for word in of.call("watch")),
        **JOBS,
    )


def _shell(word: str) -> str:
    """A word for the shell, in a crontab: there an unescaped % ends the command."""
    return shlex.quote(word).replace("%", "\\%")


# ---------------------------------------------------------------------------------------------------------------- Windows

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>LCJP Exchange, {party}: {does}</Description>
    <URI>\\LCJP Exchange\\{job}</URI>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2026-01-01T{start}:00</StartBoundary>{repetition}
      <RandomDelay>{delay}</RandomDelay>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>{logon}
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>PT6H</ExecutionTimeLimit>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{home}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
_REPEATED = """
      <Repetition>
        <Interval>PT1H</Interval>
        <Duration>P1D</Duration>
      </Repetition>"""
_LOGON = "\n      <LogonType>Password</LogonType>"
LOCAL_SERVICE = "S-1-5-19"


def windows(of: Installation, job: str) -> str:
    """A task, to be written as UTF-16 (``encoded``). With a user it is that account's, signed in or not: a group managed service account."""
    hourly = job == "collect"
    command, *arguments = of.call(job)
    return _TASK.format(
        party=escape(of.party),
        does=escape(JOBS[job]),
        job=job,
        start=f"00:{of.past_the_hour:02d}" if hourly else f"{of.hour:02d}:{of.minute:02d}",
        repetition=_REPEATED if hourly else "",
        delay="PT2M" if hourly else "PT20M",
        user=escape(of.user or LOCAL_SERVICE),
        logon=_LOGON if of.user else "",
        command=escape(command),
        arguments=escape(subprocess.list2cmdline(arguments)),
        home=escape(of.home),
    )


def encoded(name: str, text: str) -> bytes:
    """A file's bytes: UTF-16 with its mark for the Task Scheduler, which takes what it exports; UTF-8 for all others."""
    return text.replace("\n", "\r\n").encode("utf-16") if name.endswith(".xml") else text.encode()
