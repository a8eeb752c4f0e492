"""A real Prometheus scrapes a real served hub over a submission, and is asked for the numbers; what ships for it is checked with its own tool.

Where Prometheus is not installed the same figures are read from the hub's port as they are, and the test says what it leaves out.
"""

import json
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from demo.stage import free_port
from tests.functional.raw import small
from tests.functional.world import CLEVELAND, World, agency, alive, serving

MONITORING = Path(__file__).parents[2] / "config" / "monitoring"
NAME = re.compile(r"lcjp_exchange_[a-z0-9_]+")
ROWS = 20
# Counted by the library beside what we name, or made by Prometheus of a scrape.
MADE = re.compile(r"_(bucket|count|sum|created)$")
Ask = Callable[[str], float | None]
# A hub that is well, minute by minute over ten hours, and not far from what would be something: no rule fires of it.
WELL = {
    'up{job="lcjp-exchange"}': "1x600",
    "lcjp_exchange_ready": "1x600",
    'lcjp_exchange_finding{cause="schedule"}': "0x600",
    'lcjp_exchange_finding{cause="backup"}': "0x600",
    'lcjp_exchange_finding{cause="late"}': "1x600",
    "lcjp_exchange_destructions_overdue": "0x600",
    "lcjp_exchange_second_store_lag_entries": "0x600",
    "lcjp_exchange_schedule_timestamp_seconds": "-540+60x600",
    'lcjp_exchange_job_failures_in_a_row{task="draw charts"}': "2x600",
    "lcjp_exchange_oldest_unopened_seconds": "1700x600",
    "lcjp_exchange_sealing_key_expiry_timestamp_seconds": "500000x600",
    "lcjp_exchange_last_backup_timestamp_seconds": "-90000+60x600",
    'lcjp_exchange_disk_free_bytes{place="staging"}': "9000000000x600",
    'lcjp_exchange_disk_reserved_bytes{place="staging"}': "1073741824x600",
    'lcjp_exchange_http_requests_total{status="2xx"}': "0+100x600",
    'lcjp_exchange_http_requests_total{status="5xx"}': "0+1x600",
    'lcjp_exchange_notices{state="given_up"}': "0x600",
    'lcjp_exchange_notices{state="waiting"}': "40x600",
}
# Each rule, and of which figures it fires though all others are well; "_": there is no such figure.
FIRES: dict[str, list[dict[str, str]]] = {
    "HubGone": [{'up{job="lcjp-exchange"}': "0x600"}],
    "HubNotReady": [{"lcjp_exchange_ready": "0x600"}],
    "HubNeedsItsOperator": [{'lcjp_exchange_finding{cause="quota"}': "1x600"}],
    "DestructionOverdue": [{"lcjp_exchange_destructions_overdue": "1x600"}],
    "SecondStoreLags": [{"lcjp_exchange_second_store_lag_entries": "1x600"}],
    "ScheduleStopped": [
        {"lcjp_exchange_schedule_timestamp_seconds": "-660+60x600"},
        {"lcjp_exchange_schedule_timestamp_seconds": "_x600", 'lcjp_exchange_finding{cause="schedule"}': "1x600"},
    ],
    "JobFails": [{'lcjp_exchange_job_failures_in_a_row{task="draw charts"}': "3x600"}],
    "SubmissionsWait": [{"lcjp_exchange_oldest_unopened_seconds": "1900x600"}],
    "SealingKeyEnds": [{"lcjp_exchange_sealing_key_expiry_timestamp_seconds": "400000x600"}],
    "NoBackup": [
        {"lcjp_exchange_last_backup_timestamp_seconds": "-140000+60x600"},
        {"lcjp_exchange_last_backup_timestamp_seconds": "_x600", 'lcjp_exchange_finding{cause="backup"}': "1x600"},
    ],
    "DiskFills": [{'lcjp_exchange_disk_free_bytes{place="staging"}': "9000000000-4000000x600"}],
    "ServerErrors": [{'lcjp_exchange_http_requests_total{status="5xx"}': "0+3x600"}],
    "NoticesGivenUp": [{'lcjp_exchange_notices{state="given_up"}': "1x600"}],
}


def tool(*arguments: str | Path, given: str = "") -> None:
    """Prometheus' own checker is content with it: no word of it is an error or a warning."""
    found = shutil.which("promtool")
    if found is None:
        warnings.warn("promtool is not installed: rules, settings and metrics are not checked by it", stacklevel=2)
        return
    done = subprocess.run([found, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def until(wanted: Callable[[], object], what: str, seconds: float = 60) -> None:
    over = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < over, what
        time.sleep(0.1)


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Ask]:
    """Ask a Prometheus that reads the shipped settings, at this target and every quarter of a second."""
    found = shutil.which("prometheus")
    if found is None:
        warnings.warn("prometheus is not installed: the figures are read from the port as they are", stacklevel=2)
        yield lambda query: as_text(target).get(query)
        return
    shutil.copytree(MONITORING, folder)
    settings = folder / "prometheus.yml"
    text = settings.read_text(encoding="utf-8")
    for old, new in (("127.0.0.1:9464", target), ("scrape_interval: 15s", "scrape_interval: 250ms")):
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [found, f"--config.file={settings}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield lambda query: answer(address, query)
        finally:
            process.kill()


def answer(address: str, query: str) -> float | None:
    """What Prometheus says to a query that has one answer; None while it has none."""
    try:
        said = requests.get(f"http://{address}/api/v1/query", {"query": query}, timeout=5)
    except requests.ConnectionError:
        return None
    result = said.json()["data"]["result"] if said.ok else []
    return float(result[0]["value"][1]) if result else None


def as_text(target: str) -> dict[str, float]:
    lines = requests.get(f"http://{target}/metrics", timeout=10).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


@pytest.mark.timeout(200)
def test_a_real_prometheus_scrapes_two_processes_over_a_submission(world: World, tmp_path: Path) -> None:
    target = f"127.0.0.1:{free_port()}"
    world.add(world.config, f'workers = 2\nmetrics_bind = "{target}"\n')
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-06", rows=ROWS)
    with serving(world) as server, prometheus(tmp_path / "prometheus", target) as ask:
        until(lambda: ask("lcjp_exchange_ready") == 1.0, "Prometheus has never seen the hub ready")
        before = ask("lcjp_exchange_log_entries")
        assert before is not None
        done = agency("push", "crimes", extract.path, "--period", "2021-06", "--home", world.home(CLEVELAND))
        assert done.code == 0, done
        until(lambda: ask('lcjp_exchange_submissions{state="held"}') == 1.0, "the submission is not seen held")
        until(lambda: ask("lcjp_exchange_held_rows") == ROWS, "its rows are not seen")
        until(lambda: (ask("lcjp_exchange_log_entries") or 0) > before, "the log is not seen to have grown")
        assert ask("lcjp_exchange_second_store_lag_entries") == 0.0
        opened = 'lcjp_exchange_http_requests_total{method="POST",route="submissions.Submissions",status="2xx"}'
        until(lambda: ask(opened) == 1.0, "the request that opened it is not counted once")
        # Whichever process answered, whichever has the port: all of them are counted together.
        asked = 'lcjp_exchange_http_requests_total{method="GET",route="service.health",status="2xx"}'
        for _ in range(40):
            assert requests.get(f"{world.address}/health", timeout=5).ok
        until(lambda: ask(asked) == 40.0, "not every process's requests are counted")
        runs = 'lcjp_exchange_job_runs_total{task="dispose of what is due"}'
        until(lambda: (ask(runs) or 0) >= 1, "no job is seen")
        text = requests.get(f"http://{target}/metrics", timeout=10).text
        # Nothing of it is where agencies come, and nobody's name is in it.
        assert requests.get(f"{world.address}/metrics", timeout=5).status_code == 404
        assert not [party for party in (CLEVELAND, "durham-constabulary", "LCJP-MV7") if party in text]
        kill_a_worker(server.groups[0], server.process.pid if server.process else 0)
        until(lambda: asks(target), "nobody took the port over")
        again = as_text(target)
        assert again[asked] >= 40.0, "what the process that died had counted is lost"
    tool("check", "metrics", given=text)
    every_name_exists(set(NAME.findall(text)))


def kill_a_worker(group: int, master: int) -> None:
    """SIGKILL one process of the server that is not its master."""
    worker = next(one for one in alive(group) if one != master)
    subprocess.run(["kill", "-KILL", str(worker)], check=True)


def asks(target: str) -> bool:
    try:
        return requests.get(f"http://{target}/metrics", timeout=5).ok
    except requests.ConnectionError:
        return False


def every_name_exists(known: set[str]) -> None:
    """What dashboard and rules ask for, the hub tells; but for what is told once there has been a backup, which there was not."""
    known |= {"lcjp_exchange_last_backup_timestamp_seconds"}
    used = {name for path in sorted(MONITORING.iterdir()) for name in NAME.findall(path.read_text(encoding="utf-8"))}
    assert used - known == set()
    told = {MADE.sub("", name) for name in known} - {"lcjp_exchange_http_request_duration_seconds"}
    assert told - {MADE.sub("", name) for name in used} == set(), "figures that neither dashboard nor rule shows"


def test_what_ships_for_prometheus_and_grafana_is_what_they_read() -> None:
    tool("check", "config", MONITORING / "prometheus.yml")
    tool("check", "rules", MONITORING / "alerts.yml")
    board = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    panels = board["panels"]
    assert len({one["id"] for one in panels}) == len(panels) > 20
    assert all(one["targets"] for one in panels if one["type"] != "row")
    for one in panels:
        for target in one.get("targets", []):
            assert NAME.search(target["expr"]), one["title"]
            assert "supplier" not in target["expr"].replace("silent_suppliers", "")
    spots = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(spots)) == len(spots)
    assert all(one["gridPos"]["x"] + one["gridPos"]["w"] <= 24 for one in panels)


def test_each_rule_fires_of_its_cause_and_none_of_a_hub_that_is_well(tmp_path: Path) -> None:
    rules = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"- alert: (\w+)", rules)) == set(FIRES)
    cases = [("", {}), *((name, figures) for name, several in FIRES.items() for figures in several)]
    also = {"NoBackup", "ScheduleStopped"}  # what the hub itself finds is its operator's, too
    tests = []
    for name, figures in cases:
        firing = {name, *({"HubNeedsItsOperator"} if name in also and len(figures) > 1 else ())} - {""}
        told = [{"labels": f'{{alertname="{one}"}}', "value": 1} for one in sorted(firing)]
        asked = [{"expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "9h", "exp_samples": told}]
        series = [{"series": one, "values": values} for one, values in (WELL | figures).items()]
        tests.append({"name": name or "well", "interval": "1m", "input_series": series, "promql_expr_test": asked})
    shutil.copy(MONITORING / "alerts.yml", tmp_path)
    (tmp_path / "tests.yml").write_text(json.dumps({"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}))
    tool("test", "rules", tmp_path / "tests.yml")
