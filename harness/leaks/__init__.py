"""Leaks of a test: what it left open, and the line that made it. No pytest here; ``harness.plugin`` has the mark.

How it works. A ``Watch`` puts thin wrappers around constructors (sessions, connectors, responses, servers, tasks,
threads, sockets, files, event loops) and around the hook that is told of an async generator's first step. Each thing
is noted with the innermost line of the tester's own code on the stack: not the standard library's, not an installed
package's. Nothing is kept alive: the notes are weak references and descriptor numbers. Whoever made a thing is known
by a context variable, which asyncio hands on to tasks and callbacks: what a fixture of a wider scope made, or a server
that such a fixture runs, does not count.

When it looks. Tasks and generators must be looked at while their loop lives, since a runner cancels its leftovers
before it closes: so closing a loop is where its things are judged, after all async fixtures and before any cancelling.
The rest is judged after the last function-scoped fixture. Before anything is called a leak, garbage is collected, the
loop gets a few cycles to finish what was closed, and threads get a moment to end. What a live fixture of a wider scope
holds is that fixture's to close.

A session, connector, response, socket or generator that was dropped without being closed is named too, although the
garbage collector has mended it: that is luck, and late.

What it cannot see: an entry left in an application's own registry (that needs a probe of the application); a file that
was dropped unclosed and is closed by the time anybody looks (Python has a ResourceWarning for it); a descriptor opened
by C code or by a child process; what was made in a module's body while it was imported, or by ``logging``, which
belong to the process and not to a test; tasks of a loop that is not written in Python, unless a runner closes it; a
response whose body had arrived in full, since aiohttp gives its connection back by itself.

The wrappers add a frame: a warning that aiohttp attributes to its caller names the wrapper while a watch is on.
"""
