"""What both notebooks begin with: the way to the project's modules, and how to end with a sentence."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


class Stop(Exception):
    """Ends a notebook's run with one sentence that says what to do; Jupyter shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [str(self)]
