"""Imported first by the scripts beside it: they find the library's modules.

Python puts the folder of the script that runs on its path, not the folder
above, where the library lies in a checkout.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
