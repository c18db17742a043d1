"""Small HTTP/1.1 server and client on asyncio streams for the doubles.

Hand-written because the doubles must be able to misbehave on purpose (half an answer, a reset, an answer that never comes),
which the standard library's servers hide.
"""
