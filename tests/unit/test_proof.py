# SPDX-License-Identifier: GPL-3.0-or-later
"""`.ci/run` itself: lanes, what becomes of a step, the table, and that no tier loses a step of another."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from proof import lanes, plan, table
from proof.__main__ import report
from proof.lanes import Lanes, Step
from proof.table import Case, Row

MACHINE = plan.Machine("python3.11", "python3.13", "/the/lab")
JUNIT = """<testsuites><testsuite name="pytest" time="90.0">
<testcase classname="a.b" name="good" time="1"/>
<testcase classname="a.b" name="expected"><skipped type="pytest.xfail" message="known"/></testcase>
<testcase classname="a.b" name="left"><skipped type="pytest.skip" message="no docker"/></testcase>
<testcase classname="a.b" name="bad"><failure message="assert 1 == 2&#10; and more">text</failure></testcase>
<testcase classname="a.b" name="worse"><error>it broke</error></testcase>
</testsuite></testsuites>"""


def step(name: str, *code: str, lane: str = "one", **more: object) -> Step:
    return Step(name, lane, tuple((sys.executable, "-c", one) for one in code), **more)  # type: ignore[arg-type]


class Run:
    """Steps that are run, and what was said."""

    def __init__(self, directory: Path, *steps: Step, limit: float = 90.0) -> None:
        said: list[str] = []
        self.rows = {row.step: row for row in Lanes(steps, directory, limit, said.append).run()}
        self.said = "".join(said)

    def outcomes(self) -> dict[str, list[str]]:
        return {name: [case.outcome for case in row.cases] for name, row in self.rows.items()}


def test_a_junit_file(tmp_path: Path) -> None:
    (tmp_path / "faults.xml").write_text(JUNIT)
    row = table.read(tmp_path / "faults.xml")
    assert (row.step, row.minutes) == ("faults", 1.5)
    assert [case.outcome for case in row.cases] == ["passed", "passed", "skipped", "failed", "failed"]
    assert [(case.name, case.message) for case in row.failures] == [
        ("a.b::bad", "assert 1 == 2 and more"),
        ("a.b::worse", "it broke"),
    ]
    (tmp_path / "broken.xml").write_text("<testsuites>")
    with pytest.raises(ValueError, match="no junit file"):
        table.read(tmp_path / "broken.xml")


def test_a_junit_file_of_ours_reads_back(tmp_path: Path) -> None:
    cases = (Case("make ruff", "passed"), Case("make mypy", "failed", "it ended with status 1"), Case("x", "skipped"))
    table.write(tmp_path / "new" / "lint.xml", "lint", cases, 30.0)
    row = table.read(tmp_path / "new" / "lint.xml")
    assert row.minutes == 0.5
    assert [(case.name, case.outcome, case.message) for case in row.cases] == [
        ("lint::make ruff", "passed", ""),
        ("lint::make mypy", "failed", "it ended with status 1"),
        ("lint::x", "skipped", ""),
    ]


def test_the_table_and_the_last_line() -> None:
    rows = [
        Row("faults", (Case("a", "passed"), Case("b", "failed", "why")), 6.26, 11.0),
        Row("interop", (Case("c", "passed"), Case("d", "skipped")), 5.0, None, "IN PART"),
    ]
    assert table.render(rows).splitlines() == [
        "step     minutes   cpu  cases  passed  failed  skipped",
        "faults       6.3  11.0      2       1       1        0",
        "interop      5.0            2       1       0        1  IN PART",
        "all               11.0      4       2       1        1",
    ]
    text = report(rows, 3661.5, lab=False).splitlines()
    assert text[-1] == "==== 2 passed, 1 failed, 1 skipped in 3661.50s (1:01:01) ===="
    assert text[-2] == "==== FAILED: faults"
    assert "FAILED faults: b - why" in text
    assert "interop: IN PART" in text
    assert any("LEFT OUT" in line for line in text)
    said = [report([row], 1.0, lab=True).splitlines()[-2] for row in (rows[1], Row("e2e", (Case("f", "passed"),)))]
    assert said == ["==== all that was run passed, and NOT ALL was: interop", "==== all passed"]


def test_the_table_of_files_on_disk(tmp_path: Path) -> None:
    (tmp_path / "faults.xml").write_text(JUNIT)
    command = [sys.executable, "-m", "proof.table", str(tmp_path / "faults.xml")]
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, env={"PYTHONPATH": str(tests)}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1].split() == ["faults", "1.5", "5", "2", "2", "1"]


def test_a_lane_goes_on_after_what_failed(tmp_path: Path) -> None:
    ran = Run(tmp_path, step("bad", "print('said')\nraise SystemExit(3)", "pass"), step("good", "pass"))
    assert ran.outcomes() == {"bad": ["failed", "passed"], "good": ["passed"]}
    assert ran.rows["bad"].failures[0].message == "it ended with status 3"
    assert "said" in ran.said
    assert table.read(tmp_path / "junit" / "bad.xml").count("failed") == 1


def test_lanes_run_side_by_side_and_are_shown_in_one_piece(tmp_path: Path) -> None:
    meet = "import pathlib, time\npathlib.Path({!r}).touch()\nprint('one', flush=True)\nend = time.monotonic() + 20\n"
    meet += "while not pathlib.Path({!r}).exists(): assert time.monotonic() < end; time.sleep(0.01)\nprint('two')"
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    ran = Run(tmp_path, step("first", meet.format(a, b)), step("second", meet.format(b, a), lane="two"))
    assert ran.outcomes() == {"first": ["passed"], "second": ["passed"]}
    assert ran.said.count("one\ntwo\n") == 2


def test_the_processor_is_measured_with_all_children(tmp_path: Path) -> None:
    busy = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
    busy += "'import time\\nwhile time.process_time() < 0.6: pass'])"
    cpu = Run(tmp_path, step("busy", busy)).rows["busy"].cpu
    assert cpu is not None
    assert 0.6 <= cpu * 60 < 5


def test_what_a_step_needs(tmp_path: Path) -> None:
    ran = Run(
        tmp_path,
        step("lab", "import time; time.sleep(0.3); raise SystemExit(1)", lane="lab"),
        step("other", "pass"),
        step("interop", "raise SystemExit('ran')", needs=("lab",)),
        step("bench", "pass", after=("lab",)),
    )
    assert ran.outcomes() == {"lab": ["failed"], "other": ["passed"], "interop": ["failed"], "bench": ["passed"]}
    assert ran.rows["interop"].note == "not run, for want of: lab"


def test_what_there_is_no_time_for_is_said(tmp_path: Path) -> None:
    shorter = step("cluster", "print('in part')", minutes=10)
    ran = Run(
        tmp_path,
        step("whole", "pass", minutes=10),
        step("cluster", "raise SystemExit(1)", minutes=20, shorter=shorter),
        step("e2e", "raise SystemExit(1)", minutes=20),
        limit=15.0,
    )
    assert ran.outcomes() == {"whole": ["passed"], "cluster": ["passed"], "e2e": []}
    assert ran.rows["cluster"].note.startswith("IN PART: LEFT OUT after 0 minutes: it takes 20")
    assert ran.rows["e2e"].note == "LEFT OUT after 0 minutes: it takes 20"
    assert "in part" in ran.said


def test_a_step_with_a_junit_file_of_its_own(tmp_path: Path) -> None:
    """What fails without a case that did, fails all the same; a file of an earlier run is not this one's."""
    file = tmp_path / "junit" / "own.xml"
    file.parent.mkdir()
    write = f"import pathlib\npathlib.Path({str(file)!r}).write_text('<testsuite><testcase name=\"a\"/></testsuite>')\n"
    assert Run(tmp_path, step("own", write)).outcomes() == {"own": ["passed"]}
    assert Run(tmp_path, step("own", write + "raise SystemExit(1)")).outcomes() == {"own": ["passed", "failed"]}
    assert Run(tmp_path, step("own", "raise SystemExit(1)")).outcomes() == {"own": ["failed"]}
    ran = Run(tmp_path, step("own", f"open({str(file)!r}, 'w').write('<')"))
    assert ran.rows["own"].failures != []


def test_a_quiet_step_shows_its_end(tmp_path: Path) -> None:
    ran = Run(tmp_path, step("lab", "print('\\n'.join(map(str, range(1000))))", quiet=True))
    assert ran.said.splitlines()[-1] == "999"
    assert len(ran.said.splitlines()) < lanes.END_LINES + 10


def test_an_end_from_outside_ends_what_runs(tmp_path: Path) -> None:
    program = f"""
import signal, sys, threading
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
from pathlib import Path
from proof.lanes import Lanes, Step
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
sleep = (sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
steps = [Step("a", "a", (sleep,)), Step("b", "b", (sleep,), apart=True)]
Lanes(steps, Path({str(tmp_path)!r}), 90.0).run()
"""
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    logs = [tmp_path / "log" / f"{name}.log" for name in "ab"]
    end = time.monotonic() + 20
    while not all(log.exists() and log.read_text().endswith("\n") for log in logs):
        assert time.monotonic() < end
        time.sleep(0.05)
    running.terminate()
    said, _nothing = running.communicate(timeout=20)
    assert running.returncode == 143
    assert said.count("STOPPED") == 2
    for log in logs:
        process = Path("/proc") / log.read_text().strip()
        while process.exists() and "State:\tZ" not in (process / "status").read_text():
            assert time.monotonic() < end + 20
            time.sleep(0.05)


@pytest.mark.parametrize("lab", [None, "/the/lab"])
@pytest.mark.parametrize("build", [plan.merge, plan.nightly])
def test_a_plan_holds_together(build: object, lab: str | None) -> None:
    assert callable(build)
    steps: list[Step] = build(plan.Machine("python3.11", "python3.13", lab))
    names = [one.name for one in steps]
    assert len(set(names)) == len(names)
    for one in steps:
        assert set(one.needs + one.after) <= set(names), one
    assert names[0] == "environments"
    assert any("lab" in one.needs for one in steps) is (lab is not None)


def test_the_night_has_what_the_day_has() -> None:
    def targets(steps: list[Step]) -> set[str]:
        return {command[1] for one in steps for command in one.commands if command[0] == "make"}

    # Both Pythons run everything at night, so that what differs between them is among it.
    assert targets(plan.merge(MACHINE)) - {"versions"} <= targets(plan.nightly(MACHINE))
    assert {"fuzz", "bench"} <= targets(plan.nightly(MACHINE)) - targets(plan.merge(MACHINE))
