"""`python -m sim`."""

import gc
import sys
import traceback

try:
    from sim.cli import main
except Exception:
    # Python's own exit code for this would be 1, which says that a requirement was missed.
    traceback.print_exc()
    sys.exit(3)

exit_code = main()
# The process ends, and takes everything along: Python need not look for what is unused.
gc.freeze()
sys.exit(exit_code)
