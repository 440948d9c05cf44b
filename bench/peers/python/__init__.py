"""The peers that run in Python, a module each; peer.py drives them."""
