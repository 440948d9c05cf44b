"""Unpacks what `npm run gpu-kit` made, where there may be no xz: unpack.py KIT.tar.xz FOLDER"""

import sys
import tarfile

with tarfile.open(sys.argv[1], "r:xz") as kit:
    kit.extractall(sys.argv[2], filter="tar")
