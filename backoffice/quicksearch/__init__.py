"""The search box on every page, and what it leads to: recording a visit, a call or an order in two taps."""
