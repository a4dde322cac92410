"""How a stream becomes pictures: each decoder in a process of its own, and what to do where one cannot read a stream.

The families of sources stand one folder up; nothing here knows cameras, retries or the watch loop.
"""
