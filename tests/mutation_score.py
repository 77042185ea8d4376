"""The share of mutants that the tests notice, after `mutmut run`: python -m tests.mutation_score [MINIMUM]

A mutant that times out is noticed. One that no test reaches is not.
"""

import json
import sys
from collections import Counter
from pathlib import Path

MUTANTS = Path(__file__).parents[1] / "mutants"
MINIMUM = 90
_SURVIVED, _UNREACHED, _TIMEOUTS = 0, 33, {24, 36, 152, 255, -24}


def main(minimum: float) -> int:
    noticed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for meta in MUTANTS.rglob("*.py.meta"):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        module = str(meta.relative_to(MUTANTS)).removesuffix(".meta")
        for code in codes.values():
            total[module] += 1
            noticed[module] += code not in {_SURVIVED, _UNREACHED, None}
    for module in sorted(total):
        print(f"{noticed[module] / total[module]:>7.1%}  {noticed[module]:>4} of {total[module]:<4}  {module}")
    score = 100 * noticed.total() / total.total()
    print(f"{score:>6.1f}%  {noticed.total():>4} of {total.total():<4}  in all; `mutmut results` lists the others")
    return 0 if score >= minimum else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else MINIMUM))
