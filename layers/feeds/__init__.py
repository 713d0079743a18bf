"""One file a feed: ``SOURCE`` and ``parse(answers)``; found by looking."""
