"""Measures Souk beside the limits of the same machine: ./souk bench [OPTIONS]; see tools/bench/README.md.

Every round measures each kind of work and its limit one after the other, so that whatever else the machine does hits
both; the table has medians over the rounds.
"""

import argparse
import pathlib
import signal
import subprocess
import sys

import limits
import machine
import measurements
import open_loop
import report
import shop as shops

sys.path.insert(0, str(shops.ROOT / "tools/test"))

import engines  # noqa: E402

NAMES = ("product", "list", "search", "cart", "checkout", "hot", "reserve", "simulation")
OPEN = {"product": "get", "list": "get", "search": "get", "cart": "add", "checkout": "checkout", "hot": "checkout"}
FILES = {"cart": "many", "checkout": "many", "hot": "one"}


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="./souk bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help=f"measure only this (may be repeated): {', '.join(NAMES)}")
    parser.add_argument("--clients", type=int, default=32, help="customers at once (32)")
    parser.add_argument("--seconds", type=float, default=5, help="of one measurement (5)")
    parser.add_argument("--warmup", type=float, default=1, help="seconds before each measurement (1)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the table has their medians (3)")
    parser.add_argument("--open-loop", choices=OPEN, metavar="NAME",
                        help=f"find the highest rate that is served in time: {', '.join(OPEN)}")
    parser.add_argument("--p99-ms", type=float, default=100, help="bound of the open loop (100)")
    parser.add_argument("--split", action="store_true", help="the services in processes of their own")
    parser.add_argument("--json", type=pathlib.Path, help="file for the results (build/bench/TIME.json)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.only if name not in NAMES]
    if unknown:
        parser.error(f"--only {unknown[0]}: there is {', '.join(NAMES)}")
    for name, least in (("clients", 1), ("seconds", 0.1), ("warmup", 0), ("rounds", 1), ("p99_ms", 0.001)):
        if getattr(options, name) < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}")
    if options.split and not shops.can_split():
        parser.error("--split: this version cannot run its services in processes of their own yet")
    return options


def build():
    print("building", flush=True)
    subprocess.run([shops.ROOT / "tools/build", "release", "souk", "souk_load", "souk_direct", "souk_simulate"],
                   cwd=shops.ROOT, check=True)


def head_of(options, shop):
    values = {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in vars(options).items()}
    settings = {row["name"]: row["setting"] for row in shop.platform.sql(
        "postgres", "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'wal_level',"
        " 'full_page_writes', 'shared_buffers', 'max_connections')")}
    return {"machine": machine.describe(), "options": values, "catalogue": shop.catalogue, "postgresql": settings}


def print_head(head):
    on, options = head["machine"], head["options"]
    print(f"machine     {on['cores']} cores, {on['processor']}, {on['memory_gib']} GiB, Linux {on['kernel']}; "
          f"load average before: {on['load_average_before']}")
    print(f"engines     {on['postgresql']}; {on['redis']}; {on['nginx']}")
    print(f"PostgreSQL  one private server for both sides: " +
          ", ".join(f"{name} {value}" for name, value in sorted(head["postgresql"].items())))
    print(f"catalogue   {head['catalogue']}")
    if options["split"]:
        print("services    each in a process of its own; the targets are those of one process")
    print(f"load        {options['clients']} clients in one thread on the same cores, {options['rounds']} rounds of "
          f"{options['seconds']:g} s after {options['warmup']:g} s", flush=True)


def process_of(shop):
    pids = shop.pids
    memory = {name: machine.memory_mib(pid, "Pss" if name == "postgres" else "Rss") for name, pid in pids.items()}
    return {"ready_s": shop.ready_s, "memory_mib": memory, "threads": machine.threads(pids["souk"]),
            "connections": shop.connections()}


def compare(bench, options, head):
    pairs = [pair for pair in measurements.all_pairs(bench) if not options.only or pair.name in options.only]
    for number in range(options.rounds):
        if number > 0:
            bench.shop.restart()
        for pair in pairs:
            print(f"round {number + 1} of {options.rounds}: {pair.title}", flush=True)
            bench.round(pair)
    simulated = None
    if not options.only or "simulation" in options.only:
        print("schedules of the saga's simulation", flush=True)
        simulated = measurements.simulate(options.seconds)
    process = process_of(bench.shop)
    report.print_rates(pairs, simulated)
    report.print_costs(pairs)
    report.print_process(process, pairs)
    return report.document_of(head, pairs, process, simulated)


def find_knee(bench, options, head):
    name = options.open_loop
    file = bench.wishes.files[FILES.get(name, name)]
    words = (OPEN[name], "--target", bench.shop.target, "--paths" if OPEN[name] == "get" else "--articles", file)
    closed = bench.load(*words)
    print(f"{name}: {closed['rate']:,.0f}/s in the closed loop with {options.clients} clients")

    def run(rate):
        shops.quiet(bench.shop)
        bench.options.clients = open_loop.CLIENTS
        return bench.load(*words, "--rate", f"{rate:.1f}")

    found, tried = open_loop.knee(run, closed["rate"] / 2, options.p99_ms)
    print(f"\n{name}: up to {found:,.0f}/s with p99 within {options.p99_ms:g} ms and no errors")
    return {**head, "open_loop": {"name": name, "knee": found, "closed": closed, "tried": tried}}


def measure(options):
    shop = shops.Shop(options.split)
    nginx = None
    try:
        print("preparing a shop of its own", flush=True)
        shop.fill()
        shop.start()
        wishes = shop.choose()
        limits.create_databases(shop.platform, wishes.sellable_ids())
        nginx = limits.Nginx(wishes.folder / "nginx", wishes.static_root)
        bench = measurements.Bench(shop, wishes, nginx, options)
        head = head_of(options, shop)
        print_head(head)
        work = find_knee if options.open_loop else compare
        path = report.keep(work(bench, options, head), options.json)
        print(f"kept in {path}")
    finally:
        if nginx:
            nginx.close()
        shop.close()


def interrupt(_signal, _frame):
    raise KeyboardInterrupt


def main(arguments):
    options = options_of(arguments)
    signal.signal(signal.SIGTERM, interrupt)
    engines.remove_leftovers()
    build()
    try:
        if set(options.only) == {"simulation"}:  # which needs no shop
            report.print_simulation(measurements.simulate(options.seconds))
        else:
            measure(options)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except RuntimeError as problem:
        print(f"souk bench: {problem}", file=sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
