"""The end of the day in figures: one screen for people, a file for machines."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from day.api import Statistics
from day.director import Director
from day.plan import CANCELED_BY_STORE, CANCELED_OUTSIDE, DELIVERED
from day.record import Record

SHOWN = 8


def _assembled_late(record: Record) -> bool:
    text = record.market.get("payload", {}).get("completeBefore")
    return (record.finished_at is not None and text is not None
            and record.finished_at > datetime.fromisoformat(text).timestamp())


def build(director: Director, statistics: Statistics, seconds: float, strict: bool) -> dict[str, Any]:
    records = list(director.records.values())
    problems = {record.id: problem for record in records if (problem := director.problem_of(record)) is not None}
    faults = {record.id: record.faults for record in records if record.faults}
    rejected = [entry for entry in director.notifications if entry["status"] is not None and not entry["accepted"]]
    unexplained = [entry for entry in rejected if not _explained(director, entry)]
    ends = Counter(record.plan.end for record in records if record.id not in problems)
    good = not problems and not faults and not director.anomalies and not (strict and unexplained)
    return {
        "ok": good, "seconds": round(seconds, 1), "orders": len(records), "delivered": ends[DELIVERED],
        "canceled": ends[CANCELED_OUTSIDE] + ends[CANCELED_BY_STORE],
        "canceled_by_marketplace": ends[CANCELED_OUTSIDE], "canceled_by_store": ends[CANCELED_BY_STORE],
        "short": sum(record.short for record in records), "changed": sum(bool(record.plan.change) for record in records),
        "late_planned": sum(record.plan.trait == "late" for record in records),
        "late_assembled": sum(_assembled_late(record) for record in records),
        "notifications": {"accepted": sum(entry["accepted"] for entry in director.notifications),
                          "rejected": len(rejected), "rejected_unexplained": len(unexplained),
                          "by_type": dict(Counter(f"{e['type']} {e['status']}" for e in director.notifications))},
        "api": {"calls": sum(statistics.calls.values()), "answers": dict(statistics.answers),
                "p50_ms": statistics.percentile(0.5), "p95_ms": statistics.percentile(0.95),
                "max_ms": statistics.percentile(1.0), "unexpected": statistics.unexpected},
        "anomalies": director.anomalies, "not_at_their_end": problems, "faults": faults,
        "rejected_unexplained": [{key: entry[key] for key in ("order", "type", "status", "row", "at_ms")}
                                 for entry in unexplained],
    }


def _explained(director: Director, entry: dict[str, Any]) -> bool:
    """A notification that crossed the marketplace's own cancellation could not be known to be in vain."""
    return entry["state"] == "canceled" and director.records[entry["order"]].market.get("canceled_by") == "marketplace"


def screen(report: dict[str, Any]) -> str:
    notes, api = report["notifications"], report["api"]
    answers = ", ".join(f"{count} x {name}" for name, count in sorted(api["answers"].items()))
    lines = [
        f"day: {'good' if report['ok'] else 'NOT GOOD'} after {report['seconds']} s",
        f"  orders         {report['orders']:6}   changed {report['changed']}",
        f"  delivered      {report['delivered']:6}   of them short {report['short']}",
        f"  canceled       {report['canceled']:6}   by the marketplace {report['canceled_by_marketplace']}, "
        f"by the store {report['canceled_by_store']}",
        f"  late           {report['late_assembled']:6}   planned {report['late_planned']}",
        f"  notifications  {notes['accepted']:6}   accepted, {notes['rejected']} rejected "
        f"({notes['rejected_unexplained']} unexplained)",
        f"  assembly API   {api['calls']:6}   calls ({answers}); p50 {api['p50_ms']} ms, p95 {api['p95_ms']} ms, "
        f"max {api['max_ms']} ms",
        f"  anomalies      {len(report['anomalies']):6}",
    ]
    lines += _some("not at its planned end", [f"{order}: {text}" for order, text in report["not_at_their_end"].items()])
    lines += _some("faults", [f"{order}: {text}" for order, texts in report["faults"].items() for text in texts])
    lines += _some("anomalies", [f"{entry['order']}: {entry['anomaly']}: {entry['detail']}" for entry in report["anomalies"]])
    lines += _some("unexplained rejections", [f"{entry['order']}: {entry['type']} {entry['status']}, row {entry['row']}"
                                              for entry in report["rejected_unexplained"]])
    lines += _some("unexpected answers", api["unexpected"])
    return "\n".join(lines)


def _some(title: str, rows: list[str]) -> list[str]:
    if not rows:
        return []
    more = [f"    … and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [f"  {title}: {len(rows)}", *(f"    {row}" for row in rows[:SHOWN]), *more]
