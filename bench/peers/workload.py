"""The rows that every peer logs: ten floats shaped like a training run."""
import math
import random

KEYS = ["train/loss", "train/acc", "train/grad_norm", "lr", "val/loss", "val/ppl",
        "perf/tokens_per_s", "perf/step_ms", "gpu/mem_gb", "epoch"]


def make_rows(count, seed=0):
    """Noisy decays, schedules, quantised and smooth values; the same rows for the same arguments."""
    rng = random.Random(seed)
    total = max(count, 1000)
    warm_up = total * 0.03
    rows = []
    for step in range(count):
        at = step / total
        base = 1.8 + 9.0 * math.exp(-8 * at)
        loss = base + rng.gauss(0, 0.08)
        val = base + 0.05 + rng.gauss(0, 0.01)
        if step < warm_up:
            rate = 3e-4 * (step + 1) / warm_up
        else:
            rate = 3e-5 + 1.35e-4 * (1 + math.cos(math.pi * at))
        step_ms = 212.0 + rng.expovariate(1 / 6.0)
        accuracy = min(0.999, max(0.0, 1 - loss / 11 + rng.gauss(0, 0.01)))
        values = (loss, accuracy, rng.lognormvariate(0, 0.4), rate, val, math.exp(min(val, 20)), 65536000.0 / step_ms,
                  step_ms, round(61.2 + 0.3 * rng.random(), 1), step * 512 / 1281167)
        rows.append(dict(zip(KEYS, values)))
    return rows
