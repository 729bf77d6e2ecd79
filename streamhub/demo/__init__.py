"""The demo: a prepared round table goes through a real hub, as an audience, a host and an encoder would use it.

Everything here is a client of the hub: it speaks HTTP and pushes media, and imports nothing of the hub's insides.
"""
