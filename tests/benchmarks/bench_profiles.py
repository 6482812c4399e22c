"""How fast profiles are checked and expanded: ``python -m tests.benchmarks.bench_profiles``."""

import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from jobs.profiles import check_paths, draw_scenarios, load_profile
from jobs.profiles.made import call_list_function
from jobs.profiles.pairwise import count_pairs, pairwise_rows
from jobs.profiles.profile import ListFunction

PIZZA = (Path(__file__).parents[2] / "profiles/pizza-shop/pizza.yaml").read_text(encoding="utf-8")
CHAIN = """
test_name: chain
user:
  role: r
  goals:
    - "{{a}} {{b}} {{c}} for {{d}}"
    - a: {function: forward(b), type: int, data: {min: 0, max: SIZE}}
    - b: {function: forward(c), type: int, data: {min: 0, max: 10}}
    - c: {function: forward(), type: int, data: {min: 0, max: 10}}
    - d: {function: random(rand), type: string, data: [w, x, y, z]}
conversation: {number: all_combinations}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("combinations expanded        s    µs each   MB at most   growth")
        _table((1_000, 10_000, 100_000), lambda size: _expanded(folder, size))
        print("profiles checked             s    ms each   MB at most   growth")
        _table((10, 100, 1_000), lambda size: _checked(folder, size), unit=1e3)
    print("pairs covered                s    µs each   MB at most   growth")
    _table((3, 10, 30, 80), lambda size: _covered((size, size, size)), counted=lambda size: count_pairs((size,) * 3))
    started = time.perf_counter()
    call_list_function(ListFunction(file="f.py", source="def f(): return [1]"), seed=1)
    print(f"a list function in its own process: {time.perf_counter() - started:.2f} s")


def _table(
    sizes: tuple[int, ...],
    work: Callable[[int], None],
    *,
    unit: float = 1e6,
    counted: Callable[[int], int] = lambda size: size,
) -> None:
    """One row a size; the growth is by how much one item takes longer than one of the smallest size."""
    first = 0.0
    for size in sizes:
        started = time.perf_counter()
        work(size)
        seconds = time.perf_counter() - started
        each = seconds / counted(size)
        first = first or each
        print(
            f"{counted(size):20,} {seconds:9.2f} {each * unit:10.2f} {_peak_mb(work, size):12.1f} {each / first:8.2f}"
        )


def _peak_mb(work: Callable[[int], None], size: int) -> float:
    """Measured apart, since watching memory takes time; not for the largest sizes, where it would take minutes."""
    if size > 10_000:
        return float("nan")
    tracemalloc.start()
    work(size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def _expanded(folder: Path, size: int) -> None:
    path = folder / "chain.yaml"
    path.write_text(CHAIN.replace("SIZE", str(size // 100)), encoding="utf-8")
    profile = load_profile(path, profiles_dir=folder)
    assert len(draw_scenarios(profile, seed=1)) == size


def _checked(folder: Path, size: int) -> None:
    within = folder / str(size)
    within.mkdir(exist_ok=True)
    for number in range(size):
        (within / f"p{number}.yaml").write_text(PIZZA, encoding="utf-8")
    assert all(check.ok for check in check_paths([within], profiles_dir=within))


def _covered(sizes: tuple[int, ...]) -> None:
    pairwise_rows.cache_clear()
    assert pairwise_rows(sizes)


if __name__ == "__main__":
    main()
