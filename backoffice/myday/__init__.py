"""My day: the page that a KAM works on, one queue of calls with what to do next in one tap."""
