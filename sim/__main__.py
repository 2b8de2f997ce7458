"""`python -m sim`."""

import sys
import traceback

try:
    from sim.cli import main
except Exception:
    # Python's own exit code for this would be 1, which says that a requirement was missed.
    traceback.print_exc()
    sys.exit(3)

sys.exit(main())
