"""The real binary under test, seen from outside: HTTP, the command line, the database."""
