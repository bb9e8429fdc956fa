"""`make test-vm`: build the machine where it is not in the cache, boot it, and show what was seen there."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from tests.vm import machine, products


def main() -> int:
    """Do so; the exit code is that of the test in the machine."""
    parser = argparse.ArgumentParser(prog="make test-vm", description=__doc__)
    parser.add_argument("--cache", type=Path, default=products.TREE / ".cache" / "vm", help="where products are kept")
    parser.add_argument("--only", default="", metavar="NAME,...", help="scenarios to play (default: all)")
    parser.add_argument("--limit-s", type=float, default=5400.0, help="the machine is stopped after so long")
    parser.add_argument(
        "--install-there",
        action="store_true",
        help="have the guest itself run `make install`, which takes long under emulation (default: in its root, here)",
    )
    arguments = parser.parse_args()
    began = time.monotonic()
    cache: Path = arguments.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    try:
        products.check_programs()
    except products.ProductError as error:
        sys.stderr.write(f"test-vm: {error}\n")
        return 1
    made = products.machine(cache)
    packages = products.wheels(cache)
    ready = products.installed(cache, made, packages)
    image = (made if arguments.install_there else ready) / "image"

    share = cache / "share"
    shutil.rmtree(share, ignore_errors=True)
    share.mkdir()
    shutil.copytree(products.HERE / "guest", share / "tests/vm/guest", ignore=shutil.ignore_patterns("__pycache__"))
    if arguments.install_there:
        shutil.copytree(packages, share / "wheels")
    shutil.copy(ready / "kernels.tar", share / "kernels.tar")
    products.source(share / "source.tar")
    (share / "only.txt").write_text(arguments.only, encoding="utf-8")
    (share / "cpu.env").write_text("".join(f"{k}={v}\n" for k, v in products.CPU.items()), encoding="utf-8")
    prepared_s = time.monotonic() - began
    how = "emulated in software: times are no measure of the daemon" if machine.emulated() else "KVM"
    sys.stdout.write(f"prepared in {prepared_s:.0f} s; the machine boots ({how})\n")
    sys.stdout.flush()
    code = machine.boot(made, image, share, arguments.limit_s)
    sys.stdout.write(
        f"test-vm: {'passed' if code == 0 else 'FAILED'}, {time.monotonic() - began:.0f} s in all ({how})\n"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
