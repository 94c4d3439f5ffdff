"""The REST interface: one function for each path, from query to encoded result."""
