"""The peers that run in Python, one module each. peer.py runs them."""
