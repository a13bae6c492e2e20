"""Put the checkout on Python's path; imported first by the scripts here.

Python adds the folder of the script that runs to its path, but not the folder
above, which holds the library in a checkout.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
