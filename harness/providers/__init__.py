"""One provider wire protocol per module: requests, answers, streams and errors, decoded and encoded. Sans-IO."""
