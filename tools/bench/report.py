"""The table that a run prints, and the file that it keeps."""

import json
import statistics
import time

from shop import ROOT

SEARCH_LIMIT_US = 60
READY_LIMIT_S = 1.5
MEMORY_LIMIT_MIB = 150
SCHEDULES_A_SECOND = 1_000


def median_of(rounds, side, *path):
    values = []
    for each in rounds:
        value = each[side]
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            values.append(value)
    return statistics.median(values) if values else None


def rate(value):
    if value is None:
        return "-"
    return f"{value:,.0f}/s"


def milliseconds(us):
    return "-" if us is None else f"{us / 1000:,.2f} ms"


def verdict(good):
    return "ok" if good else "MISSED"


def summary_of(pair):
    """Medians over the rounds. The ratio is the median of the rounds' ratios: each compares what was measured within
    the same seconds."""
    ratio = statistics.median(shop["rate"] / max(limit["rate"], 0.01) for shop, limit in pair.rounds)
    return {
        "title": pair.title,
        "limit": pair.limit_title,
        "shop_rate": median_of(pair.rounds, 0, "rate"),
        "limit_rate": median_of(pair.rounds, 1, "rate"),
        "ratio": ratio,
        "target": pair.target,
        "p50_us": median_of(pair.rounds, 0, "latency_us", "p50"),
        "p99_us": median_of(pair.rounds, 0, "latency_us", "p99"),
        "limit_p99_us": median_of(pair.rounds, 1, "latency_us", "p99"),
        "failures": sum(shop["failures"] + limit["failures"] for shop, limit in pair.rounds),
        "shop_cpu_us": {name: median_of(pair.rounds, 0, "cpu_us", name) for name in pair.rounds[0][0]["cpu_us"]},
        "limit_cpu_us": {name: median_of(pair.rounds, 1, "cpu_us", name) for name in pair.rounds[0][1]["cpu_us"]},
        "shop_postgres": {name: median_of(pair.rounds, 0, "postgres", name)
                          for name in ("statements", "writing_transactions", "wal_bytes")},
        "limit_postgres": {name: median_of(pair.rounds, 1, "postgres", name)
                           for name in ("statements", "writing_transactions", "wal_bytes")},
    }


def print_rates(pairs, simulated=None):
    print(f"\n{'':<34}{'Souk':>11}{'p50':>10}{'p99':>10}   {'limit':<28}{'':>11}{'ratio':>8}{'target':>8}")
    for pair in pairs:
        each = summary_of(pair)
        target = "" if pair.target == 0 else f"{pair.target:.1f}"
        word = "" if pair.target == 0 else verdict(each["ratio"] >= pair.target and not each["failures"])
        print(f"{pair.title:<34}{rate(each['shop_rate']):>11}{milliseconds(each['p50_us']):>10}"
              f"{milliseconds(each['p99_us']):>10}   {pair.limit_title:<28}{rate(each['limit_rate']):>11}"
              f"{each['ratio']:>8.2f}{target:>8}  {word}")
    if simulated:
        print_simulation(simulated)


def print_simulation(simulated):
    word = verdict(simulated["rate"] >= SCHEDULES_A_SECOND)
    print(f"{'schedules of the simulated saga':<34}{rate(simulated['rate']):>11}{'':>23}{'at least':<28}"
          f"{rate(SCHEDULES_A_SECOND):>11}{'':>16}  {word}")


def print_costs(pairs):
    print(f"\n{'an operation costs':<34}{'server':>9}{'postgres':>10}{'redis':>8}{'generator':>11}   "
          f"{'statements':>10}{'writing tx':>11}{'WAL':>10}")
    for pair in pairs:
        each = summary_of(pair)
        for title, cpu, books in ((pair.title, each["shop_cpu_us"], each["shop_postgres"]),
                                  (f"  {pair.limit_title}", each["limit_cpu_us"], each["limit_postgres"])):
            server = cpu["nginx"] if title.strip().startswith("nginx") else cpu["souk"]
            print(f"{title:<34}{server:>6,.0f} us{cpu['postgres']:>7,.0f} us{cpu['redis']:>5,.0f} us"
                  f"{cpu.get('generator', 0):>8,.0f} us   {books['statements']:>10.2f}"
                  f"{books['writing_transactions']:>11.2f}{books['wal_bytes']:>8,.0f} B")


def search_over_http_us(pairs):
    """Processor time that HTTP adds to a search in process; None where search was not measured."""
    found = next((pair for pair in pairs if pair.name == "search"), None)
    if found is None:
        return None
    return statistics.median(shop["cpu_us"]["souk"] - limit["cpu_us"]["generator"] for shop, limit in found.rounds)


def print_process(process, pairs):
    added = search_over_http_us(pairs)
    if added is not None:
        print(f"\nHTTP adds to a search in process: {added:.0f} us of processor time "
              f"(at most {SEARCH_LIMIT_US}: {verdict(added <= SEARCH_LIMIT_US)})")
    ready = statistics.median(process["ready_s"])
    print(f"ready after {ready:.2f} s (at most {READY_LIMIT_S}: {verdict(ready <= READY_LIMIT_S)}), "
          f"{process['memory_mib']['souk']:.0f} MiB resident after the run "
          f"(at most {MEMORY_LIMIT_MIB}: {verdict(process['memory_mib']['souk'] <= MEMORY_LIMIT_MIB)}), "
          f"{process['threads']} threads")
    print("PostgreSQL " + f"{process['memory_mib']['postgres']:.0f} MiB, Redis {process['memory_mib']['redis']:.0f} MiB; "
          "connections: " + ", ".join(f"{name} {count}" for name, count in process["connections"].items()))


def keep(document, path):
    """Writes the file; returns its path."""
    if path is None:
        folder = ROOT / "build/bench"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / time.strftime("%Y%m%d-%H%M%S.json")
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def document_of(head, pairs, process, simulated=None):
    return {
        **head,
        "process": process,
        "search_over_http_us": search_over_http_us(pairs),
        "simulation": simulated,
        "results": {pair.name: summary_of(pair) for pair in pairs},
        "rounds": {pair.name: [{"shop": shop, "limit": limit} for shop, limit in pair.rounds] for pair in pairs},
    }
