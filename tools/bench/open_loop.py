"""The open loop: customers come at a fixed rate, whether or not the earlier ones are served.

A closed loop slows down with the shop and hides how long customers would wait. Here a latency is measured from the
moment the operation was due, so what waits behind a stall counts the whole stall. The knee is the highest rate with a
p99 below the bound, without errors, that was served as fast as it came.
"""



CLIENTS = 512  # operations that may be under way at once
STEPS = 7


def knee(run, start, bound_ms):
    """Doubles the rate from `start` until it is too much, then halves the interval. `run(rate)` measures one rate.
    Returns (the knee or 0, all that was measured)."""
    tried = []
    good, bad = 0.0, None
    wanted = start
    for _ in range(STEPS):
        measured = run(wanted)
        served = is_served(measured, wanted, bound_ms)
        tried.append({"wanted": wanted, "served": served, **measured})
        print(f"      {wanted:>9,.0f}/s   p50 {measured['latency_us']['p50'] / 1000:>9.2f} ms   "
              f"p99 {measured['latency_us']['p99'] / 1000:>9.2f} ms   {measured['failures']} failures   "
              f"{'served' if served else 'too much'}", flush=True)
        if served:
            good = wanted
        else:
            bad = wanted
        wanted = good * 1.5 if bad is None else (good + bad) / 2
        if bad is not None and (bad - good) < 0.05 * bad:
            break
    return good, tried


def is_served(measured, wanted, bound_ms):
    on_time = measured["rate"] >= 0.98 * wanted
    return (on_time and measured["failures"] == 0 and not measured["unfinished"]
            and measured["latency_us"]["p99"] <= bound_ms * 1000)


