"""What others embed can be imported without matplotlib."""

import subprocess
import sys


def test_the_interface_loads_nothing_heavy():
    code = ("import sys, cclcc_cli.report.figures.figure, cclcc_cli.report.figures.folder\n"
            "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, timeout=120)
    loaded = set(done.stdout.split())
    assert "cclcc_cli" in loaded
    assert not loaded & {"matplotlib", "torch", "mlflow", "pandas", "cv2", "numpy"}
