"""Unpacks what `npm run gpu-kit` made, where there may be no xz: unpack.py KIT.tar.xz FOLDER"""

import sys
import tarfile

# Debian's Python 3.11.2 knows no filters yet, and behaves as "fully_trusted", which suits our own kit.
safely = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
with tarfile.open(sys.argv[1], "r:xz") as kit:
    kit.extractall(sys.argv[2], **safely)
