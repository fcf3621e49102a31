# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements behind the rows."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from bench import tasks, trees
from bench.payload import payload_sizes
from bench.rows import Row, Say, Scale

if t.TYPE_CHECKING:
    from bench.measure import Sample
    from bench.world import World

_SPARE = 0.25, 80 * 1024  # seconds of CPU and bytes that a call may take more than a trivial module


def small(world: World, scale: Scale, say: Say) -> list[Row]:
    """A few small artifacts: push, sign, verify, and all of it again."""
    work = f"{scale.few} small artifacts: push, sign, verify, one play"
    rows = [
        Row(f"{work}, new", "the three `command` loops in a play", "times faster", 20),
        Row(f"{work}, new", "the three CLIs in a shell loop", "times faster", 7),
        Row(f"{work}, again, unchanged", "the first run of ours, each less an empty play", "of the time", 0.5, True),
    ]
    directories = trees.small(world.directory / "small", scale.few)
    for number in range(scale.runs):
        mine, theirs = tasks.artifacts(directories, world.prefix()), tasks.artifacts(directories, world.prefix())
        empty = world.play([])
        first = world.play(tasks.ours(world, mine))
        loop = world.command("sh", "-c", tasks.shell(world, theirs))
        with world.counted() as counted:
            again = world.play(tasks.ours(world, mine))
        commands = world.play(tasks.commands(world, tasks.artifacts(directories, world.prefix())))
        rows[0].add(first, commands, commands.wall / first.wall)
        rows[1].add(first, loop, loop.wall / first.wall)
        rows[2].add(again, first, again.less(empty).wall / first.less(empty).wall)
        uploads = counted[0].uploads
        rows[2].condition("upload requests", uploads, uploads == 0)
        rows[2].more.setdefault("requests", []).append(len(counted[0]))
        say(f"run {number + 1}: {first.wall:.2f} s, again {again.wall:.2f} s, tools {loop.wall:.2f} s,")
    return rows


def many(world: World, scale: Scale, say: Say) -> list[Row]:
    """Ten times as many."""
    row = Row(
        f"{scale.many} artifacts: push, sign, verify, one play", f"{scale.few} of ours", "times the time", 11, True
    )
    directories = trees.small(world.directory / "many", scale.many)
    for number in range(scale.runs):
        few = world.play(tasks.ours(world, tasks.artifacts(directories[: scale.few], world.prefix())))
        full = world.play(tasks.ours(world, tasks.artifacts(directories, world.prefix())))
        row.add(full, few, full.wall / few.wall)
        row.condition("times the peak memory", full.peak / few.peak, full.peak <= 1.3 * few.peak)
        say(f"run {number + 1}: {few.wall:.2f} s, {full.wall:.2f} s")
    return [row]


def large(world: World, scale: Scale, say: Say) -> list[Row]:
    """One large tree, pushed by the module alone and by flux."""
    work = f"one tree of {scale.size >> 20} MiB of manifests"
    rows = [
        Row(f"{work}, new", "`flux push artifact`", "times faster", 3),
        Row(f"{work}, again, unchanged", "`flux push artifact` of the same", "times faster", 10),
    ]
    path = world.directory / "large"
    rows[0].more["files"] = trees.large(path, scale.size)
    for number in range(scale.runs):
        mine, theirs = (tasks.Artifact(path, f"{world.prefix()}/large:v1") for _each in range(2))
        push = ["flux", "push", "artifact", theirs.url, f"--path={path}", f"--source={tasks.SOURCE}"]
        push.append(f"--revision={tasks.REVISION}")
        flux = world.command(*push)
        first = world.module("oci_push", **tasks.push_options([mine]))
        flux_again = world.command(*push)
        with world.counted() as counted:
            again = world.module("oci_push", **tasks.push_options([mine]))
        rows[0].add(first, flux, flux.wall / first.wall)
        rows[0].condition("MiB of peak memory", max(first.peak, again.peak), max(first.peak, again.peak) < 96)
        layers = world.layer_size(mine.reference), world.layer_size(theirs.reference)
        rows[0].condition("times the size of the layer", layers[0] / layers[1], layers[0] <= 1.1 * layers[1])
        rows[1].add(again, flux_again, flux_again.wall / again.wall)
        rows[1].condition("upload requests", counted[0].uploads, counted[0].uploads == 0)
        say(f"run {number + 1}: {first.wall:.2f} s, again {again.wall:.2f} s, flux {flux.wall:.2f} s")
    return rows


def verify(world: World, scale: Scale, say: Say) -> list[Row]:
    """Signatures of many references, in one task and in a loop."""
    row = Row(f"`cosign_verify` of {scale.references} references", "a `cosign verify` loop", "times faster", 8)
    wanted = tasks.artifacts(trees.small(world.directory / "verify", scale.references), world.prefix())
    world.play(tasks.ours(world, wanted))
    references = [artifact.reference for artifact in wanted]
    options = {"references": references, "public_keys": [{"path": str(world.pub)}]}
    for number in range(scale.runs):
        loop = world.command("sh", "-c", tasks.verify_loop(world, references))
        mine = world.play([{"proven.gitops.cosign_verify": options}])
        row.add(mine, loop, loop.wall / mine.wall)
        say(f"run {number + 1}: {mine.wall:.2f} s, cosign {loop.wall:.2f} s")
    return [row]


def calls(world: World, scale: Scale, say: Say) -> list[Row]:
    """One call that changes nothing, beside a trivial module: the mean of several in a play."""
    (artifact,) = tasks.artifacts(trees.small(world.directory / "calls", 1), world.prefix())
    world.play(tasks.ours(world, [artifact]))
    tag: tasks.Task = {"proven.gitops.oci_tag": {"reference": artifact.url, "tags": ["v1"]}}
    options = {"reference": artifact.url, "public_keys": [{"path": str(world.pub)}]}
    ours: dict[str, tasks.Task] = {"oci_tag": tag, "cosign_verify": {"proven.gitops.cosign_verify": options}}
    rows = {
        name: Row(f"one call of `{name}`", "a trivial module of ansible-core", "s of CPU more", _SPARE[0], True)
        for name in ours
    }
    sizes = payload_sizes(world, ["ansible.builtin.ping", *(f"proven.gitops.{name}" for name in ours)])
    for number in range(scale.runs):
        empty = world.play([])

        def each(task: tasks.Task, empty: Sample = empty) -> Sample:
            return world.play([task] * scale.calls).less(empty).each(scale.calls)

        trivial = each({"ansible.builtin.ping": None})
        for name, task in ours.items():
            mine = each(task)
            rows[name].add(mine, trivial, mine.cpu - trivial.cpu)
        say(f"run {number + 1}: {', '.join(f'{name} +{row.ratios[-1]:.2f} s' for name, row in rows.items())}")
    for name, row in rows.items():
        more = (sizes[f"proven.gitops.{name}"] - sizes["ansible.builtin.ping"]) / 1024
        row.condition("KiB more payload", more, more * 1024 <= _SPARE[1])
    return list(rows.values())


@dataclass(frozen=True)
class Group:
    """Rows that are measured together, and the peers that they need besides the registry."""

    measure: t.Callable[[World, Scale, Say], list[Row]]
    tools: tuple[str, ...] = ()


GROUPS = {
    "small": Group(small, ("flux", "cosign")),
    "many": Group(many),
    "large": Group(large, ("flux",)),
    "verify": Group(verify, ("cosign",)),
    "calls": Group(calls),
}
