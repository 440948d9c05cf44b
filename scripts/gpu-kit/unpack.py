"""Unpacks what `npm run gpu-kit` packed, for machines without xz: unpack.py KIT.tar.xz FOLDER"""

import sys
import tarfile

# Debian's Python 3.11.2 does not support filters and behaves like "fully_trusted", which is safe
# for our own kit.
safely = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
with tarfile.open(sys.argv[1], "r:xz") as kit:
    kit.extractall(sys.argv[2], **safely)
